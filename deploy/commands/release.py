"""What is done to production besides deploying to it: rollback, ab, shadow, promote."""

import argparse

from deploy import approved, experiments, guardrails, milestones, packages, staged
from deploy.commands.stage import deploy_package, remember
from deploy.errors import DeployError, NotReleasedError
from deploy.packages import Package
from deploy.project import PRODUCTION, Project
from model_road import model_packages
from model_road.errors import NoModelError


def roll_back(project: Project, options: argparse.Namespace) -> int:
    """Bring production back to the version before, or to the one that is named."""
    production = staged.read(project, PRODUCTION)
    target = previous(project, production.package) if options.to is None else _named(project, options.to)
    if options.to is not None and not milestones.was_in_production(target, project.name):
        raise NotReleasedError(
            f"{target.short_name} has never been in production: bring it there by staging, test, approve, production"
        )
    approved.check(project.session.client, target)
    print(f"Rollback       from {production.package.short_name} to {target.short_name}", flush=True)
    if target.arn != production.package.arn:
        # It came there before it was withdrawn, and is to be written down so.
        remember(project, production)
        # Otherwise `production` would bring it back: staging still runs it. First, as what follows may be interrupted.
        withdrawn = milestones.now(milestones.WITHDRAWN, production.config_name)
        milestones.write(project.sagemaker, production.package, project.name, milestones.APPROVAL, withdrawn)
    deploy_package(project, PRODUCTION, target, guardrails.asked(options.without_alarms), wait=options.wait)
    return 0


def ab_test(project: Project, options: argparse.Namespace) -> int:
    """Give a share of production's traffic to another version."""
    challenger = _named(project, options.package)
    # Its answers reach users.
    milestones.check_passed(challenger, project.name)
    return _experiment(project, options, experiments.ab_test(challenger.arn, options.weight))


def shadow(project: Project, options: argparse.Namespace) -> int:
    """Send copies of production's requests to another version, whose answers are captured and thrown away."""
    return _experiment(project, options, experiments.shadow(_named(project, options.package).arn, options.sampling))


def promote(project: Project, options: argparse.Namespace) -> int:
    """End an experiment: the version that was tried takes production."""
    production = staged.read(project, PRODUCTION)
    arn = experiments.challenger(production.stack.parameters)
    if arn is None:
        raise DeployError(f"{production.stack.name} runs no experiment: begin one with `ab` or `shadow`")
    challenger = _named(project, arn)
    # A shadow may run untested, as its answers reach no user.
    milestones.check_passed(challenger, project.name)
    deploy_package(project, PRODUCTION, challenger, guardrails.asked(options.without_alarms), wait=options.wait)
    return 0


def previous(project: Project, serving: Package) -> Package:
    """Find the approved version that came to production last, of all but the one that is there now.

    A version that a rollback has left does not count: two rollbacks go back twice, not back and forth.

    Raises
    ------
    NoModelError
        When there is no such version.
    """
    candidates = []
    for arn in model_packages.arns(project.sagemaker, project.model_package_group_name, model_packages.APPROVED):
        package = packages.describe(project.sagemaker, arn)
        milestone = milestones.read(package.metadata, project.name, milestones.PRODUCTION)
        if milestone and package.arn != serving.arn and not milestones.was_withdrawn(package, project.name):
            candidates.append((milestone.time, package.version, package))
    if not candidates:
        raise NoModelError("no other approved version has been in production: there is nothing to go back to")
    return max(candidates, key=lambda candidate: candidate[:2])[2]


def _experiment(project: Project, options: argparse.Namespace, values: dict[str, str]) -> int:
    production = staged.read(project, PRODUCTION)
    if experiments.challenger(values) == production.package.arn:
        raise DeployError(f"{production.package.short_name} is what production serves: try another version")
    deploy_package(project, PRODUCTION, production.package, values, wait=options.wait)
    print(f"Experiment     {experiments.describe(values)}")
    print(f"Next           {project.next_command('promote')}, or to end it {project.next_command('production')}")
    return 0


def _named(project: Project, name: str) -> Package:
    """Find a version that is approved, and is what was approved."""
    package = packages.find(project.sagemaker, project.model_package_group_name, name)
    approved.check(project.session.client, package)
    return package

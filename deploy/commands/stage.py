"""The two stages: plan, staging, test, approve, production."""

import argparse
import os
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from deploy import approved, deployment, experiments, guardrails, milestones, packages, plan, stacks, staged, stages
from deploy.errors import DeployError, NotReleasedError
from deploy.packages import Package
from deploy.plan import Plan
from deploy.project import PRODUCTION, STAGING, Project
from deploy.stacks import Request, Stack
from deploy.staged import Staged
from deploy.test import report, staging_test
from deploy.test.checks import Expectations
from model_road import model_packages, quality
from model_road.errors import NoModelError


def show_plan(project: Project, options: argparse.Namespace) -> int:
    """Print what `staging` and `production` would change."""
    newest = _chosen(project, options)
    staging = stacks.describe(project.of(STAGING).cloudformation, project.stack_name(STAGING))
    for line in _plan(project, STAGING, newest, staging):
        print(line)
    there = project.of(PRODUCTION).cloudformation
    production = stacks.describe(there, project.stack_name(PRODUCTION))
    for name, lines in stacks.prepared_changes(there, project.stack_name(PRODUCTION)).items():
        print(f"{project.stack_name(PRODUCTION)}: the change set {name} is prepared")
        for line in lines:
            print(f"  {line}")
    try:
        candidate = staged.read(project, STAGING)
        milestones.check_released(candidate.package, project.name, candidate.config_name)
    except (DeployError, NoModelError) as error:
        print(f"{project.stack_name(PRODUCTION)}: nothing would be deployed yet: {error}")
        return 0
    for line in _plan(project, PRODUCTION, candidate.package, production):
        print(line)
    return 0


def deploy_staging(project: Project, options: argparse.Namespace) -> int:
    """Deploy the latest approved version, or the one that is named, to staging."""
    package = _chosen(project, options)
    if package.status != model_packages.APPROVED:
        raise DeployError(
            f"{package.short_name} is {package.status} in the registry: "
            f"`{project.next_command(f'approve-model {package.arn}')}`"
        )
    deploy_package(project, STAGING, package, wait=options.wait)
    print(f"Next           {project.next_command('test')}")
    return 0


def test_staging(project: Project, options: argparse.Namespace) -> int:
    """Test what staging runs, and write down on the package how that ended."""
    stage, there = staged.read(project, STAGING, "test"), project.of(STAGING, "test")
    evaluation = quality.evaluation(project.s3, stage.package.document)
    expected = Expectations(
        config_name=stage.config_name,
        package_arn=stage.package.arn,
        metrics=quality.metrics(evaluation),
        tolerance=options.tolerance,
        max_latency=options.max_latency / 1000,
        calls=options.calls,
        capture_seconds=options.capture_seconds,
    )
    subject = staging_test.subject(there, project.endpoint_name(STAGING), stage.package, evaluation, expected)
    results = []
    for result in staging_test.run(subject):
        results.append(result)
        stream = sys.stdout if result.passed else sys.stderr
        print(f"{result.name:<14} {'passed' if result.passed else 'FAILED'}  {result.detail}", file=stream, flush=True)
    failed = [f"{result.name}: {result.detail}" for result in results if not result.passed]
    passed = not failed
    verdict = milestones.PASSED if passed else milestones.FAILED
    milestone = milestones.now(verdict, stage.config_name, milestones.plain(" / ".join(failed)))
    milestones.write(project.sagemaker, stage.package, project.name, milestones.TEST, milestone)
    path = Path(options.report or os.environ.get("EXPORT_TEST_RESULTS") or "staging-test.xml")
    report.write(path, "staging-test", results)
    print(f"Report         {path}")
    if not passed:
        raise DeployError(
            f"{stage.package.short_name} failed the test in staging, and production refuses it: {'; '.join(failed)}"
        )
    print(f"Next           {project.next_command('approve')}")
    return 0


def approve_staging(project: Project, _options: argparse.Namespace) -> int:
    """Approve what staging runs for production: the manual step between the two stages."""
    stage = staged.read(project, STAGING)
    milestones.check_tested(stage.package, project.name, stage.config_name)
    caller = project.session.client("sts").get_caller_identity()["Arn"]
    approval = milestones.now(model_packages.APPROVED, stage.config_name, caller)
    known = milestones.read(stage.package.metadata, project.name, milestones.APPROVAL)
    is_known = known is not None and (known.verdict, known.config_name) == (approval.verdict, approval.config_name)
    if not is_known:
        milestones.write(project.sagemaker, stage.package, project.name, milestones.APPROVAL, approval)
    print(f"Model package  {stage.package.arn}")
    print(f"Approved       for production, as {stage.config_name}{' (no change)' if is_known else ''}")
    print(f"Next           {project.next_command('production')}")
    return 0


def deploy_production(project: Project, options: argparse.Namespace) -> int:
    """Deploy what staging runs, tested and approved, to production."""
    stage = staged.read(project, STAGING)
    milestones.check_released(stage.package, project.name, stage.config_name)
    check_template(project, stage)
    deploy_package(project, PRODUCTION, stage.package, guardrails.asked(options.without_alarms), wait=options.wait)
    print(f"Next           {project.next_command('api')}")
    return 0


def check_template(project: Project, staging: Staged) -> None:
    """Make sure that production gets the template that staging was tested with.

    Raises
    ------
    NotReleasedError
    """
    tested = stacks.template(project.cloudformation, staging.stack.name)
    if tested.strip() != stages.read_template(stages.ENDPOINT_TEMPLATE).strip():
        raise NotReleasedError(
            f"{stages.ENDPOINT_TEMPLATE.name} is not what {staging.stack.name} was made from and tested with: run "
            f"`{project.next_command('staging')}` and the test again, or take the commit that staging was deployed from"
        )


def deploy_package(
    project: Project, stage: str, package: Package, extra: Mapping[str, str] | None = None, *, wait: bool
) -> None:
    """Bring a stage to a package, if it is what was approved; write down on packages that they were in production.

    An update that ends an experiment moves no traffic in steps, and no alarm rolls it back: where the package is
    another one, the experiment is ended first, with the package that is there.

    Raises
    ------
    NotAsApprovedError
    DeployError
        When two updates are necessary, and nobody would wait for the first.
    """
    approved.check(project.session.client, package)
    there = project.of(stage)
    before = stacks.describe(there.cloudformation, project.stack_name(stage))
    if stage == PRODUCTION and before is not None and before.is_whole:
        # Whoever deployed it may not have waited.
        remember(project, staged.read(project, PRODUCTION))
    print(f"Model package  {package.arn}")
    if before is not None and _ends_experiment_for(package, before, extra or {}):
        if not wait:
            raise DeployError(
                f"{before.name} runs an experiment ({experiments.describe(before.parameters)}), which an update of its "
                "own has to end before that to another version: leave --no-wait out"
            )
        serving = packages.describe(project.sagemaker, stages.package_arn(before))
        print(f"Ends           {experiments.describe(before.parameters)}", flush=True)
        deployment.run(there, _wanted(project, stage, serving, before, extra), project.endpoint_name(stage), wait)
        before = stacks.describe(there.cloudformation, project.stack_name(stage))
    deployment.run(there, _wanted(project, stage, package, before, extra), project.endpoint_name(stage), wait)
    if wait:
        after = staged.read(project, stage)
        print(f"Endpoint       {project.endpoint_name(stage)} runs {after.config_name}")
        if stage == PRODUCTION:
            remember(project, after)


def _ends_experiment_for(package: Package, before: Stack, extra: Mapping[str, str]) -> bool:
    """Return whether a stack is to lose a variant, and to serve another package besides."""
    loses = experiments.variants(before.parameters) - experiments.variants(extra)
    return before.is_whole and bool(loses) and stages.package_arn(before) != package.arn


def remember(project: Project, production: Staged) -> None:
    """Write down on the package that it is in production, unless it says so already."""
    known = milestones.read(production.package.metadata, project.name, milestones.PRODUCTION)
    if known is None or known.config_name != production.config_name:
        milestone = milestones.now(milestones.DEPLOYED, production.config_name)
        milestones.write(project.sagemaker, production.package, project.name, milestones.PRODUCTION, milestone)


def _chosen(project: Project, options: argparse.Namespace) -> Package:
    if options.package is None:
        return packages.latest_approved(project.sagemaker, project.model_package_group_name)
    return packages.find(project.sagemaker, project.model_package_group_name, options.package)


def _plan(project: Project, stage: str, package: Package, before: Stack | None) -> list[str]:
    return list(plan.lines(_compared(project.of(stage), before, _wanted(project, stage, package, before))))


def _wanted(
    project: Project, stage: str, package: Package, before: Stack | None, extra: Mapping[str, str] | None = None
) -> Request:
    """Return what a stage's stack is to become; where nothing else changes, how it came there is left as it is."""
    wanted = stages.request(project, stage, package, before, extra)
    if before is None or guardrails.PARAMETER not in before.parameters:
        return wanted
    known = {guardrails.PARAMETER: before.parameters[guardrails.PARAMETER]}
    kept = replace(wanted, parameters={**wanted.parameters, **known})
    return kept if _compared(project.of(stage), before, kept).is_empty else wanted


def _compared(there: Project, before: Stack | None, wanted: Request) -> Plan:
    known = before is not None and not before.is_empty
    body = stacks.template(there.cloudformation, wanted.name) if known else ""
    home = there.home or there
    return plan.compare(before, body, wanted, stacks.parameter_defaults(home.cloudformation, wanted.template))

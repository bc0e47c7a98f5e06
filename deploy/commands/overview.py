"""The project as a whole: status, delete."""

import argparse
import sys
from collections.abc import Iterator

from deploy import (
    codepipeline,
    deployment,
    experiments,
    failures,
    milestones,
    packages,
    provisioned,
    retained,
    stacks,
    tables,
    traffic,
)
from deploy.deployment_view import output_lines, traffic_lines
from deploy.errors import DeployError
from deploy.project import API, PRODUCTION, STAGING, SYSTEM_TEST, Project, own_id
from deploy.stacks import Stack
from deploy.stages import STAGES
from model_road.errors import UsageError

# As they depend on each other: the API calls production's endpoint, the system test that of staging.
_AGAIN = "delete project --delete-retained-resources"
_ORDER_OF_DELETION = (API, PRODUCTION, SYSTEM_TEST, STAGING)


def status(project: Project, _options: argparse.Namespace) -> int:
    """Show the stacks, what they serve and who gets the traffic."""
    own = provisioned.find(project.cloudformation, project.name)
    if own is not None:
        print(f"{'project':<14} {own.name}  {own.status} {own.reason}".rstrip())
        for line in _failures(project):
            print(f"  {line}")
    for stage in (STAGING, SYSTEM_TEST, PRODUCTION, API):
        stack = stacks.describe(project.of(stage).cloudformation, project.stack_name(stage))
        if stack is None:
            whole = own if stage == SYSTEM_TEST else None
            print(f"{stage:<14} {f'in {whole.name}, the stack of the project' if whole else 'not deployed'}")
            continue
        print(f"{stage:<14} {stack.name}  {stack.status} {stack.reason}".rstrip())
        for line in (
            *_package(project, stack),
            *output_lines(stack),
            *_traffic(project, stage),
            *_scaling(project, stage),
        ):
            print(f"  {line}")
        if stage == API and stack.is_whole:
            for line in _next(project):
                print(line)
    return 0


def _failures(project: Project) -> Iterator[str]:
    """Yield why the last executions of the project's CodePipelines failed, or what they wait for."""
    client = project.session.client
    for which in (codepipeline.BUILD, codepipeline.DEPLOY):
        try:
            state = codepipeline.read(client("codepipeline"), codepipeline.name_of(project.name, which))
        except DeployError:  # a project whose stack is not whole
            continue
        found = failures.read(client, state)
        if waits := failures.waiting(client, state, found, project.name, project.model_package_group_name):
            yield waits
            continue
        for failure in found:
            yield from failure.lines(project.next_command)


def _next(project: Project) -> Iterator[str]:
    """Propose what there is to try when a model is in production and has its API."""
    yield "Try next"
    for arguments, purpose in (
        ("list", "the versions, side by side"),
        ("system-test", "the system test's state machine, on staging"),
        ("ab ARN --weight 10", "a tenth of the traffic for another version"),
        ("rollback", "the version before, when there is one"),
        ("project", "a repository whose commits do all of this by themselves"),
    ):
        yield f"  {purpose:<57} {project.next_command(arguments)}"


def delete(project: Project, options: argparse.Namespace) -> int:
    """Delete stacks, with everything that is in them."""
    chosen = [stage for stage in _ORDER_OF_DELETION if options.what in (stage, "all", "project")]
    found = {stage: stacks.describe(project.of(stage).cloudformation, project.stack_name(stage)) for stage in chosen}
    present = [(project.of(stage), stack) for stage, stack in found.items() if stack is not None]
    if options.delete_retained_resources and options.what != "project":
        raise UsageError("--delete-retained-resources is for `deploy-model delete project`")
    if options.what == "project":
        return _delete_project(project, options, [stack for _, stack in present])
    if not present:
        print(f"No change      {', '.join(map(project.stack_name, chosen))}: not deployed")
        return 0
    names = ", ".join(stack.name for _, stack in present)
    if not options.yes and not _confirmed(names):
        raise DeployError(f"{names}: kept")
    for there, stack in present:
        deployment.delete(there, stack)
        print(f"Deleted        {stack.name}")
    return 0


def _delete_project(project: Project, options: argparse.Namespace, stages: list[Stack]) -> int:
    """Delete the project's own stack; say what it retains, or delete that, too."""
    _refuse_stages(project, stages)
    own = provisioned.find(project.cloudformation, project.name)
    kept = retained.find(
        project,
        project.project_id or own_id(project),
        own.name if own else provisioned.stack_name(project.name),
        own.outputs.get("KmsKeyArn") if own else None,
    )
    takes_all = options.delete_retained_resources
    if own is None and not (kept and takes_all):
        left = f"; of it there is still {_listed(kept)}: `{project.next_command(_AGAIN)}`" if kept else ""
        raise DeployError(f"{project.name} has no stack of its own{left}")
    names = [*([own.name] if own else []), *(each.name for each in kept if takes_all)]
    if not options.yes and not _confirmed(", ".join(names)):
        raise DeployError(f"{', '.join(names)}: kept")
    if own is not None:
        tables.release_claims(project)
        deployment.delete(project, own)
        print(f"Deleted        {own.name}")
    for each in kept:
        if takes_all:
            retained.delete(project, each)
        said = "Left" if not takes_all else "Scheduled" if each.kind == "key" else "Deleted"
        days = f", deleted in {retained.KEY_DAYS} days" if said == "Scheduled" else ""
        print(f"{said:<14} {each.name}  ({each.kind}{days})")
    if kept and not takes_all:
        print("               A project of this name cannot be made while they exist.")
        print(f"Next           to delete them, with all data, code and versions: {project.next_command(_AGAIN)}")
    return 0


def _listed(kept: list[retained.Retained]) -> str:
    return ", ".join(f"{each.name} ({each.kind})" for each in kept)


def _refuse_stages(project: Project, stages: list[Stack]) -> None:
    """Refuse to delete the project's own stack before those of its stages."""
    if stages:
        # CloudFormation deletes them as the role that made them, which is in the project's stack.
        names = ", ".join(stack.name for stack in stages)
        raise DeployError(
            f"{names}: still deployed, and need the project: `{project.next_command('delete all')}` first"
        )


def _confirmed(names: str) -> bool:
    """Ask a person; a script has to say --yes."""
    if not sys.stdin.isatty():
        raise UsageError(f"{names} would be deleted, and there is no terminal to ask on: give --yes")
    return input(f"Delete {names}? [y/N] ").strip().lower() in {"y", "yes"}


def _package(project: Project, stack: Stack) -> Iterator[str]:
    arn = stack.parameters.get("ModelPackageName")
    if arn is None:
        return
    package = packages.describe(project.sagemaker, arn)
    yield f"model package  {arn}  {package.status}"
    for fact in (milestones.TEST, milestones.APPROVAL):
        milestone = milestones.read(package.metadata, project.name, fact)
        if milestone is not None:
            yield f"{fact:<14} {milestone}"
    experiment = experiments.describe(stack.parameters)
    if experiment:
        yield f"experiment     {experiment}"


def _scaling(project: Project, stage: str) -> Iterator[str]:
    """Yield between how many instances the stage's endpoint scales, and its last scaling activity."""
    if stage == API:
        return
    key = {"ServiceNamespace": "sagemaker", "ScalableDimension": "sagemaker:variant:DesiredInstanceCount"}
    resource = f"endpoint/{project.endpoint_name(stage)}/variant/AllTraffic"
    autoscaling = project.of(stage).autoscaling
    for target in autoscaling.describe_scalable_targets(**key, ResourceIds=[resource])["ScalableTargets"]:
        yield f"  scales   from {target['MinCapacity']} to {target['MaxCapacity']} instances"
        activities = autoscaling.describe_scaling_activities(**key, ResourceId=resource, MaxResults=1)
        for activity in activities["ScalingActivities"]:
            yield f"           {activity['StatusCode']}: {activity['Description']} ({activity['Cause']})"


def _traffic(project: Project, stage: str) -> list[str]:
    there = project.of(stage)
    seen = traffic.read(there.sagemaker, there.cloudwatch, project.endpoint_name(stage)) if stage in STAGES else None
    return traffic_lines(seen) if seen else []

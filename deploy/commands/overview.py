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
    stacks,
    tables,
    traffic,
)
from deploy.deployment_view import output_lines, traffic_lines
from deploy.errors import DeployError
from deploy.project import API, PRODUCTION, STAGING, SYSTEM_TEST, Project
from deploy.stacks import Stack
from deploy.stages import STAGES
from model_road.errors import UsageError

# As they depend on each other: the API calls production's endpoint, the system test that of staging.
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
    """Yield why the last executions of the project's CodePipelines failed."""
    client = project.session.client
    for which in (codepipeline.BUILD, codepipeline.DEPLOY):
        try:
            state = codepipeline.read(client("codepipeline"), codepipeline.name_of(project.name, which))
        except DeployError:  # a project whose stack is not whole
            continue
        for failure in failures.read(client, state):
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
    if options.what == "project":
        present = [(project, _own_stack(project, [stack for _, stack in present]))]
    if not present:
        print(f"No change      {', '.join(map(project.stack_name, chosen))}: not deployed")
        return 0
    names = ", ".join(stack.name for _, stack in present)
    if not options.yes and not _confirmed(names):
        raise DeployError(f"{names}: kept")
    for there, stack in present:
        if options.what == "project":
            tables.release_claims(project)
        deployment.delete(there, stack)
        print(f"Deleted        {stack.name}")
    return 0


def _own_stack(project: Project, stages: list[Stack]) -> Stack:
    """Return the project's own stack, if it can be deleted."""
    if stages:
        # CloudFormation deletes them as the role that made them, which is in the project's stack.
        names = ", ".join(stack.name for stack in stages)
        raise DeployError(
            f"{names}: still deployed, and need the project: `{project.next_command('delete all')}` first"
        )
    own = provisioned.find(project.cloudformation, project.name)
    if own is None:
        raise DeployError(f"{project.name} has no stack of its own")
    return own


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

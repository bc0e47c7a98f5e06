"""The project's CodePipelines: `follow` shows them, `log` what a build wrote, `answer` gives the approval."""

import argparse
import sys
import time

from deploy import build_log, codepipeline, failures
from deploy.codepipeline import PipelineState
from deploy.codepipeline_view import PipelinesPicture
from deploy.errors import DeployError
from deploy.project import Project
from model_road.live import View

POLL_SECONDS = 1.0


def follow(project: Project, options: argparse.Namespace) -> int:
    """Show both pipelines until nothing goes on without a person."""
    client = project.session.client("codepipeline")
    quiet_since = time.monotonic()
    with View(PipelinesPicture()) as view:
        while True:
            states = _states(client, project)
            view.show(states)
            if any(state.is_at_work for state in states):
                quiet_since = time.monotonic()
            elif time.monotonic() - quiet_since >= options.quiet_seconds:
                break
            time.sleep(POLL_SECONDS)
    failed = []
    for state in states:
        client_of = project.session.client
        found = failures.read(client_of, state)
        if waits := failures.waiting(client_of, state, found, project.name, project.model_package_group_name):
            print(waits)
        else:
            failed += found
    for state in states:
        for stage, action in state.approvals:
            print(f"{action.name} of {stage.name} waits for a person: {project.next_command('answer approve')}")
    for failure in failed:
        print("\n".join(failure.lines(project.next_command)), file=sys.stderr)
    if failed:
        raise DeployError(f"failed: {', '.join(failure.place for failure in failed)}")
    return 0


def log(project: Project, options: argparse.Namespace) -> int:
    """Print the log of a build."""
    found = project.session.client("codebuild").batch_get_builds(ids=[options.build])["builds"]
    if not found:
        raise DeployError(f"there is no build {options.build!r}: an id is PROJECT:UUID")
    logs = found[0].get("logs", {})
    if "streamName" not in logs:
        raise DeployError(f"{options.build} has written no log")
    for line in build_log.lines(project.session.client("logs"), logs["groupName"], logs["streamName"]):
        print(line)
    return 0


def answer(project: Project, options: argparse.Namespace) -> int:
    """Approve or reject what ModelDeploy waits for."""
    client = project.session.client("codepipeline")
    state = codepipeline.read(client, codepipeline.name_of(project.name, codepipeline.DEPLOY))
    status = {"approve": "Approved", "reject": "Rejected"}[options.verdict]
    stage = codepipeline.answer(client, state, status, options.summary)
    print(f"{status:<14} {stage.name} of {state.name}")
    print(f"Next           {project.next_command('follow')}")
    return 0


def _states(client: object, project: Project) -> list[PipelineState]:
    names = (codepipeline.name_of(project.name, which) for which in (codepipeline.BUILD, codepipeline.DEPLOY))
    return [codepipeline.read(client, name) for name in names]

"""The project's CodePipelines: `follow` shows them, `answer` gives the approval that ModelDeploy waits for."""

import argparse
import time

from deploy import codepipeline
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
    failed = sorted(f"{state.name}: {name}" for state in states for name, _ in state.failures)
    for state in states:
        for stage, action in state.approvals:
            print(f"{action.name} of {stage.name} waits for a person: {project.next_command('answer approve')}")
    if failed:
        raise DeployError(f"failed: {', '.join(failed)}")
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

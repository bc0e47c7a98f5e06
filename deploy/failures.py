"""Why a CodePipeline has failed: the reason of each failed action, what its build said last, and where the rest is."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from deploy import build_log, codepipeline
from deploy.codepipeline import PipelineState
from model_road import model_packages
from model_road.errors import NoModelError

# A build's id is its project's name and a UUID; other actions have ARNs, or nothing.
_BUILD_ID = re.compile(r"[A-Za-z0-9][\w-]+:[0-9a-fA-F-]{36}")

Client = Callable[[str], Any]
Command = Callable[[str], str]
"""Makes a command of `deploy-model` for this project of its arguments."""


@dataclass(frozen=True)
class Failure:
    """A failed action.

    Attributes
    ----------
    place : str
        The pipeline, the stage and the action.
    reason : str
    last_words : tuple of str
        The last lines of its build; empty for what is no build.
    build_id : str
        Empty for what is no build.
    """

    place: str
    reason: str
    last_words: tuple[str, ...] = ()
    build_id: str = ""

    @property
    def sentence(self) -> str:
        """What has failed, and why, in a line."""
        return f"{self.place} failed: {self.reason or 'CodePipeline gives no reason'}"

    def lines(self, command: Command) -> Iterator[str]:
        """Yield the lines for a person."""
        yield self.sentence
        yield from (f"    {line}" for line in self.last_words)
        if self.build_id:
            yield f"The whole log: {command(f'log {self.build_id}')}"


def read(client: Client, state: PipelineState, known: frozenset[tuple[str, str]] = frozenset()) -> list[Failure]:
    """Read why the actions of a pipeline have failed.

    Parameters
    ----------
    client : callable(service) -> boto3 client
    state : PipelineState
    known : frozenset
        Of its `failures`, those that are not of interest.
    """
    found = []
    for stage, action in state.failed_actions:
        if (f"{stage.name}, {action.name}", stage.execution_id) in known:
            continue
        build_id = action.external_id if _BUILD_ID.fullmatch(action.external_id) else ""
        place, reason = f"{state.name}: {stage.name}, {action.name}", " ".join(action.message.split())
        found.append(Failure(place, reason, tuple(_last_words(client, build_id)) if build_id else (), build_id))
    return found


def waiting(
    client: Client, state: PipelineState, found: Sequence[Failure], project_name: str, model_package_group_name: str
) -> str:
    """Return what a pipeline waits for that has not failed but had nothing to deploy; empty for any other.

    CodePipeline starts a pipeline when it is made: in a new project ModelDeploy's build fails for want of a version.

    Parameters
    ----------
    client : callable(service) -> boto3 client
    state : PipelineState
    found : sequence of Failure
        What `read` has returned of it.
    project_name, model_package_group_name : str
    """
    if state.name != codepipeline.name_of(project_name, codepipeline.DEPLOY):
        return ""
    if not found or not all(failure.build_id for failure in found):
        return ""
    try:
        if any(model_packages.arns(client("sagemaker"), model_package_group_name, model_packages.APPROVED)):
            return ""
    except NoModelError:  # nor is there a group
        pass
    return f"{state.name} waits for a first approved version: CodePipeline starts a pipeline when it is made"


def _last_words(client: Client, build_id: str) -> list[str]:
    try:
        builds = client("codebuild").batch_get_builds(ids=[build_id])["builds"]
    except ClientError:  # the failure is told without them
        return []
    logs = builds[0].get("logs", {}) if builds else {}
    return build_log.last_words(client("logs"), logs["groupName"], logs["streamName"]) if "streamName" in logs else []

"""The project's two CodePipelines: where they are, and a person's answer to the approval that one waits for."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from deploy.errors import DeployError

BUILD, DEPLOY = "build", "deploy"
_AT_WORK = "InProgress"


@dataclass(frozen=True)
class Action:
    """An action of a stage, as GetPipelineState tells it.

    Attributes
    ----------
    status : str
        Of its latest execution; empty when it never ran.
    message : str
        Its summary, or why it failed.
    token : str
        What an answer to a manual approval has to say; empty where none is waited for.
    external_id : str
        Of what it has started, such as a build; empty where it has started nothing.
    """

    name: str
    status: str
    message: str
    changed: datetime | None
    token: str
    external_id: str = ""


@dataclass(frozen=True)
class Stage:
    """A stage of a pipeline, and the execution that was in it last."""

    name: str
    status: str
    execution_id: str
    actions: tuple[Action, ...]


@dataclass(frozen=True)
class PipelineState:
    """A pipeline, stage by stage."""

    name: str
    stages: tuple[Stage, ...]

    @property
    def is_at_work(self) -> bool:
        """Whether something goes on without a person: an approval that is waited for is not."""
        return any(action.status == _AT_WORK and not action.token for stage in self.stages for action in stage.actions)

    @property
    def failures(self) -> frozenset[tuple[str, str]]:
        """The actions that have failed, each with the execution in which."""
        return frozenset((f"{stage.name}, {action.name}", stage.execution_id) for stage, action in self.failed_actions)

    @property
    def failed_actions(self) -> Iterator[tuple[Stage, Action]]:
        """The actions that have failed, in stages that have."""
        failed = (stage for stage in self.stages if stage.status == "Failed")
        return ((stage, action) for stage in failed for action in stage.actions if action.status == "Failed")

    @property
    def approvals(self) -> Iterator[tuple[Stage, Action]]:
        """The manual approvals that are waited for."""
        return ((stage, action) for stage in self.stages for action in stage.actions if action.token)


def name_of(project_name: str, which: str) -> str:
    """Name a pipeline as the project's templates do."""
    return f"{project_name}-{which}"


def read(codepipeline: Any, name: str) -> PipelineState:
    """Read where a pipeline is.

    Raises
    ------
    DeployError
        When there is no pipeline of that name.
    """
    try:
        document = codepipeline.get_pipeline_state(name=name)
    except ClientError as error:
        if error.response["Error"]["Code"] != "PipelineNotFoundException":
            raise
        raise DeployError(f"there is no CodePipeline {name}: `deploy-model project` makes it") from error
    return PipelineState(name, tuple(_stage(stage) for stage in document["stageStates"]))


def answer(codepipeline: Any, state: PipelineState, status: str, summary: str) -> Stage:
    """Approve or reject what a pipeline waits for; return the stage.

    Raises
    ------
    DeployError
        When it waits for nothing.
    """
    waiting = next(state.approvals, None)
    if waiting is None:
        raise DeployError(f"the CodePipeline {state.name} waits for no approval: see `deploy-model follow`")
    stage, action = waiting
    codepipeline.put_approval_result(
        pipelineName=state.name,
        stageName=stage.name,
        actionName=action.name,
        token=action.token,
        result={"status": status, "summary": summary},
    )
    return stage


def _stage(document: Any) -> Stage:
    latest = document.get("latestExecution", {})
    actions = tuple(_action(action) for action in document.get("actionStates", ()))
    return Stage(document["stageName"], latest.get("status", ""), latest.get("pipelineExecutionId", ""), actions)


def _action(document: Any) -> Action:
    latest = document.get("latestExecution", {})
    status = latest.get("status", "")
    return Action(
        name=document["actionName"],
        status=status,
        message=latest.get("errorDetails", {}).get("message") or latest.get("summary", ""),
        changed=latest.get("lastStatusChange"),
        token=latest.get("token", "") if status == _AT_WORK else "",
        external_id=latest.get("externalExecutionId", ""),
    )

"""What users do to executions: approve, retry a stage, roll a stage back to an earlier execution."""

import time

from localaws.document import Document
from localaws.service.context import Context
from localaws.services.codepipeline.declarations import Declarations
from localaws.services.codepipeline.errors import (
    ActionNotFound,
    ApprovalAlreadyCompleted,
    InvalidApprovalToken,
    NotLatestPipelineExecution,
    StageNotFound,
    StageNotRetryable,
    UnableToRollbackStage,
)
from localaws.services.codepipeline.executions import ACTION, Executions
from localaws.services.codepipeline.views import Views
from localaws.storage.store import Resource


class Interventions:
    """Changes executions from outside.

    Parameters
    ----------
    context : Context
    declarations : Declarations
    executions : Executions
    views : Views
    """

    def __init__(self, context: Context, declarations: Declarations, executions: Executions, views: Views) -> None:
        self._context, self._declarations, self._executions = context, declarations, executions
        self._views = views

    def approve(self, request: Document) -> Document:
        """Handle PutApprovalResult."""
        pipeline = self._declarations.get(request["pipelineName"])
        stage = _stage(pipeline, request["stageName"])
        name, result = request["actionName"], request["result"]
        if name not in [action["name"] for action in stage["actions"]]:
            raise ActionNotFound(f"The stage {stage['name']} has no action {name}")
        with self._context.store.transaction():
            action = self._context.store.by_arn(f"{ACTION}/{request['token']}")
            place = (f"{pipeline.arn}/execution/", stage["name"], name)
            if action is None or not _is_at(action, *place) or action.internal["memory"].get("token") != action.name:
                raise InvalidApprovalToken(f"Invalid approval token {request['token']}: see GetPipelineState for it")
            if action.document["status"] != "InProgress":
                raise ApprovalAlreadyCompleted(f"The approval {name} has been answered, or has timed out")
            now, who = time.time(), f"arn:aws:iam::{self._context.aws.account_id}:root"
            self._context.store.change(
                action.arn, lambda document, _: document.update(summary=result["summary"], updatedBy=who)
            )
            status = "Succeeded" if result["status"] == "Approved" else "Failed"
            output = {"executionResult": {"externalExecutionSummary": result["summary"]}}
            self._executions.end_action(action, status, status.upper(), output)
        return {"approvedAt": now}

    def retry(self, request: Document) -> Document:
        """Handle RetryStageExecution."""
        pipeline = self._declarations.get(request["pipelineName"])
        name = _stage(pipeline, request["stageName"])["name"]
        with self._context.store.transaction():
            pipeline = self._declarations.get(pipeline.name)
            number = request["pipelineExecutionId"]
            latest = pipeline.internal["stages"].get(name, {})
            if latest.get("pipelineExecutionId") != number:
                raise NotLatestPipelineExecution(
                    f"{number} is not the latest execution in the stage {name}, which is "
                    f"{latest.get('pipelineExecutionId')}"
                )
            execution = self._executions.get(pipeline, number)
            if latest["status"] not in ("Failed", "Stopped"):
                raise StageNotRetryable(f"The stage {name} is {latest['status']}: only a failed stage can be retried")
            kept = {} if request["retryMode"] == "ALL_ACTIONS" else self._succeeded(execution, name)

            def edit(_: Document, internal: Document) -> None:
                internal["actions"][name] = kept
                internal["attempt"] += 1

            self._executions.note(execution, edit)
            execution = self._executions.set_status(execution, "InProgress", "RESUMED")
            self._executions.enter(execution, name, "RESUMED")
        return {"pipelineExecutionId": execution.name}

    def roll_back(self, request: Document) -> Document:
        """Handle RollbackStage: run the stage again, with the input of an earlier execution."""
        pipeline = self._declarations.get(request["pipelineName"])
        stage = _stage(pipeline, request["stageName"])["name"]
        index = [each["name"] for each in pipeline.document["stages"]].index(stage)
        if pipeline.document["pipelineType"] != "V2" or index == 0:
            raise UnableToRollbackStage("Only pipelines of type V2 can be rolled back, except their source stage")
        target = self._executions.get(pipeline, request["targetPipelineExecutionId"])
        if not self._views.succeeded_in(target, stage) or target.document["executionType"] != "STANDARD":
            raise UnableToRollbackStage(f"The execution {target.name} has not succeeded in the stage {stage}")
        if target.document["pipelineVersion"] != pipeline.document["version"]:
            raise UnableToRollbackStage(f"The pipeline has been changed since the execution {target.name}")
        number = self._executions.add(
            pipeline,
            {
                "trigger": {"triggerType": "ManualRollback", "triggerDetail": f"arn:aws:iam::{self._account}:root"},
                "executionType": "ROLLBACK",
                "rollbackMetadata": {"rollbackTargetPipelineExecutionId": target.name},
                **{name: target.document[name] for name in ("variables", "artifactRevisions", "sourceRevisions")},
            },
            {
                "stage": index,
                "last": index,
                "artifacts": target.internal["artifacts"],
                "namespaces": dict(target.internal["namespaces"]),
            },
        )
        return {"pipelineExecutionId": number}

    @property
    def _account(self) -> str:
        return self._context.aws.account_id

    def _succeeded(self, execution: Resource, stage: str) -> dict[str, str]:
        """Return the actions of a stage that need not run again."""
        kept = {}
        for name, number in execution.internal["actions"].get(stage, {}).items():
            action = self._context.store.by_arn(f"{ACTION}/{number}")
            if action is not None and action.document["status"] == "Succeeded":
                kept[name] = number
        return kept


def _stage(pipeline: Resource, name: str) -> Document:
    for stage in pipeline.document["stages"]:
        if stage["name"] == name:
            found: Document = stage
            return found
    raise StageNotFound(f"The pipeline {pipeline.name} has no stage {name}")


def _is_at(action: Resource, executions: str, stage: str, name: str) -> bool:
    here = (action.document["stageName"], action.document["actionName"])
    return action.parent.startswith(executions) and here == (stage, name)

"""The events that CodePipeline sends, as in the guide's "Monitoring CodePipeline events"."""

from localaws.document import Document
from localaws.protocol.times import iso_milliseconds
from localaws.service.outbox import Outbox
from localaws.storage.store import Resource


class Events:
    """Queues events for sending, in the transaction of the change that they describe.

    Parameters
    ----------
    outbox : Outbox
    region : str
    """

    def __init__(self, outbox: Outbox, region: str) -> None:
        self._outbox, self._region = outbox, region

    def pipeline(self, execution: Resource, state: str) -> None:
        """Send that an execution has started, ended, been stopped, ..."""
        trigger = execution.document["trigger"]
        detail = {
            **_detail(execution),
            "state": state,
            "execution-trigger": {
                "trigger-type": trigger["triggerType"],
                "trigger-detail": trigger.get("triggerDetail", ""),
            },
        }
        self._outbox.event("codepipeline", "CodePipeline Pipeline Execution State Change", detail, [execution.parent])

    def stage(self, execution: Resource, stage: str, state: str) -> None:
        """Send that a stage has started or ended."""
        detail = {**_detail(execution), "stage": stage, "state": state}
        self._outbox.event("codepipeline", "CodePipeline Stage Execution State Change", detail, [execution.parent])

    def action(self, execution: Resource, action: Resource, state: str) -> None:
        """Send that an action has started or ended."""
        document = action.document
        kind = document["input"]["actionTypeId"]
        detail = {
            **_detail(execution),
            "start-time": iso_milliseconds(document["startTime"]),
            "stage": document["stageName"],
            "action": document["actionName"],
            "action-execution-id": document["actionExecutionId"],
            "state": state,
            "region": self._region,
            "type": {name: kind[name] for name in ("owner", "provider", "category", "version")},
            "input-artifacts": document["input"]["inputArtifacts"],
        }
        if state != "STARTED":
            result = document["output"].get("executionResult", {})
            error = result.get("errorDetails", {})
            detail["execution-result"] = {
                "external-execution-id": result.get("externalExecutionId", ""),
                # For a failed build, AWS has "Build terminated with state: FAILED" here: the error's message.
                "external-execution-summary": result.get("externalExecutionSummary") or error.get("message", ""),
                "external-execution-url": result.get("externalExecutionUrl", ""),
                "error-code": error.get("code", ""),
            }
            detail["output-artifacts"] = document["output"]["outputArtifacts"]
        self._outbox.event("codepipeline", "CodePipeline Action Execution State Change", detail, [execution.parent])


def _detail(execution: Resource) -> Document:
    document = execution.document
    return {
        "pipeline": document["pipelineName"],
        "execution-id": document["pipelineExecutionId"],
        "version": float(document["pipelineVersion"]),
        "start-time": iso_milliseconds(document["startTime"]),
        "pipeline-execution-attempt": float(execution.internal["attempt"]),
    }

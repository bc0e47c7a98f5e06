"""What CodePipeline shows of pipelines and executions."""

from typing import Any

from localaws.document import Document
from localaws.protocol.model import service_model
from localaws.protocol.shapes import members_of
from localaws.service.context import Context
from localaws.services.codepipeline.declarations import Declarations
from localaws.services.codepipeline.executions import ACTION, KIND, RUNNING, Executions
from localaws.storage.store import Query, Resource

_SUMMARY = (
    "pipelineExecutionId",
    "status",
    "statusSummary",
    "startTime",
    "lastUpdateTime",
    "sourceRevisions",
    "trigger",
    "stopTrigger",
    "executionMode",
    "executionType",
    "rollbackMetadata",
)
_DETAIL = (
    "pipelineName",
    "pipelineVersion",
    "pipelineExecutionId",
    "status",
    "statusSummary",
    "artifactRevisions",
    "variables",
    "trigger",
    "executionMode",
    "executionType",
    "rollbackMetadata",
)


class Views:
    """Reads pipelines and executions.

    Parameters
    ----------
    context : Context
    declarations : Declarations
    executions : Executions
    """

    def __init__(self, context: Context, declarations: Declarations, executions: Executions) -> None:
        self._context, self._declarations, self._executions = context, declarations, executions

    def execution(self, request: Document) -> Document:
        """Handle GetPipelineExecution."""
        pipeline = self._declarations.get(request["pipelineName"])
        found = self._executions.get(pipeline, request["pipelineExecutionId"]).document
        return {"pipelineExecution": {name: found[name] for name in _DETAIL if name in found}}

    def executions(self, request: Document) -> Document:
        """Handle ListPipelineExecutions; the newest come first."""
        pipeline = self._declarations.get(request["pipelineName"])
        stage = request.get("filter", {}).get("succeededInStage", {}).get("stageName")
        found, token = self._page(Query(KIND, {"parent = ?": pipeline.arn}), request)
        wanted = [each for each in found if stage is None or self.succeeded_in(each, stage)]
        summaries = [{name: each.document[name] for name in _SUMMARY if name in each.document} for each in wanted]
        return {"pipelineExecutionSummaries": summaries, "nextToken": token}

    def succeeded_in(self, execution: Resource, stage: str) -> bool:
        """Return whether all actions of a stage have succeeded in an execution."""
        ids = execution.internal["actions"].get(stage, {})
        names = [each["name"] for each in execution.internal["declaration"]["stages"]]
        if stage not in names:
            return False
        declared = execution.internal["declaration"]["stages"][names.index(stage)]["actions"]
        found = [self._context.store.by_arn(f"{ACTION}/{number}") for number in ids.values()]
        succeeded = [each for each in found if each is not None and each.document["status"] == "Succeeded"]
        return len(succeeded) == len(declared)

    def actions(self, request: Document) -> Document:
        """Handle ListActionExecutions; the newest come first."""
        pipeline = self._declarations.get(request["pipelineName"])
        wanted = request.get("filter", {})
        number = wanted.get("pipelineExecutionId") or wanted.get("latestInPipelineExecution", {}).get(
            "pipelineExecutionId"
        )
        if number:
            where: dict[str, Any] = {"parent = ?": self._executions.get(pipeline, number).arn}
        else:
            where = {"parent LIKE ?": f"{pipeline.arn}/execution/%"}
        found, token = self._page(Query(ACTION, where), request)
        shape = service_model("codepipeline").shape_for("ActionExecutionDetail")
        return {"actionExecutionDetails": [members_of(shape, action.document) for action in found], "nextToken": token}

    def state(self, request: Document) -> Document:
        """Handle GetPipelineState."""
        pipeline = self._declarations.get(request["name"])
        waiting: dict[str, list[Document]] = {}
        for execution in self._executions.running(pipeline):
            if not execution.internal["entered"]:
                stage = execution.internal["declaration"]["stages"][execution.internal["stage"]]["name"]
                status = {"pipelineExecutionId": execution.name, "status": execution.document["status"]}
                waiting.setdefault(stage, []).append({**status, "type": execution.document["executionType"]})
        stages = [
            self._stage_state(pipeline, index, stage, waiting.get(stage["name"], []))
            for index, stage in enumerate(pipeline.document["stages"])
        ]
        return {
            "pipelineName": pipeline.name,
            "pipelineVersion": pipeline.document["version"],
            "stageStates": stages,
            "created": pipeline.internal["created"],
            "updated": pipeline.internal["updated"],
        }

    def _stage_state(self, pipeline: Resource, index: int, stage: Document, inbound: list[Document]) -> Document:
        name = stage["name"]
        state: Document = {
            "stageName": name,
            "actionStates": [self._action_state(pipeline, name, action) for action in stage["actions"]],
        }
        latest = pipeline.internal["stages"].get(name)
        if latest:
            state["latestExecution"] = self._with_present_status(pipeline, latest)
        if index > 0:
            state["inboundTransitionState"] = pipeline.internal["transitions"].get(name, {"enabled": True})
        if inbound:
            state["inboundExecution"], state["inboundExecutions"] = inbound[-1], inbound
        return state

    def _with_present_status(self, pipeline: Resource, latest: Document) -> Document:
        """Mark a stage as Stopping in which an execution is being stopped."""
        execution = self._context.store.by_arn(f"{pipeline.arn}/execution/{latest['pipelineExecutionId']}")
        if execution is None or latest["status"] != "InProgress" or execution.document["status"] not in RUNNING:
            return latest
        return {**latest, "status": execution.document["status"]}

    def _action_state(self, pipeline: Resource, stage: str, declaration: Document) -> Document:
        name = declaration["name"]
        state: Document = {"actionName": name}
        number = pipeline.internal["actions"].get(stage, {}).get(name)
        action = self._context.store.by_arn(f"{ACTION}/{number}") if number else None
        if action is None:
            return state
        document, result = action.document, action.document["output"].get("executionResult", {})
        latest: Document = {
            "actionExecutionId": action.name,
            "status": document["status"],
            "lastStatusChange": document["lastUpdateTime"],
            **{
                key: result[key]
                for key in ("externalExecutionId", "externalExecutionUrl", "errorDetails")
                if key in result
            },
        }
        summary = document.get("summary") or result.get("externalExecutionSummary")
        if summary:
            latest["summary"] = summary
        if document["status"] == "InProgress" and "token" in action.internal["memory"]:
            latest["token"] = action.internal["memory"]["token"]
        if "updatedBy" in document:
            latest["lastUpdatedBy"] = document["updatedBy"]
        state["latestExecution"] = latest
        revision = pipeline.internal["seen"].get(name)
        if revision and declaration["actionTypeId"]["category"] == "Source":
            state["currentRevision"] = {
                "revisionId": revision,
                "revisionChangeId": revision,
                "created": document["startTime"],
            }
        return state

    def _page(self, query: Query, request: Document) -> tuple[list[Resource], str | None]:
        limit = min(int(request.get("maxResults") or 100), 100)
        paged = Query(query.kind, query.where, limit=limit, token=request.get("nextToken"))
        found, token = self._context.store.page(paged)
        return list(found), token

"""The stored state of an execution and its steps, and the events that announce its changes."""

import random
import string
import time
from collections.abc import Mapping, Sequence
from typing import Any

from localaws.document import Document
from localaws.sagemaker.event_formats import iso_time, lower_camel
from localaws.sagemaker.parts import Parts
from localaws.sagemaker.pipelines.definition import Step
from localaws.storage.store import Resource

EXECUTION = "pipeline-execution"
STEP = "execution-step"
ENDED = ("Succeeded", "Failed", "Stopped", "CompletedWithFailures")
_ID_CHARACTERS = string.ascii_lowercase + string.digits


class ExecutionRecord:
    """Stores executions and steps, and announces them.

    Parameters
    ----------
    parts : Parts
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def create(self, pipeline: Resource, definition: str, parameters: Mapping[str, Any], request: Document) -> Resource:
        """Store a new execution of a pipeline's definition."""
        name = "".join(random.choices(_ID_CHARACTERS, k=12))  # noqa: S311 - a name, not a secret
        arn = f"{pipeline.arn}/execution/{name}"
        now = time.time()
        document = {
            "PipelineArn": pipeline.arn,
            "PipelineExecutionArn": arn,
            "PipelineExecutionDisplayName": request.get("PipelineExecutionDisplayName", f"execution-{int(now * 1000)}"),
            "PipelineExecutionDescription": request.get("PipelineExecutionDescription"),
            "PipelineExecutionStatus": "Executing",
            "CreationTime": now,
            "LastModifiedTime": now,
            "CreatedBy": self._parts.created_by,
            "LastModifiedBy": self._parts.created_by,
            "ParallelismConfiguration": request.get("ParallelismConfiguration")
            or pipeline.document.get("ParallelismConfiguration"),
            "SelectiveExecutionConfig": request.get("SelectiveExecutionConfig"),
            "PipelineVersionId": request.get("PipelineVersionId"),
        }
        internal = {
            "definition": definition,
            "parameters": dict(parameters),
            "given": {item["Name"]: item["Value"] for item in request.get("PipelineParameters") or []},
            "pipeline_name": pipeline.name,
        }
        resource = Resource(EXECUTION, name, arn, document, internal, pipeline.arn, "Executing", created=now)

        def note(document: Document, _: Document) -> None:
            document["LastExecutionTime"] = document["LastRunTime"] = now

        with self._parts.store.transaction():
            self._parts.store.add(resource)
            self._parts.store.change(pipeline.arn, note)
            self._announce(resource, None)
        return resource

    def write(self, arn: str, status: str, reason: str | None = None) -> None:
        """Change an execution's status."""
        previous: list[str] = []

        def edit(document: Document, _: Document) -> dict[str, str]:
            previous.append(document["PipelineExecutionStatus"])
            document.update(PipelineExecutionStatus=status, LastModifiedTime=time.time(), FailureReason=reason)
            return {"status": status}

        with self._parts.store.transaction():
            changed = self._parts.store.change(arn, edit)
            if changed:
                self._announce(changed, previous[0])

    def steps(self, execution_arn: str) -> Sequence[Resource]:
        """Return the steps of an execution that have begun, in that order."""
        return self._parts.store.every(STEP, parent=execution_arn)

    def begin_step(self, execution: Resource, step: Step) -> str:
        """Store a step that begins, or begins again; return its key."""
        arn = f"{execution.arn}/step/{step.name}"
        now = time.time()
        document: Document = {
            "StepName": step.name,
            "StepDisplayName": step.document.get("DisplayName"),
            "StepDescription": step.document.get("Description"),
            "StartTime": now,
            "StepStatus": "Executing",
            "AttemptCount": 1,
            "Metadata": {},
        }
        internal = {"type": step.kind, "execution": execution.arn, "pipeline": execution.parent}
        resource = Resource(STEP, step.name, arn, document, internal, execution.arn, "Executing", created=now)
        with self._parts.store.transaction():
            if self._parts.store.add(resource):
                self._announce_step(resource, "Starting")
            else:  # the end of a server interrupted it
                self.write_step(arn, {"AttemptCount": self.attempts(arn) + 1})
        return arn

    def attempts(self, arn: str) -> int:
        """Return how often a step has begun so far."""
        step = self._parts.store.by_arn(arn)
        return int(step.document["AttemptCount"]) if step else 0

    def write_step(self, arn: str, members: Document) -> None:
        """Change members of a running step."""

        def edit(document: Document, _: Document) -> None:
            document.update(members)

        self._parts.store.change(arn, edit)

    def end_step(self, arn: str, status: str, members: Document, result: Document | None = None) -> None:
        """Store a step's end, and the result that later steps may refer to."""

        def edit(document: Document, internal: Document) -> dict[str, str]:
            document.update(members, StepStatus=status, EndTime=time.time())
            internal["result"] = result
            return {"status": status}

        with self._parts.store.transaction():
            changed = self._parts.store.change(arn, edit)
            if changed:
                self._announce_step(changed, "Executing")

    def forget_unfinished(self, execution_arn: str) -> None:
        """Remove the steps that did not succeed, so that they run again."""
        for step in self.steps(execution_arn):
            if step.status != "Succeeded":
                self._parts.store.remove(step.arn)

    def _announce(self, resource: Resource, previous: str | None) -> None:
        document = resource.document
        detail = {
            "pipelineExecutionDisplayName": document["PipelineExecutionDisplayName"],
            "currentPipelineExecutionStatus": document["PipelineExecutionStatus"],
            "executionStartTime": iso_time(document["CreationTime"]),
            "pipelineArn": resource.parent,
            "pipelineExecutionArn": resource.arn,
        }
        if previous:
            detail["previousPipelineExecutionStatus"] = previous
        if description := document.get("PipelineExecutionDescription"):
            detail["pipelineExecutionDescription"] = description
        if document["PipelineExecutionStatus"] in ENDED:
            detail["executionEndTime"] = iso_time(document["LastModifiedTime"])
        resources = [resource.parent, resource.arn]
        detail_type = "SageMaker Model Building Pipeline Execution Status Change"
        self._parts.outbox.event("sagemaker", detail_type, detail, resources)

    def _announce_step(self, resource: Resource, previous: str) -> None:
        document, internal = resource.document, resource.internal
        detail = {
            "stepName": resource.name,
            "stepType": internal["type"],
            "metadata": lower_camel(document.get("Metadata", {})),
            "previousStepStatus": previous,
            "currentStepStatus": document["StepStatus"],
            "stepStartTime": iso_time(document["StartTime"]),
            "pipelineArn": internal["pipeline"],
            "pipelineExecutionArn": internal["execution"],
        }
        if "EndTime" in document:
            detail["stepEndTime"] = iso_time(document["EndTime"])
        for member, name in (("FailureReason", "failureReason"), ("CacheHitResult", "cacheHitResult")):
            if document.get(member):
                detail[name] = document[member]
        resources = [internal["pipeline"], internal["execution"]]
        detail_type = "SageMaker Model Building Pipeline Execution Step Status Change"
        self._parts.outbox.event("sagemaker", detail_type, detail, resources)

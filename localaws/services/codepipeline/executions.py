"""Executions of pipelines: how they start, change and end, with an event for each change."""

import time
import uuid
from collections.abc import Mapping
from typing import Any

from localaws.api_errors import ValidationError
from localaws.document import Document
from localaws.service.context import Context
from localaws.services.codepipeline.errors import (
    ConcurrentPipelineExecutionsLimitExceeded,
    DuplicatedStopRequest,
    PipelineExecutionNotFound,
    PipelineExecutionNotStoppable,
)
from localaws.services.codepipeline.events import Events
from localaws.storage.store import Resource

KIND = "codepipeline/execution"
ACTION = "codepipeline/action"
RUNNING = ("InProgress", "Stopping")
"""The statuses of executions that have not ended."""

_MOST_AT_ONCE = 50


class Executions:
    """The executions of all pipelines.

    Parameters
    ----------
    context : Context
    events : Events
    """

    def __init__(self, context: Context, events: Events) -> None:
        self._context, self._events = context, events

    def start(
        self,
        pipeline: Resource,
        trigger: Document,
        variables: Mapping[str, str] | None = None,
        revisions: Mapping[str, str] | None = None,
    ) -> str:
        """Start an execution at the first stage; return its ID.

        Parameters
        ----------
        pipeline : Resource
        trigger : dict
            An ExecutionTrigger.
        variables : mapping of str to str, optional
            Values of the pipeline's variables that override their defaults.
        revisions : mapping of str to str, optional
            By source action, the revision to fetch instead of the newest.
        """
        declaration = pipeline.document
        mode = declaration["executionMode"]
        if mode != "SUPERSEDED" and len(self.running(pipeline)) >= _MOST_AT_ONCE:
            raise ConcurrentPipelineExecutionsLimitExceeded(
                f"The pipeline {pipeline.name} has {_MOST_AT_ONCE} executions in progress, as many as {mode} allows"
            )
        values = _variables(declaration, variables or {})
        return self.add(
            pipeline,
            {
                "trigger": trigger,
                "variables": [{"name": name, "resolvedValue": value} for name, value in values.items()],
                "executionType": "STANDARD",
            },
            {
                "stage": 0,
                "last": len(declaration["stages"]) - 1,
                "artifacts": {},
                "namespaces": {"variables": values},
                "revisions": dict(revisions or {}),
            },
        )

    def add(self, pipeline: Resource, document: Document, internal: Document) -> str:
        """Store a new execution, which waits for its first stage; return its ID."""
        number, now = str(uuid.uuid4()), time.time()
        internal["namespaces"]["codepipeline"] = {"PipelineExecutionId": number}
        whole = {
            "pipelineName": pipeline.name,
            "pipelineVersion": pipeline.document["version"],
            "pipelineExecutionId": number,
            "status": "InProgress",
            "executionMode": pipeline.document["executionMode"],
            "artifactRevisions": [],
            "sourceRevisions": [],
            "startTime": now,
            "lastUpdateTime": now,
            **document,
        }
        hidden = {"declaration": pipeline.document, "entered": False, "attempt": 1, "actions": {}, **internal}
        arn = f"{pipeline.arn}/execution/{number}"
        execution = Resource(KIND, number, arn, whole, hidden, parent=pipeline.arn, status="InProgress")
        with self._context.store.transaction():
            self._context.store.add(execution)
            self._events.pipeline(execution, "STARTED")
        return number

    def get(self, pipeline: Resource, number: str) -> Resource:
        """Return one execution.

        Raises
        ------
        PipelineExecutionNotFound
        """
        found = self._context.store.by_arn(f"{pipeline.arn}/execution/{number}")
        if found is None:
            raise PipelineExecutionNotFound(f"Could not find a pipeline execution with the id '{number}'")
        return found

    def running(self, pipeline: Resource | None = None) -> list[Resource]:
        """Return the executions that have not ended, oldest first."""
        where = {"parent": pipeline.arn} if pipeline else {}
        found = [each for status in RUNNING for each in self._context.store.every(KIND, status=status, **where)]
        return sorted(found, key=lambda execution: execution.number)

    def stop(self, pipeline: Resource, request: Document) -> Document:
        """Handle StopPipelineExecution."""
        with self._context.store.transaction():
            execution = self.get(pipeline, request["pipelineExecutionId"])
            status = execution.document["status"]
            if status not in RUNNING:
                raise PipelineExecutionNotStoppable(
                    f"The pipeline execution {execution.name} is {status}: only one that is InProgress can be stopped"
                )
            abandon = request.get("abandon", False)
            if status == "Stopping" and not abandon:
                raise DuplicatedStopRequest(f"The pipeline execution {execution.name} is being stopped already")
            self.set(execution, stopTrigger={"reason": request.get("reason", "")})
            execution = self.set_status(execution, "Stopping", "STOPPING")
            if abandon:
                for action in self._context.store.every(ACTION, parent=execution.arn, status="InProgress"):
                    self.end_action(action, "Abandoned", "ABANDONED", {})
            if not execution.internal["entered"]:
                self.set_status(execution, "Stopped", "STOPPED")
        return {"pipelineExecutionId": execution.name}

    def set(self, execution: Resource, **members: Any) -> Resource:
        """Change members of an execution's document."""
        return self._changed(execution, lambda document, _: document.update(members, lastUpdateTime=time.time()))

    def set_status(self, execution: Resource, status: str, event: str, summary: str | None = None) -> Resource:
        """Change the status of an execution and announce it."""

        def edit(document: Document, _: Document) -> dict[str, str]:
            document.update(status=status, lastUpdateTime=time.time())
            if summary:
                document["statusSummary"] = summary
            return {"status": status}

        changed = self._changed(execution, edit)
        self._events.pipeline(changed, event)
        return changed

    def enter(self, execution: Resource, stage: str, event: str = "STARTED") -> Resource:
        """Let an execution enter the stage that it waits for, or start that stage again."""
        changed = self._changed(execution, lambda _, internal: internal.update(entered=True))
        self._note_stage(changed, stage, "InProgress")
        self._events.stage(changed, stage, event)
        return changed

    def leave(self, execution: Resource, stage: str, status: str, event: str) -> None:
        """End a stage, and the execution with it unless another stage follows."""
        self._note_stage(execution, stage, status)
        self._events.stage(execution, stage, event)
        if status != "Succeeded" or execution.internal["stage"] == execution.internal["last"]:
            self._changed(execution, lambda _, internal: internal.update(entered=False))
            self.set_status(execution, status, event)
        else:
            following = execution.internal["stage"] + 1
            self._changed(execution, lambda _, internal: internal.update(entered=False, stage=following))

    def add_action(self, execution: Resource, action: Resource) -> None:
        """Store an action that is about to start."""
        stage, name = action.document["stageName"], action.document["actionName"]
        self._context.store.add(action)
        changed = self._changed(
            execution, lambda _, internal: internal["actions"].setdefault(stage, {}).update({name: action.name})
        )
        self._context.store.change(
            execution.parent, lambda _, internal: internal["actions"].setdefault(stage, {}).update({name: action.name})
        )
        self._events.action(changed, action, "STARTED")

    def end_action(self, action: Resource, status: str, event: str, output: Document) -> None:
        """Record how an action ended."""

        def edit(document: Document, _: Document) -> dict[str, str]:
            document.update(status=status, lastUpdateTime=time.time())
            document["output"].update(output)
            return {"status": status}

        changed = self._context.store.change(action.arn, edit)
        execution = self._context.store.by_arn(action.parent)
        if changed is not None and execution is not None:
            self._events.action(execution, changed, event)

    def note(self, execution: Resource, edit: Any) -> None:
        """Let `edit` change both documents of an execution."""
        self._changed(execution, edit)

    def _note_stage(self, execution: Resource, stage: str, status: str) -> None:
        known = {
            "pipelineExecutionId": execution.name,
            "status": status,
            "type": execution.document["executionType"],
        }
        self._context.store.change(execution.parent, lambda _, internal: internal["stages"].update({stage: known}))

    def _changed(self, execution: Resource, edit: Any) -> Resource:
        changed = self._context.store.change(execution.arn, edit)
        if changed is None:
            raise PipelineExecutionNotFound(f"The pipeline of the execution {execution.name} has been deleted")
        return changed


def _variables(declaration: Document, given: Mapping[str, str]) -> dict[str, str]:
    """Return the values of a pipeline's variables."""
    declared = declaration.get("variables", ())
    unknown = sorted(set(given) - {variable["name"] for variable in declared})
    if unknown:
        raise ValidationError(f"The pipeline {declaration['name']} has no variables {', '.join(unknown)}")
    values = {variable["name"]: given.get(variable["name"], variable.get("defaultValue")) for variable in declared}
    missing = sorted(name for name, value in values.items() if value is None)
    if missing:
        raise ValidationError(f"The pipeline's variables {', '.join(missing)} have no default: pass values for them")
    return values

"""Pipelines as declared, in all their versions."""

import time
from collections.abc import Callable

from localaws.document import Document
from localaws.service.context import Context
from localaws.services.codepipeline.errors import (
    PipelineNameInUse,
    PipelineNotFound,
    PipelineVersionNotFound,
    StageNotFound,
)
from localaws.storage.store import Query, Resource

KIND = "codepipeline/pipeline"
_DEFAULTS = {"executionMode": "SUPERSEDED", "pipelineType": "V1"}


class Declarations:
    """The account's pipelines.

    Parameters
    ----------
    context : Context
    check : callable(pipeline)
        Raises for an invalid declaration.
    """

    def __init__(self, context: Context, check: Callable[[Document], None]) -> None:
        self._context, self._check = context, check

    def create(self, request: Document) -> Resource:
        """Store a new pipeline as its version 1."""
        pipeline = self._checked(request["pipeline"], 1)
        name = pipeline["name"]
        now = time.time()
        internal = {
            "versions": {"1": pipeline},
            "created": now,
            "updated": now,
            "transitions": {},
            "stages": {},
            "actions": {},
            "seen": {},
        }
        resource = Resource(KIND, name, self._context.arn("codepipeline", name), pipeline, internal)
        if not self._context.store.add(resource):
            raise PipelineNameInUse(f"A pipeline with the name '{name}' already exists in account")
        self._context.store.tag(resource.arn, {tag["key"]: tag["value"] for tag in request.get("tags", ())})
        return self.get(name)

    def update(self, request: Document) -> Document:
        """Handle UpdatePipeline: store the next version."""
        known = self.get(request["pipeline"]["name"])
        pipeline = self._checked(request["pipeline"], known.document["version"] + 1)

        def edit(document: Document, internal: Document) -> None:
            document.clear()
            document.update(pipeline)
            internal["versions"][str(pipeline["version"])] = pipeline
            internal["updated"] = time.time()

        self._context.store.change(known.arn, edit)
        return {"pipeline": pipeline}

    def get(self, name: str) -> Resource:
        """Return the pipeline with this name.

        Raises
        ------
        PipelineNotFound
        """
        found = self._context.store.by_arn(self._context.arn("codepipeline", name))
        if found is None:
            raise PipelineNotFound(
                f"Account '{self._context.aws.account_id}' does not have a pipeline with name '{name}'"
            )
        return found

    def describe(self, request: Document) -> Document:
        """Handle GetPipeline."""
        found = self.get(request["name"])
        version = str(request.get("version", found.document["version"]))
        pipeline = found.internal["versions"].get(version)
        if pipeline is None:
            raise PipelineVersionNotFound(f"The pipeline {found.name} has no version {version}")
        dates = {"created": found.internal["created"], "updated": found.internal["updated"]}
        return {"pipeline": pipeline, "metadata": {"pipelineArn": found.arn, **dates}}

    def every(self, request: Document) -> Document:
        """Handle ListPipelines."""
        limit = int(request.get("maxResults") or 1000)
        query = Query(KIND, sort_by="name", descending=False, limit=limit, token=request.get("nextToken"))
        found, token = self._context.store.page(query)
        summaries = [
            {
                **{name: pipeline.document[name] for name in ("name", "version", "pipelineType", "executionMode")},
                "created": pipeline.internal["created"],
                "updated": pipeline.internal["updated"],
            }
            for pipeline in found
        ]
        return {"pipelines": summaries, "nextToken": token}

    def enable_transition(self, request: Document) -> Document:
        """Handle EnableStageTransition."""
        return self._set_transition(request, {"enabled": True})

    def disable_transition(self, request: Document) -> Document:
        """Handle DisableStageTransition."""
        return self._set_transition(request, {"enabled": False, "disabledReason": request["reason"]})

    def _checked(self, pipeline: Document, version: int) -> Document:
        self._check(pipeline)
        stages = [
            {**stage, "actions": [{"runOrder": 1, **action} for action in stage["actions"]]}
            for stage in pipeline["stages"]
        ]
        return {**_DEFAULTS, **pipeline, "stages": stages, "version": version}

    def _set_transition(self, request: Document, state: Document) -> Document:
        pipeline = self.get(request["pipelineName"])
        names = [stage["name"] for stage in pipeline.document["stages"]]
        if request["stageName"] not in names:
            raise StageNotFound(f"The pipeline {pipeline.name} has no stage {request['stageName']}")
        at = names.index(request["stageName"]) + (request["transitionType"] == "Outbound")
        if not 0 < at < len(names):
            raise StageNotFound(f"{request['stageName']} has no {request['transitionType']} transition")
        changed = {
            **state,
            "lastChangedBy": f"arn:aws:iam::{self._context.aws.account_id}:root",
            "lastChangedAt": time.time(),
        }
        self._context.store.change(
            pipeline.arn, lambda _, internal: internal["transitions"].update({names[at]: changed})
        )
        return {}

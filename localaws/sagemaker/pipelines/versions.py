"""Versions of a pipeline: each new definition is one, and can be described and executed later.

An update whose definition is the same, byte for byte, does not create a version: an upsert of the same code is a no-op.
"""

import time

from localaws.document import Document
from localaws.sagemaker.errors import ResourceNotFound
from localaws.sagemaker.families.lookup import find, page
from localaws.sagemaker.parts import Handler, Parts
from localaws.storage.store import Resource

_PIPELINE = "pipeline"
_VERSION = "pipeline-version"
_TEXTS = ("PipelineVersionDisplayName", "PipelineVersionDescription")


def handlers() -> dict[str, Handler]:
    """Return the operations of this module by name."""
    return {
        "DescribePipeline": describe_pipeline,
        "ListPipelineVersions": list_versions,
        "UpdatePipelineVersion": update_version,
    }


def describe_pipeline(parts: Parts, request: Document) -> Document:
    """Return a pipeline as it is stored, with the definition of the requested version."""
    pipeline = find(parts, _PIPELINE, request["PipelineName"], "DescribePipeline")
    if "PipelineVersionId" not in request:
        return pipeline.document
    return pipeline.document | find_version(parts, pipeline, request["PipelineVersionId"]).document


def list_versions(parts: Parts, request: Document) -> Document:
    """Return a page of a pipeline's versions, latest first unless the request says otherwise."""
    query = dict(request)
    pipeline = find(parts, _PIPELINE, query.pop("PipelineName"), "ListPipelineVersions")
    where = {"parent = ?": pipeline.arn}
    return page(parts, "ListPipelineVersions", _VERSION, query, descending=True, where=where)


def update_version(parts: Parts, request: Document) -> Document:
    """Change the name or description of a version."""
    pipeline = find(parts, _PIPELINE, request["PipelineArn"], "UpdatePipelineVersion")
    version = find_version(parts, pipeline, request["PipelineVersionId"])

    def edit(document: Document, _: Document) -> None:
        document.update({key: request[key] for key in _TEXTS if key in request})

    parts.store.change(version.arn, edit)
    return {"PipelineArn": pipeline.arn, "PipelineVersionId": request["PipelineVersionId"]}


def add_version(parts: Parts, pipeline_arn: str, definition: str) -> int:
    """Store a definition as the pipeline's next version; return its number, counted from 1."""
    numbers: list[int] = []

    def count(document: Document, _: Document) -> None:
        numbers.append(document.get("PipelineVersionId", 0) + 1)
        document.update(PipelineVersionId=numbers[0], PipelineDefinition=definition)

    with parts.store.transaction():
        parts.store.change(pipeline_arn, count)
        arn = f"{pipeline_arn}/version/{numbers[0]}"
        document = {
            "PipelineArn": pipeline_arn,
            "PipelineVersionId": numbers[0],
            "PipelineDefinition": definition,
            "CreationTime": time.time(),
        }
        parts.store.add(Resource(_VERSION, str(numbers[0]), arn, document, parent=pipeline_arn))
    return numbers[0]


def find_version(parts: Parts, pipeline: Resource, number: int) -> Resource:
    """Return a version of a pipeline.

    Raises
    ------
    ResourceNotFound
        If no version has this number.
    """
    version = parts.store.by_arn(f"{pipeline.arn}/version/{number}")
    if version is None:
        raise ResourceNotFound(f"Pipeline {pipeline.name} has no version {number}")
    return version


def note_execution(parts: Parts, pipeline_arn: str, number: int, execution_arn: str) -> None:
    """Store which execution of a version is the latest."""

    def edit(document: Document, _: Document) -> None:
        document["LastExecutionPipelineExecutionArn"] = execution_arn

    parts.store.change(f"{pipeline_arn}/version/{number}", edit)


def forget_versions(parts: Parts, pipeline_arn: str) -> None:
    """Remove a pipeline's versions together with it."""
    for version in parts.store.every(_VERSION, parent=pipeline_arn):
        parts.store.remove(version.arn)

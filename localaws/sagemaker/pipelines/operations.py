"""The operations on pipelines and their executions. The executor runs them."""

import time

from botocore.exceptions import ClientError

from localaws.containers import s3
from localaws.document import Document
from localaws.sagemaker.errors import ConflictException, ValidationError
from localaws.sagemaker.families.lookup import find, missing, page
from localaws.sagemaker.parts import Handler, Parts
from localaws.sagemaker.pipelines.definition import Definition, parameter_values, parse
from localaws.sagemaker.pipelines.executor import Executor
from localaws.sagemaker.pipelines.expressions import as_text
from localaws.sagemaker.pipelines.record import ENDED, EXECUTION, STEP
from localaws.sagemaker.pipelines.step_cache import StepCache
from localaws.sagemaker.pipelines.versions import add_version, find_version, forget_versions, note_execution
from localaws.storage.store import Resource

_PIPELINE = "pipeline"
_TEXTS = ("PipelineDisplayName", "PipelineDescription", "RoleArn", "ParallelismConfiguration")


def handlers(executor: Executor) -> dict[str, Handler]:
    """Return the operations of this module by name."""

    def start(parts: Parts, request: Document) -> Document:
        return start_execution(parts, request, executor)

    def stop(parts: Parts, request: Document) -> Document:
        return stop_execution(parts, request, executor)

    def retry(parts: Parts, request: Document) -> Document:
        return retry_execution(parts, request, executor)

    def succeed(_: Parts, request: Document) -> Document:
        outputs = {item["Name"]: item["Value"] for item in request.get("OutputParameters", [])}
        return {"PipelineExecutionArn": executor.callbacks.answer(request["CallbackToken"], {"outputs": outputs})}

    def fail(_: Parts, request: Document) -> Document:
        answer = {"reason": request.get("FailureReason", "")}
        return {"PipelineExecutionArn": executor.callbacks.answer(request["CallbackToken"], answer)}

    return {
        "CreatePipeline": create_pipeline,
        "UpdatePipeline": update_pipeline,
        "DeletePipeline": _once("DeletePipeline", delete_pipeline),
        "StartPipelineExecution": _once("StartPipelineExecution", start),
        "StopPipelineExecution": _once("StopPipelineExecution", stop),
        "RetryPipelineExecution": _once("RetryPipelineExecution", retry),
        "SendPipelineExecutionStepSuccess": _once("SendPipelineExecutionStepSuccess", succeed),
        "SendPipelineExecutionStepFailure": _once("SendPipelineExecutionStepFailure", fail),
        "DescribePipelineExecution": describe_execution,
        "UpdatePipelineExecution": update_execution,
        "ListPipelineExecutions": list_executions,
        "ListPipelineExecutionSteps": list_steps,
        "ListPipelineParametersForExecution": list_parameters,
        "DescribePipelineDefinitionForExecution": describe_definition,
    }


def _once(operation: str, handler: Handler) -> Handler:
    """Carry an operation out within a transaction, once per ClientRequestToken."""

    def handle(parts: Parts, request: Document) -> Document:
        return parts.once(f"sagemaker.{operation}", request, lambda: handler(parts, request))

    return handle


def create_pipeline(parts: Parts, request: Document) -> Document:
    """Validate and store a definition."""
    text = _definition_text(parts, request)
    if text is None:
        raise ValidationError("PipelineDefinition or PipelineDefinitionS3Location is required")
    parse(text)
    return parts.once("sagemaker.CreatePipeline", request, lambda: _create(parts, request, text))


def _create(parts: Parts, request: Document, text: str) -> Document:
    name = request["PipelineName"]
    arn = parts.aws.arn(_PIPELINE, name)
    now = time.time()
    document = {key: request[key] for key in _TEXTS if key in request} | {
        "PipelineArn": arn,
        "PipelineName": name,
        "PipelineStatus": "Active",
        "CreationTime": now,
        "LastModifiedTime": now,
        "CreatedBy": parts.created_by,
        "LastModifiedBy": parts.created_by,
    }
    document.setdefault("PipelineDisplayName", name)
    if not parts.store.add(Resource(_PIPELINE, name, arn, document, status="Active")):
        raise ValidationError(
            "Pipeline names must be unique within an AWS account and region."
            f" Pipeline with name ({name}) already exists."
        )
    add_version(parts, arn, text)
    parts.tag(arn, request)
    return {"PipelineArn": arn}


def update_pipeline(parts: Parts, request: Document) -> Document:
    """Store another definition; running executions keep theirs."""
    pipeline = find(parts, _PIPELINE, request["PipelineName"], "UpdatePipeline")
    text = _definition_text(parts, request)
    if text is not None:
        parse(text)

    def edit(document: Document, _: Document) -> None:
        document.update({key: request[key] for key in _TEXTS if key in request})
        document.update(LastModifiedTime=time.time(), LastModifiedBy=parts.created_by)

    parts.store.change(pipeline.arn, edit)
    version = pipeline.document["PipelineVersionId"]
    if text is not None and text != pipeline.document["PipelineDefinition"]:
        version = add_version(parts, pipeline.arn, text)
    return {"PipelineArn": pipeline.arn, "PipelineVersionId": version}


def delete_pipeline(parts: Parts, request: Document) -> Document:
    """Delete a pipeline without running executions, and its past executions with it."""
    pipeline = find(parts, _PIPELINE, request["PipelineName"], "DeletePipeline")
    executions = parts.store.every(EXECUTION, parent=pipeline.arn)
    running = [execution.arn for execution in executions if execution.status in ("Executing", "Stopping")]
    if running:
        raise ConflictException(f"Pipeline {pipeline.arn} has a running execution: {running[0]}. Stop it first.")
    StepCache(parts.store, pipeline.arn).forget()
    forget_versions(parts, pipeline.arn)
    for execution in executions:
        for step in parts.store.every(STEP, parent=execution.arn):
            parts.store.remove(step.arn)
        parts.store.remove(execution.arn)
    parts.store.remove(pipeline.arn)
    return {"PipelineArn": pipeline.arn}


def _definition_text(parts: Parts, request: Document) -> str | None:
    location = request.get("PipelineDefinitionS3Location")
    if location is None:
        return request.get("PipelineDefinition")
    key = {"Bucket": location["Bucket"], "Key": location["ObjectKey"]}
    if "VersionId" in location:
        key["VersionId"] = location["VersionId"]
    try:
        body: bytes = parts.aws.client("s3").get_object(**key)["Body"].read()
    except ClientError as error:
        uri = s3.Location(location["Bucket"], location["ObjectKey"])
        raise ValidationError(f"Unable to read the pipeline definition from {uri}: {error}") from error
    return body.decode()


def start_execution(parts: Parts, request: Document, executor: Executor) -> Document:
    """Start an execution, once the transaction is committed."""
    pipeline = find(parts, _PIPELINE, request["PipelineName"], "StartPipelineExecution")
    given = {item["Name"]: item["Value"] for item in request.get("PipelineParameters") or []}
    number: int = request.get("PipelineVersionId") or pipeline.document["PipelineVersionId"]
    text = find_version(parts, pipeline, number).document["PipelineDefinition"]
    definition = parse(text)
    values = parameter_values(definition, given)
    if "SelectiveExecutionConfig" in request:
        _check_selection(parts, definition, pipeline, request["SelectiveExecutionConfig"])
    arn = executor.start(pipeline, text, values, request | {"PipelineVersionId": number})
    note_execution(parts, pipeline.arn, number, arn)
    return {"PipelineExecutionArn": arn}


def _check_selection(parts: Parts, definition: Definition, pipeline: Resource, selective: Document) -> None:
    """Refuse a selection of unknown steps, or one that needs results which its source does not have."""
    selected = {row["StepName"] for row in selective["SelectedSteps"]}
    unknown = sorted(selected - set(definition.steps))
    if unknown:
        raise ValidationError(f"The selected steps [{', '.join(unknown)}] are not in the pipeline {pipeline.name}")
    needed = definition.before(selected) - selected
    arn = selective.get("SourcePipelineExecutionArn")
    source = parts.store.by_arn(arn) if arn else None
    if arn and (source is None or source.parent != pipeline.arn or source.status not in ENDED):
        raise ValidationError(f"{arn} is not an execution of {pipeline.name} that has ended")
    there = {step.name for step in parts.store.every(STEP, parent=arn, status="Succeeded")} if arn else set()
    missing_steps = sorted(needed - there)
    if missing_steps:
        raise ValidationError(
            f"The selected steps need the results of [{', '.join(missing_steps)}], which"
            f" {arn or 'no source execution'} does not have: give a SourcePipelineExecutionArn in which they succeeded"
        )


def retry_execution(parts: Parts, request: Document, executor: Executor) -> Document:
    """Run an execution's steps again that did not succeed."""
    execution = _execution(parts, request, "RetryPipelineExecution")
    if execution.status not in ("Failed", "Stopped"):
        raise ConflictException(
            f"Pipeline execution with ARN {execution.arn} is in status {execution.status}: only a failed or stopped"
            " one can be retried."
        )
    executor.retry(execution)
    return {"PipelineExecutionArn": execution.arn}


def stop_execution(parts: Parts, request: Document, executor: Executor) -> Document:
    """Ask an execution to stop, and the jobs of its running steps with it."""
    execution = _execution(parts, request, "StopPipelineExecution")
    if execution.status != "Executing":
        raise ConflictException(
            f"Pipeline execution with ARN {execution.arn} is in status {execution.status}: only a running one can be"
            " stopped."
        )
    executor.stop(execution.arn)
    return {"PipelineExecutionArn": execution.arn}


def describe_execution(parts: Parts, request: Document) -> Document:
    """Return an execution as it is stored."""
    return _execution(parts, request, "DescribePipelineExecution").document


def update_execution(parts: Parts, request: Document) -> Document:
    """Change an execution's name or description."""
    execution = _execution(parts, request, "UpdatePipelineExecution")
    texts = ("PipelineExecutionDisplayName", "PipelineExecutionDescription")

    def edit(document: Document, _: Document) -> None:
        document.update({key: request[key] for key in texts if key in request}, LastModifiedTime=time.time())

    parts.store.change(execution.arn, edit)
    return {"PipelineExecutionArn": execution.arn}


def list_executions(parts: Parts, request: Document) -> Document:
    """Return a page of a pipeline's executions."""
    query = dict(request)
    pipeline = find(parts, _PIPELINE, query.pop("PipelineName"), "ListPipelineExecutions")

    def row(resource: Resource) -> Document:
        document = resource.document
        return document | {
            "StartTime": document["CreationTime"],
            "PipelineExecutionFailureReason": document.get("FailureReason"),
        }

    where = {"parent = ?": pipeline.arn}
    return page(parts, "ListPipelineExecutions", EXECUTION, query, descending=True, where=where, row=row)


def list_steps(parts: Parts, request: Document) -> Document:
    """Return a page of the steps that have begun, latest first unless the request says otherwise."""
    query = dict(request)
    query.pop("PipelineExecutionArn", None)
    execution = _execution(parts, request, "ListPipelineExecutionSteps")
    where = {"parent = ?": execution.arn}
    return page(parts, "ListPipelineExecutionSteps", STEP, query, descending=True, where=where)


def list_parameters(parts: Parts, request: Document) -> Document:
    """Return all parameter values of an execution on one page; a pipeline has at most 200."""
    execution = _execution(parts, request, "ListPipelineParametersForExecution")
    texts = {name: as_text(value) for name, value in execution.internal["parameters"].items()}
    texts |= execution.internal.get("given", {})
    return {"PipelineParameters": [{"Name": name, "Value": text} for name, text in texts.items()]}


def describe_definition(parts: Parts, request: Document) -> Document:
    """Return the definition that an execution runs, as it was at its start."""
    execution = _execution(parts, request, "DescribePipelineDefinitionForExecution")
    return {
        "PipelineDefinition": execution.internal["definition"],
        "CreationTime": execution.document["CreationTime"],
    }


def _execution(parts: Parts, request: Document, operation: str) -> Resource:
    arn = request.get("PipelineExecutionArn", "")
    execution = parts.store.by_arn(arn)
    if execution is None or execution.kind != EXECUTION:
        raise missing(operation, f"Pipeline execution with ARN '{arn}' does not exist.")
    return execution

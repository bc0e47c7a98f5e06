"""EndpointConfig and Endpoint steps: create the resource; an endpoint step ends when the endpoint is in service.

The name is stored before the resource is created. So a step that was interrupted by a server's end finds the resource
and continues with it, instead of failing because its own name is in use.
"""

from localaws.document import Document
from localaws.sagemaker.errors import ApiError
from localaws.sagemaker.pipelines.definition import Step
from localaws.sagemaker.pipelines.retries import exception_type
from localaws.sagemaker.pipelines.steps.context import Progress, StepContext, StepFailed, StepStopped

_LOOK_SECONDS = 0.1
_RESOURCES = {"EndpointConfig": "endpoint-config", "Endpoint": "endpoint"}


def create_config(step: Step, context: StepContext, progress: Progress) -> Document:
    """Create an EndpointConfig; the step's properties are the response of DescribeEndpointConfig."""
    metadata, config = _made(step, context, progress)
    context.properties[step.name] = config
    return metadata


def create_endpoint(step: Step, context: StepContext, progress: Progress) -> Document:
    """Create an endpoint and wait for it; the step's properties are the response of DescribeEndpoint.

    Raises
    ------
    StepFailed
        If the endpoint failed.
    StepStopped
        If the execution was stopped meanwhile; the endpoint still comes into service, as it cannot be stopped.
    """
    metadata, endpoint = _made(step, context, progress)
    while endpoint["EndpointStatus"] in ("Creating", "Updating"):
        if context.stopping.wait(_LOOK_SECONDS):
            raise StepStopped
        endpoint = context.call("DescribeEndpoint", {"EndpointName": endpoint["EndpointName"]})
    if endpoint["EndpointStatus"] != "InService":
        reason = endpoint.get("FailureReason", f"the endpoint has the status {endpoint['EndpointStatus']}")
        raise StepFailed(reason, kind=exception_type(reason=reason))
    context.properties[step.name] = endpoint
    return metadata


def _made(step: Step, context: StepContext, progress: Progress) -> tuple[Document, Document]:
    """Return the step's metadata and the resource as Describe shows it, created now or before an interruption."""
    noun = step.kind
    request = {f"{noun}Name": context.unique_name(step)} | context.request(step)
    begun = context.interrupted.pop(step.name, {}).get(noun)
    found = _find(context, noun, begun["Arn"].rpartition("/")[2]) if begun else None
    if begun and found:
        return {noun: begun}, found
    metadata = {noun: {"Arn": context.parts.aws.arn(_RESOURCES[noun], request[f"{noun}Name"])}}
    if _find(context, noun, request[f"{noun}Name"]) is None:
        progress(metadata)  # only if the name is free: after an interruption its owner is taken for the step's own
    context.call(f"Create{noun}", request)
    return metadata, context.call(f"Describe{noun}", {f"{noun}Name": request[f"{noun}Name"]})


def _find(context: StepContext, noun: str, name: str) -> Document | None:
    try:
        return context.call(f"Describe{noun}", {f"{noun}Name": name})
    except ApiError:
        return None

"""RegisterModel steps: register a model package; SageMaker Pipelines creates the group if it does not exist."""

from localaws.document import Document
from localaws.sagemaker.errors import ApiError
from localaws.sagemaker.pipelines.definition import Step
from localaws.sagemaker.pipelines.steps.context import Progress, StepContext


def run(step: Step, context: StepContext, _: Progress) -> Document:
    """Register a package; the step's properties are the response of DescribeModelPackage."""
    # The same token after an interruption: a version that was registered already is not registered twice.
    request = _without_empty(context.request(step)) | {"ClientToken": context.token(step)}
    request["MetadataProperties"] = {"GeneratedBy": context.execution_arn, **request.get("MetadataProperties", {})}
    group = request.get("ModelPackageGroupName")
    if group:
        _make_group(context, group)
    arn = context.call("CreateModelPackage", request)["ModelPackageArn"]
    context.properties[step.name] = context.call("DescribeModelPackage", {"ModelPackageName": arn})
    return {"RegisterModel": {"Arn": arn}}


def _without_empty(request: Document) -> Document:
    """Remove the empty structures that the SDK writes for absent metrics; CreateModelPackage does not accept them."""
    metrics = {name: value for name, value in request.get("ModelMetrics", {}).items() if value}
    return request | ({"ModelMetrics": metrics} if metrics else {})


def _make_group(context: StepContext, name: str) -> None:
    short = name.rpartition("/")[2]
    try:
        context.call("DescribeModelPackageGroup", {"ModelPackageGroupName": name})
    except ApiError:
        context.call("CreateModelPackageGroup", {"ModelPackageGroupName": short})

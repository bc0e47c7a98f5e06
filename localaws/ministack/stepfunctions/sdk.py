"""AWS SDK integrations: ``arn:aws:states:::aws-sdk:<service>:<action>``, any action of a service's API.

Step Functions calls through the AWS SDK for Java 2, and its names show: a member's first letters are one capital
(`DBName` is `DbName`), bytes are text, a moment is a string, and an error is an exception of that SDK:
`SageMaker.ResourceNotFoundException` where the API says ResourceNotFound, `SageMaker.SageMakerException` where it names
none of its own. Source: AWS Step Functions Developer Guide, "Learning to use AWS service SDK integrations".
"""

import json
import re
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError, ParamValidationError
from botocore.model import ListShape, MapShape, Shape, StructureShape
from botocore.response import StreamingBody

from localaws.account.session import Clients
from localaws.document import Document
from localaws.ministack.stepfunctions.task import Task, TaskFailed, refuse

# The service's name in an ARN, boto3's, and that of its client and exceptions in the SDK for Java.
SERVICES = {
    "applicationautoscaling": ("application-autoscaling", "ApplicationAutoScaling"),
    "cloudwatch": ("cloudwatch", "CloudWatch"),
    "cloudwatchlogs": ("logs", "CloudWatchLogs"),
    "codebuild": ("codebuild", "CodeBuild"),
    "codepipeline": ("codepipeline", "CodePipeline"),
    "sagemaker": ("sagemaker", "SageMaker"),
    "sagemakerruntime": ("sagemaker-runtime", "SageMakerRuntime"),
}
_ARN = re.compile(r"arn:aws:states:::aws-sdk:(\w+):(\w+)")
_LEADING_CAPITALS = re.compile(r"^[A-Z]+(?=[A-Z][a-z]|$)")


def call(client: Clients, task: Task) -> Document:
    """Call an action of a service's API.

    Raises
    ------
    TaskFailed
    """
    found = _ARN.fullmatch(task.resource)
    if found is None:
        raise refuse(task.resource, "an AWS SDK integration answers at once; it has no .sync and no task token")
    service, name = SERVICES[found[1]]
    api = client(service)
    model = api.meta.service_model
    operation = f"{found[2][0].upper()}{found[2][1:]}"
    if operation not in model.operation_names:
        raise refuse(task.resource, f"{service} has no action {found[2]}")
    described = model.operation_model(operation)
    # So that a call which is made again after a kill does nothing twice, where the API knows such tokens.
    tokens = dict.fromkeys(described.idempotent_members, task.token)
    arguments = tokens | _named(described.input_shape, task.arguments or {})
    try:
        answer = api._make_api_call(operation, arguments)
    except ClientError as error:
        code, message = error.response["Error"]["Code"], error.response["Error"]["Message"]
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        known = {shape.name for shape in described.error_shapes} | {shape.name for shape in model.error_shapes}
        exception = exception_name(code) if code in known else f"{name}Exception"
        raise TaskFailed(f"{name}.{exception}", f"{message} (Service: {name}, Status Code: {status})") from error
    except ParamValidationError as error:
        raise TaskFailed("States.Runtime", str(error)) from error
    answer.pop("ResponseMetadata", None)
    result: Document = _shown(described.output_shape, answer)
    return result


def exception_name(code: str) -> str:
    """Name the SDK's exception for an error of the API: ResourceInUse is ResourceInUseException."""
    return f"{code.removesuffix('Fault').removesuffix('Exception')}Exception"


def member_name(name: str) -> str:
    """Name a member as the SDK does: DBName is DbName."""
    return _LEADING_CAPITALS.sub(lambda letters: letters[0].capitalize(), name)


def _named(shape: Shape | None, value: Any) -> Any:
    """Return a state's arguments with the names and types of the API."""
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        names = {member_name(name): name for name in shape.members}
        known = {names.get(key, key): item for key, item in value.items()}
        return {key: _named(shape.members.get(key), item) for key, item in known.items()}
    if isinstance(shape, ListShape) and isinstance(value, list):
        return [_named(shape.member, item) for item in value]
    if isinstance(shape, MapShape) and isinstance(value, dict):
        return {key: _named(shape.value, item) for key, item in value.items()}
    if shape is not None and shape.type_name == "blob":
        return (value if isinstance(value, str) else json.dumps(value)).encode()
    return value


def _shown(shape: Shape | None, value: Any) -> Any:
    """Return an answer with the names of the SDK, and types that JSON has."""
    if isinstance(shape, StructureShape):
        return {member_name(key): _shown(shape.members[key], item) for key, item in value.items()}
    if isinstance(shape, ListShape):
        return [_shown(shape.member, item) for item in value]
    if isinstance(shape, MapShape):
        return {key: _shown(shape.value, item) for key, item in value.items()}
    return plain(value)


def plain(value: Any) -> Any:
    """Return a scalar of boto3's as JSON has it: a time as a string, bytes as text."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if isinstance(value, StreamingBody):
        return value.read().decode("utf-8", "replace")
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value

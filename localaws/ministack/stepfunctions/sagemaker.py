"""SageMaker's optimized integrations: ``arn:aws:states:::sagemaker:<action>``, and ``.sync`` for jobs.

`.sync` waits for the end of the job and gives its description; a job that ends otherwise than Completed fails the state
with States.TaskFailed and its description as the cause. A job that is not waited for any more is stopped, as Step
Functions does when an execution is stopped or a state times out. These integrations are older than those of the AWS
SDK: an error without a class of its own is SageMaker.AmazonSageMakerException.
Source: AWS Step Functions Developer Guide, "Create and manage Amazon SageMaker AI jobs with Step Functions".
"""

import re
import time
from typing import Any

from botocore.exceptions import ClientError, ParamValidationError

from localaws.account.session import Clients
from localaws.document import Document
from localaws.ministack.stepfunctions.sdk import exception_name, plain
from localaws.ministack.stepfunctions.task import Task, TaskFailed, is_since, refuse, text

_POLL_SECONDS = 0.1
_ENDED = frozenset({"Completed", "Failed", "Stopped"})
_ARN = re.compile(r"arn:aws:states:::sagemaker:(\w+?)(\.sync)?")

# Actions with .sync: the kind of job, whose Describe, Stop, name and status are called after it.
_JOBS = {
    "createHyperParameterTuningJob": "HyperParameterTuningJob",
    "createProcessingJob": "ProcessingJob",
    "createTrainingJob": "TrainingJob",
    "createTransformJob": "TransformJob",
}
_OTHERS = frozenset({"createEndpoint", "createEndpointConfig", "createModel", "updateEndpoint"})
ACTIONS = frozenset({*_JOBS, *_OTHERS})


def call(client: Clients, task: Task) -> Document:
    """Call an action, and wait for its job if the state does.

    Raises
    ------
    TaskFailed
    """
    found = _ARN.fullmatch(task.resource)
    action, waits = (found[1], found[2] is not None) if found else ("", False)
    if action not in ACTIONS:
        names = ", ".join(sorted(ACTIONS))
        raise refuse(task.resource, f"SageMaker's optimized integrations here are {names}; try aws-sdk:sagemaker")
    if waits and action not in _JOBS:
        raise refuse(task.resource, f"{action} has no .sync, as on AWS: describe the endpoint until it is there")
    made = _made(client, action, task) if task.again else None
    if made is None:
        if not task.is_wanted():
            raise TaskFailed("States.TaskFailed", f"{task.resource} was not called: it is not waited for any more")
        made = _request(client, f"{action[0].upper()}{action[1:]}", task.arguments)
    return _wait(client, _JOBS[action], task) if waits else made


def _made(client: Clients, action: str, task: Task) -> Document | None:
    """Return what a call answered that was made before; None if it was not made."""
    verb, kind = action[:6], action[6:]
    try:
        there = _request(client, f"Describe{kind}", {f"{kind}Name": task.arguments.get(f"{kind}Name")})
    except TaskFailed:
        return None
    moment = there["CreationTime" if verb == "create" else "LastModifiedTime"]
    return {f"{kind}Arn": there[f"{kind}Arn"]} if is_since(task.began, moment) else None


def _wait(client: Clients, kind: str, task: Task) -> Document:
    name = {f"{kind}Name": task.arguments[f"{kind}Name"]}
    while True:
        job = _request(client, f"Describe{kind}", name)
        if job[f"{kind}Status"] in _ENDED:
            break
        if not task.is_wanted():
            _request(client, f"Stop{kind}", name)
            raise TaskFailed(
                "States.TaskFailed", f"{kind} {name[f'{kind}Name']} was stopped: it is not waited for any more"
            )
        time.sleep(_POLL_SECONDS)
    if job[f"{kind}Status"] != "Completed":
        raise TaskFailed("States.TaskFailed", text(job))
    return job


def _request(client: Clients, operation: str, arguments: Document) -> Document:
    try:
        answer = client("sagemaker")._make_api_call(operation, arguments)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        own = {shape.name for shape in client("sagemaker").meta.service_model.error_shapes}
        name = exception_name(code) if code in own else "AmazonSageMakerException"
        raise TaskFailed(f"SageMaker.{name}", error.response["Error"]["Message"]) from error
    except ParamValidationError as error:
        raise TaskFailed("States.Runtime", str(error)) from error
    answer.pop("ResponseMetadata", None)
    document: Document = _plain(answer)
    return document


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else plain(value)

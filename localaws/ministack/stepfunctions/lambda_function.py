"""Lambda functions as tasks.

A function that raises fails its state with the name of the exception's class, and with Lambda's error document as the
cause; what Lambda itself refuses, with Lambda's own name for it.
Source: AWS Step Functions Developer Guide, "Handling errors in Step Functions workflows".
"""

import json
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from localaws.account.session import Clients
from localaws.ministack.stepfunctions.patience import AWAY
from localaws.ministack.stepfunctions.task import TaskFailed

_UNKNOWN = "Lambda.Unknown"
# Lambda's answer when it has no function for a request, whatever the reason.
_SERVER_ERROR = 500


def invoke(client: Clients, function: str, event: Any) -> Any:
    """Call a function and wait for what it returns.

    Parameters
    ----------
    client : callable(service) -> boto3 client
    function : str
        Its name or ARN.
    event : JSON value

    Raises
    ------
    TaskFailed
    ConnectionClosedError
    EndpointConnectionError
        Lambda is away.
    """
    try:
        answer = client("lambda").invoke(FunctionName=function, Payload=json.dumps(event).encode())
    except ClientError as error:
        raise TaskFailed(_service_error(error), str(error)) from error
    except AWAY:
        raise
    except BotoCoreError as error:
        raise TaskFailed("Lambda.SdkClientException", str(error)) from error
    payload = answer["Payload"].read()
    if "FunctionError" in answer:
        raise _raised(payload.decode("utf-8", "replace"))
    return json.loads(payload) if payload else None


def _raised(payload: str) -> TaskFailed:
    try:
        name = json.loads(payload)["errorType"]
    except (ValueError, KeyError, TypeError):
        name = _UNKNOWN
    return TaskFailed(str(name), payload)


def _service_error(error: ClientError) -> str:
    if error.response["ResponseMetadata"]["HTTPStatusCode"] >= _SERVER_ERROR:
        return "Lambda.ServiceException"
    return f"Lambda.{error.response['Error']['Code']}"

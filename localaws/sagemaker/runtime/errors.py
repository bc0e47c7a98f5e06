"""The errors of an invocation.

::

    RuntimeFault                the error's code, HTTP status and members
    +-- ValidationError         400: no such endpoint or variant, or the body is too large
    +-- Throttled               429: a serverless variant has reached its limit of concurrent requests
    +-- ModelNotReady           429: no server of the variant is ready
    +-- Unavailable             503: no server could be reached
    +-- ModelError              424: the model answered with an error, or not in time
"""

from typing import Any


class RuntimeFault(Exception):
    """An error response of the runtime.

    Parameters
    ----------
    message : str
    """

    code = "InternalFailure"
    status = 500

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.members: dict[str, Any] = {}


class ValidationError(RuntimeFault):
    """The request is invalid here."""

    code = "ValidationError"
    status = 400


class Throttled(RuntimeFault):
    """The limit of concurrent requests is reached."""

    code = "ThrottlingException"
    status = 429


class ModelNotReady(RuntimeFault):
    """No server of the variant is ready."""

    code = "ModelNotReadyException"
    status = 429


class Unavailable(RuntimeFault):
    """No server could be reached."""

    code = "ServiceUnavailable"
    status = 503


class ModelError(RuntimeFault):
    """The model's container answered with an error.

    Parameters
    ----------
    original_status : int
        The status that it answered with; 0 if it did not answer.
    original_message : str
    log_group : str
        The log group of its output.
    account_id, region : str
        For AWS's message.
    """

    code = "ModelError"
    status = 424

    def __init__(
        self, original_status: int, original_message: str, log_group: str, account_id: str, region: str
    ) -> None:
        side = "server" if original_status >= 500 or not original_status else "client"
        super().__init__(
            f'Received {side} error ({original_status}) from primary with message "{original_message}". See '
            f"https://{region}.console.aws.amazon.com/cloudwatch/home?region={region}#logEventViewer:group={log_group}"
            f" in account {account_id} for more information."
        )
        self.members |= {
            "OriginalStatusCode": original_status,
            "OriginalMessage": original_message,
            "LogStreamArn": f"arn:aws:logs:{region}:{account_id}:log-group:{log_group}",
        }

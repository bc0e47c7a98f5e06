"""Why a delivery failed, in the words of a dead-letter queue's messages, and whether another attempt may succeed.

Source: "Using dead-letter queues to process undelivered events in EventBridge" in the EventBridge User Guide.
"""

from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError

from localaws.account.roles import RoleError

_SERVER_ERROR = 500
_TOO_MANY = 429
_BY_WORD = {
    "AccessDenied": "NO_PERMISSIONS",
    "Authoriz": "NO_PERMISSIONS",
    "NotFound": "NO_RESOURCE",
    "DoesNotExist": "NO_RESOURCE",
    "NonExistent": "NO_RESOURCE",
    "AlreadyExists": "RESOURCE_ALREADY_EXISTS",
    "Throttl": "THROTTLING",
    "TooManyRequests": "THROTTLING",
    "LimitExceeded": "RESOURCE_LIMIT_EXCEEDED",
    "Validation": "INVALID_PARAMETER",
    "Invalid": "INVALID_PARAMETER",
}
_LATER_BETTER = ("THROTTLING", "RESOURCE_LIMIT_EXCEEDED")


@dataclass(frozen=True)
class Failure:
    """One attempt that failed.

    Attributes
    ----------
    code : str
        AWS's ERROR_CODE, such as ``NO_RESOURCE``.
    message : str
    retryable : bool
    """

    code: str
    message: str
    retryable: bool


class TargetError(Exception):
    """A target cannot be called with what the rule gives it."""


class PolicyError(Exception):
    """A target's own policy does not allow EventBridge."""


def failure(error: Exception) -> Failure:
    """Return what the exception of an attempt means."""
    if isinstance(error, RoleError):
        return Failure("FAILED_TO_ASSUME_ROLE", str(error), retryable=False)
    if isinstance(error, PolicyError):
        return Failure("NO_PERMISSIONS", str(error), retryable=False)
    if isinstance(error, ClientError):
        answer = error.response
        name, text = answer["Error"].get("Code", ""), answer["Error"].get("Message", "")
        code = next((code for word, code in _BY_WORD.items() if word in name), "SDK_CLIENT_ERROR")
        status = answer.get("ResponseMetadata", {}).get("HTTPStatusCode", _SERVER_ERROR)
        return Failure(code, text or name, status >= _SERVER_ERROR or status == _TOO_MANY or code in _LATER_BETTER)
    if isinstance(error, TargetError):
        return Failure("INVALID_PARAMETER", str(error), retryable=False)
    if isinstance(error, BotoCoreError) and type(error).__name__ == "ParamValidationError":
        return Failure("INVALID_PARAMETER", str(error), retryable=False)
    return Failure("CONNECTION_FAILURE", str(error), retryable=True)

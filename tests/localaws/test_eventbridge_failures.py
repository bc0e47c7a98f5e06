"""What a delivery's failure is called in a dead-letter queue's message, and whether it may go better later."""

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ParamValidationError

from localaws.account.roles import RoleError
from localaws.ministack.eventbridge.failures import Failure, PolicyError, TargetError, failure


def refused(code: str, status: int = 400, message: str = "why") -> ClientError:
    """What a service answered to the call that a target stands for."""
    answer = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, "Call")


@pytest.mark.parametrize(
    ("error", "code", "retryable"),
    [
        (RoleError("why"), "FAILED_TO_ASSUME_ROLE", False),
        (PolicyError("why"), "NO_PERMISSIONS", False),
        (TargetError("why"), "INVALID_PARAMETER", False),
        (refused("AccessDeniedException"), "NO_PERMISSIONS", False),
        (refused("AuthorizationError", 403), "NO_PERMISSIONS", False),
        (refused("AWS.SimpleQueueService.NonExistentQueue"), "NO_RESOURCE", False),
        (refused("QueueDoesNotExist"), "NO_RESOURCE", False),
        (refused("ResourceNotFoundException", 404), "NO_RESOURCE", False),
        (refused("ResourceAlreadyExistsException"), "RESOURCE_ALREADY_EXISTS", False),
        (refused("ThrottlingException"), "THROTTLING", True),
        (refused("TooManyRequestsException"), "THROTTLING", True),
        (refused("ConcurrentExecutionLimitExceeded"), "RESOURCE_LIMIT_EXCEEDED", True),
        (refused("ValidationException"), "INVALID_PARAMETER", False),
        (refused("InvalidParameterValueException"), "INVALID_PARAMETER", False),
        (refused("InvalidExecutionInput"), "INVALID_PARAMETER", False),
        (refused("Strange"), "SDK_CLIENT_ERROR", False),
        (refused("Strange", 429), "SDK_CLIENT_ERROR", True),
        (refused("InternalFailure", 500), "SDK_CLIENT_ERROR", True),
    ],
)
def test_what_a_failure_means(error: Exception, code: str, retryable: bool) -> None:
    assert failure(error) == Failure(code, "why", retryable)


def test_a_refusal_without_words_is_called_by_its_name() -> None:
    assert failure(refused("Strange", message="")).message == "Strange"


def test_who_is_away_may_be_back_and_a_wrong_request_stays_wrong() -> None:
    away = failure(EndpointConnectionError(endpoint_url="http://127.0.0.1:9"))
    assert (away.code, away.retryable) == ("CONNECTION_FAILURE", True)
    wrong = failure(ParamValidationError(report="no Name"))
    assert (wrong.code, wrong.retryable, "no Name" in wrong.message) == ("INVALID_PARAMETER", False, True)

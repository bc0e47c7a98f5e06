"""Retry policies: which failure is tried again, and after how long."""

from typing import Any

import pytest

from localaws.sagemaker.errors import ValidationError
from localaws.sagemaker.pipelines.definition import parse
from localaws.sagemaker.pipelines.retries import (
    CAPACITY_ERROR,
    INTERNAL_ERROR,
    RESOURCE_LIMIT,
    SERVICE_FAULT,
    delay,
    exception_type,
)
from tests.localaws.sagemaker.definitions import definition

JOB = {"ExceptionType": [INTERNAL_ERROR], "IntervalSeconds": 3, "BackoffRate": 2.0, "MaxAttempts": 3}
EXPIRING = {"ExceptionType": [INTERNAL_ERROR], "IntervalSeconds": 10, "BackoffRate": 1.0, "ExpireAfterMin": 1}


def test_the_interval_grows_by_the_back_off_rate_until_the_attempts_are_used_up() -> None:
    assert [delay([JOB], INTERNAL_ERROR, retries, 0) for retries in range(4)] == [3, 6, 12, None]


def test_a_policy_expires() -> None:
    assert delay([EXPIRING], INTERNAL_ERROR, 7, elapsed=49) == 10
    assert delay([EXPIRING], INTERNAL_ERROR, 7, elapsed=51) is None


def test_only_what_a_policy_names_is_tried_again() -> None:
    assert delay([JOB], CAPACITY_ERROR, 0, 0) is None
    assert delay([JOB], None, 0, 0) is None


def test_faults_of_the_service_are_tried_again_without_a_policy() -> None:
    assert delay([], SERVICE_FAULT, 0, 0) == 1
    assert delay([], SERVICE_FAULT, 2, 0) is None


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        ({"reason": "InternalServerError: the host went away"}, INTERNAL_ERROR),
        ({"reason": "CapacityError: none left"}, CAPACITY_ERROR),
        ({"reason": "AlgorithmError: ValueError, exit code: 1"}, None),
        ({"code": "InternalFailure"}, SERVICE_FAULT),
        ({"code": "ResourceLimitExceeded"}, RESOURCE_LIMIT),
        ({"code": "ValidationException"}, None),
    ],
)
def test_the_type_of_a_failure(failure: dict[str, Any], kind: str | None) -> None:
    assert exception_type(**failure) == kind


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        (JOB, None),
        (EXPIRING, None),
        (JOB | {"ExceptionType": ["SageMaker.JOB_INTERNAL_EROR"]}, "ExceptionType has SageMaker.JOB_INTERNAL_EROR"),
        (JOB | {"ExceptionType": []}, "ExceptionType has nothing"),
        (JOB | EXPIRING, "MaxAttempts and ExpireAfterMin exclude each other"),
        (JOB | {"MaxAttempts": 21}, "MaxAttempts is 21, not from 0 to 20"),
        (EXPIRING | {"ExpireAfterMin": 14_401}, "ExpireAfterMin is 14401, not from 0 to 14400"),
        (JOB | {"IntervalSeconds": 43_201}, "IntervalSeconds is 43201, not from 0 to 43200"),
    ],
)
def test_what_a_pipeline_cannot_be_made_with(policy: dict[str, Any], said: str | None) -> None:
    text = definition({"Name": "Stop", "Type": "Fail", "Arguments": {"ErrorMessage": "no"}, "RetryPolicies": [policy]})
    if said is None:
        parse(text)
        return
    with pytest.raises(ValidationError, match=f"Step 'Stop': a retry policy's {said}"):
        parse(text)

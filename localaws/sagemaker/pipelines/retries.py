"""Retry policies of pipeline steps: which failures are retried, and after how long. Pure functions.

Source: "Retry Policy for Pipeline Steps" of the SageMaker guide. A policy names exception types; the first one that
matches decides. Without a policy, SageMaker itself retries faults and throttling of its service.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from localaws.sagemaker.errors import ValidationError

Policy = Mapping[str, Any]

SERVICE_FAULT = "Step.SERVICE_FAULT"
THROTTLING = "Step.THROTTLING"
INTERNAL_ERROR = "SageMaker.JOB_INTERNAL_ERROR"
CAPACITY_ERROR = "SageMaker.CAPACITY_ERROR"
RESOURCE_LIMIT = "SageMaker.RESOURCE_LIMIT"

EXCEPTION_TYPES = (SERVICE_FAULT, THROTTLING, INTERNAL_ERROR, CAPACITY_ERROR, RESOURCE_LIMIT)

_BY_API_CODE = {
    "InternalFailure": SERVICE_FAULT,
    "ServiceUnavailable": SERVICE_FAULT,
    "ThrottlingException": THROTTLING,
    "ResourceLimitExceeded": RESOURCE_LIMIT,
}
_BY_REASON = {"InternalServerError": INTERNAL_ERROR, "CapacityError": CAPACITY_ERROR}
_MOST = {"IntervalSeconds": 43_200, "MaxAttempts": 20, "ExpireAfterMin": 14_400}
_DEFAULT_POLICY: Policy = {
    "ExceptionType": [SERVICE_FAULT, THROTTLING],
    "IntervalSeconds": 1,
    "BackoffRate": 2.0,
    "MaxAttempts": 2,
}


def check_policy(step_name: str, policy: Policy) -> None:
    """Refuse a policy that the guide does not allow.

    Raises
    ------
    ValidationError
    """
    kinds = policy.get("ExceptionType") or []
    unknown = [kind for kind in kinds if kind not in EXCEPTION_TYPES]
    start = f"Step '{step_name}': a retry policy's"
    if unknown or not kinds:
        raise ValidationError(
            f"{start} ExceptionType has {', '.join(map(str, unknown)) or 'nothing'}, none of"
            f" {', '.join(EXCEPTION_TYPES)}"
        )
    if "MaxAttempts" in policy and "ExpireAfterMin" in policy:
        raise ValidationError(f"{start} MaxAttempts and ExpireAfterMin exclude each other")
    for name, most in _MOST.items():
        if not 0 <= policy.get(name, 0) <= most:
            raise ValidationError(f"{start} {name} is {policy[name]}, not from 0 to {most}")


def exception_type(*, code: str = "", reason: str = "") -> str | None:
    """Return the type of a failure, by the API's error code or the start of a job's FailureReason; None for others."""
    if code:
        return _BY_API_CODE.get(code)
    return next((kind for beginning, kind in _BY_REASON.items() if reason.startswith(beginning)), None)


def delay(policies: Sequence[Policy], kind: str | None, retries: int, elapsed: float) -> float | None:
    """Return the seconds until the next attempt, or None if there is none.

    Parameters
    ----------
    policies : sequence of mapping
        ``RetryPolicies`` of the step.
    kind : str or None
        The exception type of the failure.
    retries : int
        How often this step was retried already.
    elapsed : float
        Seconds since its first attempt began.
    """
    matching = [policy for policy in (*policies, _DEFAULT_POLICY) if kind in policy["ExceptionType"]]
    if not matching:
        return None
    policy = matching[0]
    seconds = float(policy.get("IntervalSeconds", 1)) * float(policy.get("BackoffRate", 2.0)) ** retries
    if retries >= policy.get("MaxAttempts", retries + 1):
        return None
    if elapsed + seconds > policy.get("ExpireAfterMin", 14_400) * 60:
        return None
    return seconds

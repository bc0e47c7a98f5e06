"""What an alarm may be, by PutMetricAlarm or a template: what AWS refuses, and by name what cannot be decided here.

Source: PutMetricAlarm in the CloudWatch API Reference.
"""

from collections.abc import Mapping
from typing import Any

from localaws.api_errors import ApiError, ValidationError
from localaws.ministack.cloudwatch import metric_math
from localaws.ministack.cloudwatch.alarm_state import COMPARISONS, metrics_of
from localaws.ministack.cloudwatch.data.retention import DAY, HOUR
from localaws.ministack.cloudwatch.data.statistic import UnknownStatistic, statistic
from localaws.ministack.cloudwatch.data.wire import Answer, Protocol, Request, service_model
from localaws.protocol.shapes import check_members

Members = Mapping[str, Any]

_UNSUPPORTED = (
    "EvaluationCriteria",
    "EvaluationInterval",
    "EvaluationWindow",
    "ThresholdMetricId",  # of anomaly detection
    "WarmUpConfiguration",
)
_SHORT_PERIODS = (10, 20, 30)
_TREATMENTS = ("breaching", "notBreaching", "ignore", "missing")
_MOST_METRICS = 10
_NOT_IN_FORMS = ("InsufficientDataActions", "Metrics")


def check_alarm(members: Members) -> None:
    """Refuse an alarm that AWS refuses, or that would be decided otherwise here than there.

    Parameters
    ----------
    members : mapping
        Of PutMetricAlarm, or the properties of a template.

    Raises
    ------
    ValidationError
    """
    for name in _UNSUPPORTED:
        if members.get(name) is not None:
            raise ValidationError(f"Local AWS does not support {name} of an alarm.")
    if (comparison := members.get("ComparisonOperator")) not in COMPARISONS:
        raise ValidationError(f"Local AWS supports these for ComparisonOperator, not {comparison}: {_or(COMPARISONS)}.")
    if (treatment := members.get("TreatMissingData") or "missing") not in _TREATMENTS:
        raise ValidationError(f"The value {treatment} is unsupported for TreatMissingData: {_or(_TREATMENTS)}.")
    if (low := members.get("EvaluateLowSampleCountPercentile") or "evaluate") != "evaluate":
        raise ValidationError(
            f"Local AWS evaluates percentiles of few samples: EvaluateLowSampleCountPercentile is {low}."
        )
    if members.get("Threshold") is None:
        raise ValidationError("The parameter Threshold is required.")
    _check_what_is_measured(members)
    _check_periods(members)


def refused(request: Request) -> Answer | None:
    """Return the answer to a request of PutMetricAlarm that is refused; None for any other request."""
    if request.operation != "PutMetricAlarm":
        return None
    shape = service_model().operation_model("PutMetricAlarm").input_shape
    try:
        # Of tags, MiniStack has AWS's words.
        members = {name: value for name, value in request.members(shape).items() if name != "Tags"}
        check_members(shape, members)
        for name in _NOT_IN_FORMS:
            if request.protocol is Protocol.QUERY and name in members:
                raise ValidationError(f"Local AWS does not read {name} of an alarm from a form: use JSON or CBOR.")
        check_alarm(members)
    except ApiError as error:
        return request.refusal(error)
    return None


def _check_what_is_measured(members: Members) -> None:
    queries = members.get("Metrics") or []
    if bool(queries) == bool(members.get("MetricName")):
        raise ValidationError("Exactly one of the parameters MetricName and Metrics must be specified.")
    if not queries and bool(members.get("Statistic")) == bool(members.get("ExtendedStatistic")):
        raise ValidationError("Exactly one of the parameters Statistic and ExtendedStatistic must be specified.")
    try:
        if queries:
            metric_math.check(queries)
        for asked in metrics_of(members).values():
            statistic(asked["Stat"])
    except (metric_math.MathError, UnknownStatistic) as error:
        raise ValidationError(str(error)) from error
    if len(metrics_of(members)) > _MOST_METRICS:
        raise ValidationError(f"An alarm is on {_MOST_METRICS} metrics at most, not on {len(metrics_of(members))}.")


def _check_periods(members: Members) -> None:
    number, needed = int(members.get("EvaluationPeriods") or 0), members.get("DatapointsToAlarm")
    if number < 1:
        raise ValidationError("The parameter EvaluationPeriods must be 1 at least.")
    if needed is not None and not 1 <= int(needed) <= number:
        raise ValidationError(f"DatapointsToAlarm must be from 1 to EvaluationPeriods, {number}: {needed}.")
    for asked in metrics_of(members).values():
        period = int(asked.get("Period") or 0)
        if period not in _SHORT_PERIODS and (period < 1 or period % 60):
            raise ValidationError(f"The parameter Period must be 10, 20, 30 or a multiple of 60: {period}.")
        most = 7 * DAY if period >= HOUR else DAY
        if number * period > most:
            raise ValidationError(
                f"Metrics cannot be checked across more than {most // DAY} day(s): {number} x {period} s."
            )


def _or(names: Any) -> str:
    return ", ".join(names)

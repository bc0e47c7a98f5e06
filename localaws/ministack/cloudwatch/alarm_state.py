"""CloudWatch alarms decided as AWS decides them: by dimensions, datapoints to alarm and missing data.

MiniStack keeps the alarms and their actions; its own decision looks at none of these three. Here the last periods are
looked at, each ending a period before the next, the latest now. (AWS's periods begin at whole minutes; these slide, so
that an alarm on a laptop does not wait for the minute.)

An alarm looks at some more periods than EvaluationPeriods, its evaluation range, and takes the latest of them that have
data. What is still lacking is filled in by TreatMissingData.

Source: "Evaluating an alarm" and "Configuring how CloudWatch alarms treat missing data" in the CloudWatch User Guide.
"""

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from localaws.ministack.cloudwatch import metric_math

Alarm = Mapping[str, Any]
Values = Sequence[float | None]
"""The statistic of each period of the evaluation range, the latest first; None where there is no data."""
Asked = Mapping[str, Any]
"""A MetricStat: metric, statistic, unit and period."""

COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "GreaterThanOrEqualToThreshold": operator.ge,
    "GreaterThanThreshold": operator.gt,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}
"""The others that there are compare with a band of anomaly detection."""
# The guide has a range of 5 for 3 periods, and says that AWS's depends on the period's length.
_FURTHER_PERIODS = 2


def evaluation_range(alarm: Alarm) -> int:
    """Return how many periods an alarm looks at."""
    return int(alarm["EvaluationPeriods"]) + _FURTHER_PERIODS


def metrics_of(alarm: Alarm) -> dict[str, Asked]:
    """Return what an alarm is decided by, by the ids of its queries; of an alarm on one metric, the id is empty."""
    if queries := alarm.get("Metrics"):
        return {query["Id"]: query["MetricStat"] for query in queries if "MetricStat" in query}
    if not alarm.get("MetricName"):
        return {}
    metric = {name: alarm.get(name) for name in ("Namespace", "MetricName", "Dimensions")}
    stat = alarm.get("ExtendedStatistic") or alarm.get("Statistic") or "Average"
    return {"": {"Metric": metric, "Stat": stat, "Period": alarm["Period"], "Unit": alarm.get("Unit")}}


def period_of(alarm: Alarm) -> int:
    """Return the period of an alarm, in seconds; of an alarm on an expression, the longest of its metrics'."""
    return max((int(asked["Period"]) for asked in metrics_of(alarm).values()), default=60)


def decide(alarm: Alarm, values: Mapping[str, Values]) -> tuple[str, str] | None:
    """Return the state that an alarm has to be in, and the reason.

    Parameters
    ----------
    alarm : mapping
        As DescribeAlarms tells it.
    values : mapping of str to sequence of (float or None)
        Of its metrics: see `metrics_of`.

    Returns
    -------
    tuple of (str, str) or None
        None leaves the alarm as it is.
    """
    if not alarm.get("Metrics"):
        return _judge(alarm, values[""])
    periods = range(evaluation_range(alarm))
    return _judge(
        alarm,
        [
            metric_math.work_out(alarm["Metrics"], {name: found[number] for name, found in values.items()})
            for number in periods
        ],
    )


def _judge(alarm: Alarm, values: Values) -> tuple[str, str] | None:
    periods = int(alarm["EvaluationPeriods"])
    treatment = alarm.get("TreatMissingData") or "missing"
    breaches, threshold = COMPARISONS[alarm["ComparisonOperator"]], float(alarm["Threshold"])
    present = [(number, value) for number, value in enumerate(values) if value is not None]
    if not present and treatment == "ignore":
        return None
    if not present and treatment == "missing":
        return "INSUFFICIENT_DATA", f"Insufficient Data: {periods} datapoints were unknown."
    latest = present[:periods]
    bad = sum(breaches(value, threshold) for _, value in latest)
    filled = periods - len(latest)
    needed = int(alarm.get("DatapointsToAlarm") or periods)
    if bad < needed and bad == len(latest) and _old_enough(latest, filled, needed):
        if treatment == "ignore":
            return None
        if treatment == "missing":
            bad = needed
    bad += filled if treatment == "breaching" else 0
    state = "ALARM" if bad >= needed else "OK"
    shown = ", ".join(f"{value:g}" for _, value in latest)
    datapoints = f"{min(bad, periods)} out of the last {periods} datapoints [{shown}]"
    crossing = "breached" if state == "ALARM" else "did not breach often enough"
    return state, f"Threshold Crossed: {datapoints} {crossing} ({alarm['ComparisonOperator']} {threshold:g})."


def _old_enough(latest: Sequence[tuple[int, float]], filled: int, needed: int) -> bool:
    """Return whether breaching data, with nothing but missing data after them, are old enough to count as enough.

    "Avoiding premature transitions to alarm state": the oldest is at least as old as DatapointsToAlarm.
    """
    return bool(latest) and filled > 0 and latest[-1][0] + 1 >= needed

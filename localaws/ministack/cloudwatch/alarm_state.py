"""CloudWatch alarms decided as AWS decides them: by dimensions, datapoints to alarm and missing data.

MiniStack keeps the alarms and their actions; its own decision looks at none of these three. Here the last
EvaluationPeriods periods are looked at, each ending a period before the next, the latest now. (AWS's periods begin at
whole minutes; these slide, so that an alarm on a laptop does not wait for the minute.)

Source: "Evaluating an alarm" and "Configuring how CloudWatch alarms treat missing data" in the CloudWatch User Guide.
"""

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from localaws.ministack.cloudwatch import metric_math

Alarm = Mapping[str, Any]
Point = Mapping[str, Any]
Statistic = Callable[[Sequence[Point], str], float | None]
"""Returns a statistic of points, such as ``Average`` or ``p99``; None if they have none."""

_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "GreaterThanOrEqualToThreshold": operator.ge,
    "GreaterThanThreshold": operator.gt,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}


def decide(
    alarm: Alarm, points: Sequence[Point], statistic: Statistic, now: float, scale: float
) -> tuple[str, str] | None:
    """Return the state that an alarm has to be in, and the reason.

    Parameters
    ----------
    alarm : mapping
        As DescribeAlarms tells it.
    points : sequence of mapping
        Those of its metric with exactly its dimensions, each with a ``Timestamp`` in seconds since the epoch.
    statistic : callable(points, name) -> float or None
    now : float
        Seconds since the epoch.
    scale : float
        What a second of its period takes here, in seconds.

    Returns
    -------
    tuple of (str, str) or None
        None leaves the alarm as it is: all data is missing and it ignores that.
    """
    return _judge(alarm, _values(alarm, points, statistic, now, float(alarm["Period"]) * scale))


def decide_math(
    alarm: Alarm,
    points_of: Callable[[Mapping[str, Any]], Sequence[Point]],
    statistic: Statistic,
    now: float,
    scale: float,
) -> tuple[str, str] | None:
    """Return the state of an alarm on a metric math expression, and the reason; see `decide`.

    Parameters
    ----------
    alarm : mapping
        With ``Metrics``; the longest of their periods is the alarm's.
    points_of : callable(metric) -> sequence of mapping
        Returns the points of a metric: namespace, name and dimensions.
    statistic : callable(points, name) -> float or None
    now : float
        Seconds since the epoch.
    scale : float
        What a second of a period takes here, in seconds.
    """
    stats = {query["Id"]: query["MetricStat"] for query in alarm["Metrics"] if "MetricStat" in query}
    period = max(float(stat["Period"]) for stat in stats.values()) * scale
    series = {
        name: _values({**alarm, "Statistic": stat["Stat"]}, points_of(stat["Metric"]), statistic, now, period)
        for name, stat in stats.items()
    }
    every = range(int(alarm["EvaluationPeriods"]))
    values = [
        metric_math.work_out(alarm["Metrics"], {name: found[number] for name, found in series.items()})
        for number in every
    ]
    return _judge(alarm, values)


def _judge(alarm: Alarm, values: list[float | None]) -> tuple[str, str] | None:
    periods = int(alarm["EvaluationPeriods"])
    treatment = alarm.get("TreatMissingData") or "missing"
    present = [value for value in values if value is not None]
    if not present and treatment == "ignore":
        return None
    if not present and treatment == "missing":
        return "INSUFFICIENT_DATA", f"Insufficient Data: {periods} datapoints were unknown."
    breaches = _COMPARISONS[alarm["ComparisonOperator"]]
    threshold = float(alarm["Threshold"])
    bad = sum(treatment == "breaching" if value is None else breaches(value, threshold) for value in values)
    state = "ALARM" if bad >= int(alarm.get("DatapointsToAlarm") or periods) else "OK"
    shown = ", ".join(f"{value:g}" for value in present)
    datapoints = f"{bad} out of the last {periods} datapoints [{shown}]"
    crossing = "breached" if state == "ALARM" else "did not breach often enough"
    return state, f"Threshold Crossed: {datapoints} {crossing} ({alarm['ComparisonOperator']} {threshold:g})."


def _values(
    alarm: Alarm, points: Sequence[Point], statistic: Statistic, now: float, period: float
) -> list[float | None]:
    """Return the statistic of each period, the latest first; None where there is no data."""
    name = alarm.get("ExtendedStatistic") or alarm.get("Statistic") or "Average"
    periods = int(alarm["EvaluationPeriods"])
    buckets: list[list[Point]] = [[] for _ in range(periods)]
    for point in points:
        number = int((now - point["Timestamp"]) // period)
        if 0 <= number < periods:
            buckets[number].append(point)
    return [statistic(bucket, name) if bucket else None for bucket in buckets]

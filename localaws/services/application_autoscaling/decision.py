"""Which capacity a policy wants. Pure functions.

Sources: "How target tracking scaling works" and "How step scaling works" in the Application Auto Scaling User Guide.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

# The alarm for scaling in is at 90 % of the target.
LOW_SHARE = 0.9


def tracked(current: int, value: float, target: float, *, outward: bool) -> int:
    """The capacity of target tracking: out in proportion, in gradually.

    The metric is read after the alarm: it may be back where it was, or beyond. An alarm only ever scales its own way.

    Parameters
    ----------
    current : int
        Instances now.
    value : float
        The metric, per instance, such as invocations a minute.
    target : float
        What it is to be.
    outward : bool
        Whether the alarm is the one for scaling out.
    """
    if outward and value > target:
        return max(math.ceil(current * value / target), current + 1)
    if not outward and value < LOW_SHARE * target:
        # AWS removes capacity more gradually than it adds it, by how much it does not say: here one by one.
        return max(current - 1, math.ceil(current * value / target))
    return current


def stepped(current: int, breach: float, configuration: Mapping[str, Any]) -> int:
    """The capacity of step scaling.

    Parameters
    ----------
    current : int
    breach : float
        By how much the metric is above the alarm's threshold; below zero when it is below.
    configuration : mapping
        StepScalingPolicyConfiguration.
    """
    step = _step(configuration["StepAdjustments"], breach)
    if step is None:
        return current
    adjustment = int(step["ScalingAdjustment"])
    kind = configuration["AdjustmentType"]
    if kind == "ExactCapacity":
        return adjustment
    if kind == "PercentChangeInCapacity":
        adjustment = _percent(current, adjustment, int(configuration.get("MinAdjustmentMagnitude") or 1))
    return current + adjustment


def _step(steps: Sequence[Mapping[str, Any]], breach: float) -> Mapping[str, Any] | None:
    """Bounds are inclusive below and exclusive above for a breach upwards, the other way round for one downwards."""
    for step in steps:
        low = step.get("MetricIntervalLowerBound", -math.inf)
        high = step.get("MetricIntervalUpperBound", math.inf)
        if (low <= breach < high) if breach >= 0 else (low < breach <= high):
            return step
    return None


def _percent(current: int, percent: int, least: int) -> int:
    """Rounded as AWS does: above 1 down, between 0 and 1 to 1, and the same below zero."""
    exact = current * percent / 100
    size = max(1, math.floor(abs(exact)), least)
    return int(math.copysign(size, exact))

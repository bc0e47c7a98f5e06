"""Which capacity a policy asks for. Pure functions.

Sources: "How target tracking scaling works" and "How step scaling works" in the Application Auto Scaling User Guide.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

# The alarm for scaling in is at 90 % of the target.
LOW_SHARE = 0.9


def tracked(current: int, value: float, target: float, *, outward: bool) -> int:
    """Return the capacity that target tracking asks for: scaling out in proportion, scaling in gradually.

    The metric is read after the alarm: it may have recovered or overshot by then. An alarm only scales in its own
    direction.

    Parameters
    ----------
    current : int
        The present number of instances.
    value : float
        The metric per instance, such as invocations per minute.
    target : float
        The value that it should have.
    outward : bool
        Whether the alarm is the one that scales out.
    """
    if outward and value > target:
        return max(math.ceil(current * value / target), current + 1)
    if not outward and value < LOW_SHARE * target:
        # AWS removes capacity more gradually than it adds it, but does not say how gradually: here one by one.
        return max(current - 1, math.ceil(current * value / target))
    return current


def stepped(current: int, breach: float, configuration: Mapping[str, Any]) -> int:
    """Return the capacity that step scaling asks for.

    Parameters
    ----------
    current : int
    breach : float
        How far the metric is above the alarm's threshold; negative if it is below.
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
    """Return the step for a breach: the bound nearer to the threshold is inclusive, the other one exclusive."""
    for step in steps:
        low = step.get("MetricIntervalLowerBound", -math.inf)
        high = step.get("MetricIntervalUpperBound", math.inf)
        if (low <= breach < high) if breach >= 0 else (low < breach <= high):
            return step
    return None


def _percent(current: int, percent: int, least: int) -> int:
    """Round as AWS does: values above 1 down, between 0 and 1 to 1, and likewise for negative values."""
    exact = current * percent / 100
    size = max(1, math.floor(abs(exact)), least)
    return int(math.copysign(size, exact))

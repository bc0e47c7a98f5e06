"""What DescribeTrialComponent says of one metric: a ``TrialComponentMetricSummary``, continued with each value."""

import math

from localaws.document import Document


def summary(metric_name: str, source_arn: str, value: float, seconds: float) -> Document:
    """Return the summary of a metric's first value."""
    return {
        "MetricName": metric_name,
        "SourceArn": source_arn,
        "TimeStamp": seconds,
        "Max": value,
        "Min": value,
        "Last": value,
        "Count": 1,
        "Avg": value,
        "StdDev": 0.0,
    }


def continued(before: Document, value: float, seconds: float) -> Document:
    """Return a metric's summary with one more value.

    ``Last`` is the value with the latest time, of two with the same time the one that came later. Mean and standard
    deviation are those of all values so far (B. P. Welford, Technometrics 4, 1962), without reading them again.
    """
    count = before["Count"] + 1
    distance = value - before["Avg"]
    kept, added = math.sqrt((count - 1) / count), math.sqrt(count - 1) / count
    found = before | {
        "Max": max(before["Max"], value),
        "Min": min(before["Min"], value),
        "Count": count,
        "Avg": before["Avg"] + distance / count,
        "StdDev": math.hypot(before["StdDev"] * kept, distance * added),
    }
    return found | {"Last": value, "TimeStamp": seconds} if seconds >= before["TimeStamp"] else found

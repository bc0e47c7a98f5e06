"""What is known of a metric in a stretch of time."""

from collections.abc import Iterable
from dataclasses import dataclass

from localaws.ministack.cloudwatch.data.distribution import Distribution, merged


@dataclass(frozen=True, slots=True)
class Aggregate:
    """The values of a second, a minute or a period.

    Attributes
    ----------
    count, sum, minimum, maximum : float
    values : mapping of float to float, or None
        How often each value was seen. None where it is not known: part of it came as a statistic set, or is negative.
    """

    count: float
    sum: float
    minimum: float
    maximum: float
    values: Distribution | None = None


def single(value: float, count: float) -> Aggregate:
    """Return a value that was seen some times."""
    return Aggregate(count, value * count, value, value, {value: count} if value >= 0 else None)


def together(parts: Iterable[Aggregate]) -> Aggregate:
    """Return what one or more aggregates are together."""
    all_parts = list(parts)
    if len(all_parts) == 1:
        return all_parts[0]
    distributions = [part.values for part in all_parts if part.values is not None]
    return Aggregate(
        sum(part.count for part in all_parts),
        sum(part.sum for part in all_parts),
        min(part.minimum for part in all_parts),
        max(part.maximum for part in all_parts),
        merged(distributions) if len(distributions) == len(all_parts) else None,
    )

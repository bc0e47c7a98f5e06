"""The table of what a service publishes to CloudWatch."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

Dimensions = tuple[tuple[str, str], ...]
"""Names and values, such as ``(("QueueName", "orders"),)``."""


@dataclass(frozen=True)
class Metric:
    """A metric.

    Attributes
    ----------
    unit : str
        CloudWatch's word for it.
    dimensions : tuple of tuple of str
        The names of the dimensions, in each of the combinations in which it is published.
    """

    unit: str
    dimensions: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, eq=False)
class Namespace:
    """The metrics of a service.

    Attributes
    ----------
    name : str
        Such as ``AWS/Lambda``.
    metrics : mapping of str to Metric
        By name.
    """

    name: str
    metrics: Mapping[str, Metric]

    def publishes(self, metric: str, dimensions: Iterable[str]) -> bool:
        """Return whether there is such a metric with dimensions of exactly these names."""
        found, names = self.metrics.get(metric), sorted(dimensions)
        return found is not None and any(sorted(known) == names for known in found.dimensions)

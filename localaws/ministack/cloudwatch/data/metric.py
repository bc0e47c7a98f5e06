"""A metric and its data, as the store takes them."""

from dataclasses import dataclass

from localaws.ministack.cloudwatch.data.aggregate import Aggregate

Dimensions = tuple[tuple[str, str], ...]
"""Names and values, in the order of the names."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose metrics, and where: accounts and regions do not see each other's.

    Attributes
    ----------
    account_id, region : str
    """

    account_id: str
    region: str


@dataclass(frozen=True, slots=True)
class Metric:
    """What identifies a metric.

    Attributes
    ----------
    scope : Scope
    namespace, name : str
    dimensions : tuple of (str, str)
        In the order of the names.
    """

    scope: Scope
    namespace: str
    name: str
    dimensions: Dimensions = ()


@dataclass(frozen=True, slots=True)
class Datum:
    """What was reported of a metric at a moment.

    Attributes
    ----------
    metric : Metric
    milliseconds : int
        Since the epoch.
    aggregate : Aggregate
    unit : str
    resolution : int
        1 or 60: what a period has to be a multiple of, in seconds.
    """

    metric: Metric
    milliseconds: int
    aggregate: Aggregate
    unit: str = "None"
    resolution: int = 60


@dataclass(frozen=True, slots=True)
class Window:
    """Some periods, one after the other.

    Attributes
    ----------
    start, end, period : int
        In milliseconds; the end is exclusive.
    """

    start: int
    end: int
    period: int


def sorted_dimensions(pairs: list[tuple[str, str]]) -> Dimensions:
    """Return dimensions in the order by which a metric is known."""
    return tuple(sorted(pairs))

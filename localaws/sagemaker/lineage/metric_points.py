"""The data points of the metrics of trial components: kept in the store, read as statistics of periods.

A component's points are deleted with it, in the same transaction, whoever deletes it.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from statistics import fmean

from localaws.storage.store import Store

_SCHEMA = """
CREATE TABLE IF NOT EXISTS metric_point (
    number    INTEGER PRIMARY KEY,
    component INTEGER NOT NULL,
    name      TEXT NOT NULL,
    step      INTEGER,
    time      REAL NOT NULL,
    value     REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS metric_point_in_order ON metric_point (component, name, time, number);
CREATE TRIGGER IF NOT EXISTS metric_points_go_with_their_component AFTER DELETE ON resource
    WHEN OLD.kind = 'experiment-trial-component'
    BEGIN DELETE FROM metric_point WHERE component = OLD.number; END;
"""
_SECONDS = {"OneMinute": 60, "FiveMinute": 300, "OneHour": 3600}


def _deviation(values: Sequence[float]) -> float:
    mean = fmean(values)
    return math.sqrt(fmean((value - mean) ** 2 for value in values))


_STATISTICS: Mapping[str, Callable[[Sequence[float]], float]] = {
    "Min": min,
    "Max": max,
    "Avg": fmean,
    "Count": len,
    "StdDev": _deviation,
    "Last": itemgetter(-1),
}


@dataclass(frozen=True)
class Point:
    """One value of a metric.

    Attributes
    ----------
    name : str
        The metric's.
    seconds : float
        Since the epoch.
    value : float
    step : int or None
        The iteration, if it was given.
    """

    name: str
    seconds: float
    value: float
    step: int | None = None


@dataclass(frozen=True)
class Span:
    """A part of a metric, from `start` on and before `end`, in seconds since the epoch.

    Attributes
    ----------
    name : str
    period : str
        ``IterationNumber``, or a time such as ``OneMinute``.
    start, end : float
    """

    name: str
    period: str
    start: float = -math.inf
    end: float = math.inf


class MetricPoints:
    """The points of all components in a store.

    Parameters
    ----------
    store : Store
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        store.define(_SCHEMA)

    def add(self, component: int, points: Iterable[Point]) -> None:
        """Store points of the component with this number."""
        rows = [(component, point.name, point.step, point.seconds, point.value) for point in points]
        with self._store.transaction() as connection:
            connection.executemany(
                "INSERT INTO metric_point (component, name, step, time, value) VALUES (?, ?, ?, ?, ?)", rows
            )

    def statistic(self, component: int, span: Span, name: str) -> list[tuple[int, float]]:
        """Return a statistic such as ``Avg`` of each period that has a point.

        Each value comes with its period: the iteration, or the second since the epoch at which the time begins.
        Points without an iteration are in no period of ``IterationNumber``.
        """
        seconds = _SECONDS.get(span.period)
        period = f"CAST(time / {seconds} AS INTEGER) * {seconds}" if seconds else "step"
        rows = self._store.rows(
            f"SELECT {period} AS period, value FROM metric_point"  # noqa: S608 - of this module's own words
            " WHERE component = ? AND name = ? AND time >= ? AND time < ? AND period IS NOT NULL"
            " ORDER BY period, time, number",
            component,
            span.name,
            span.start,
            span.end,
        )
        of = _STATISTICS[name]
        return [(begin, of([value for _, value in group])) for begin, group in groupby(rows, key=itemgetter(0))]

"""The aggregation functions of ``stats``: each takes the rows of a group, one by one."""

import math
from abc import ABC, abstractmethod
from array import array
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from localaws.services.logs.insights.expressions import Expression
from localaws.services.logs.insights.fields import Row, Value, number, text


class Aggregate(ABC):
    """What a function knows of a group.

    Parameters
    ----------
    arguments : sequence of expressions
    """

    def __init__(self, arguments: Sequence[Expression]) -> None:
        self._arguments = arguments

    @abstractmethod
    def add(self, row: Row) -> None:
        """Take a row."""

    @abstractmethod
    def result(self) -> Value:
        """Return the value for the rows that were taken."""


class _Count(Aggregate):
    def __init__(self, arguments: Sequence[Expression]) -> None:
        super().__init__(arguments)
        self._count = 0

    def add(self, row: Row) -> None:
        self._count += not self._arguments or self._arguments[0](row) is not None

    def result(self) -> Value:
        return float(self._count)


class _Distinct(Aggregate):
    def __init__(self, arguments: Sequence[Expression]) -> None:
        super().__init__(arguments)
        self._seen: set[int] = set()

    def add(self, row: Row) -> None:
        if (value := self._arguments[0](row)) is not None:
            self._seen.add(hash(text(value)))

    def result(self) -> Value:
        return float(len(self._seen))


class _Moments(Aggregate):
    def __init__(self, arguments: Sequence[Expression]) -> None:
        super().__init__(arguments)
        self._count, self._mean, self._squares = 0, 0.0, 0.0
        self._least, self._most, self._sum = math.inf, -math.inf, 0.0

    def add(self, row: Row) -> None:
        value = number(self._arguments[0](row))
        if value is None:
            return
        self._count += 1
        distance = value - self._mean
        self._mean += distance / self._count
        self._squares += distance * (value - self._mean)
        self._least, self._most, self._sum = min(self._least, value), max(self._most, value), self._sum + value


class _Sum(_Moments):
    def result(self) -> Value:
        return self._sum if self._count else None


class _Average(_Moments):
    def result(self) -> Value:
        return self._sum / self._count if self._count else None


class _Least(_Moments):
    def result(self) -> Value:
        return self._least if self._count else None


class _Most(_Moments):
    def result(self) -> Value:
        return self._most if self._count else None


class _Deviation(_Moments):
    def result(self) -> Value:
        return math.sqrt(self._squares / self._count) if self._count else None


class _Percentile(Aggregate):
    def __init__(self, arguments: Sequence[Expression]) -> None:
        super().__init__(arguments)
        self._values = array("d")
        self._share = number(arguments[1](Row({}))) if len(arguments) > 1 else 50.0

    def add(self, row: Row) -> None:
        if (value := number(self._arguments[0](row))) is not None:
            self._values.append(value)

    def result(self) -> Value:
        if not self._values or self._share is None:
            return None
        ordered = sorted(self._values)
        return ordered[max(0, math.ceil(self._share / 100 * len(ordered)) - 1)]


class _Chosen(Aggregate):
    """Keeps the value that stands first, or last; by its own order or by that of the events."""

    def __init__(self, arguments: Sequence[Expression], *, last: bool, by_time: bool) -> None:
        super().__init__(arguments)
        self._last, self._by_time = last, by_time
        self._key = ""
        self._value: Value = None

    def add(self, row: Row) -> None:
        value = self._arguments[0](row)
        if value is None:
            return
        key = text(row.get("@timestamp") if self._by_time else value)
        if self._value is None or (key > self._key if self._last else key < self._key):
            self._key, self._value = key, value

    def result(self) -> Value:
        return self._value


AGGREGATES: Mapping[str, tuple[Callable[[Sequence[Expression]], Aggregate], int, int]] = {
    "count": (_Count, 0, 1),
    "count_distinct": (_Distinct, 1, 1),
    "sum": (_Sum, 1, 1),
    "avg": (_Average, 1, 1),
    "min": (_Least, 1, 1),
    "max": (_Most, 1, 1),
    "stddev": (_Deviation, 1, 1),
    "pct": (_Percentile, 2, 2),
    "median": (_Percentile, 1, 1),
    "sortsfirst": (partial(_Chosen, last=False, by_time=False), 1, 1),
    "sortslast": (partial(_Chosen, last=True, by_time=False), 1, 1),
    "earliest": (partial(_Chosen, last=False, by_time=True), 1, 1),
    "latest": (partial(_Chosen, last=True, by_time=True), 1, 1),
}
"""By name; and how many arguments each takes."""

"""CloudWatch's statistics by name: the five basic ones, percentiles, trimmed and winsorized ones, percentile ranks.

Boundaries in percent cut by rank, so that ``tm90`` is the mean of the lower nine tenths; absolute ones exclude the
lower and include the upper.

Source: "CloudWatch statistics definitions" in the CloudWatch User Guide.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from localaws.ministack.cloudwatch.data.aggregate import Aggregate

BASIC = ("SampleCount", "Sum", "Average", "Minimum", "Maximum")
_NUMBER = r"(\d+(?:\.\d{1,10})?)"
_SHORT = re.compile(rf"(p|tm|wm|tc|ts){_NUMBER}", re.IGNORECASE)
_RANGE = re.compile(rf"(TM|WM|TC|TS|PR)\({_NUMBER}?(%?):{_NUMBER}?(%?)\)", re.IGNORECASE)
_MOST_PERCENT = 100


class UnknownStatistic(ValueError):
    """There is no such statistic; the text names it."""


@dataclass(frozen=True)
class Statistic:
    """A statistic.

    Attributes
    ----------
    name : str
        A basic statistic's, or ``P``, ``TM``, ``WM``, ``TC``, ``TS``, ``PR``.
    low, high : float or None
        The boundaries; None where there is none.
    percent : bool
        Whether the boundaries are percentages of the number of values.
    """

    name: str
    low: float | None = None
    high: float | None = None
    percent: bool = True

    @property
    def basic(self) -> bool:
        """Whether it needs no distribution."""
        return self.name in BASIC

    def of(self, aggregate: Aggregate) -> float | None:
        """Return the statistic of a period; None where CloudWatch has none."""
        if aggregate.count <= 0:
            return None
        if self.basic:
            return _basic(self.name, aggregate)
        if aggregate.values is None:
            return None
        return self._of_values(sorted(aggregate.values.items()), aggregate.count)

    def _of_values(self, ordered: Sequence[tuple[float, float]], count: float) -> float | None:
        match self.name:
            case "P":
                return _percentile(ordered, count, self.high or 0.0)
            case "PR":
                return 100 * sum(many for _, many in self._between(ordered)) / count
            case "WM":
                return self._winsorized(ordered, count)
        return self._trimmed(ordered, count)

    def _trimmed(self, ordered: Sequence[tuple[float, float]], count: float) -> float | None:
        kept = self._ranked(ordered, count) if self.percent else self._between(ordered)
        number, total = sum(many for _, many in kept), sum(value * many for value, many in kept)
        if self.name == "TC":
            return number
        if self.name == "TS":
            return total
        return total / number if number else None

    def _winsorized(self, ordered: Sequence[tuple[float, float]], count: float) -> float:
        low, high = self.low, self.high
        if self.percent:
            low = None if low is None else _percentile(ordered, count, low)
            high = None if high is None else _percentile(ordered, count, high)
        least, most = ordered[0][0] if low is None else low, ordered[-1][0] if high is None else high
        return sum(min(max(value, least), most) * many for value, many in ordered) / count

    def _between(self, ordered: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
        return [
            (value, count)
            for value, count in ordered
            if (self.low is None or value > self.low) and (self.high is None or value <= self.high)
        ]

    def _ranked(self, ordered: Sequence[tuple[float, float]], count: float) -> list[tuple[float, float]]:
        """Return the values whose ranks are between the boundaries; of one on a boundary, the part that is."""
        first, last = count * (self.low or 0) / 100, count * (100 if self.high is None else self.high) / 100
        kept, seen = [], 0.0
        for value, many in ordered:
            inside = min(seen + many, last) - max(seen, first)
            if inside > 0:
                kept.append((value, inside))
            seen += many
        return kept


@cache
def statistic(name: str) -> Statistic:
    """Return the statistic of a name, such as ``Average``, ``p99``, ``tm90``, ``TC(2:5)``, ``PR(:300)`` or ``IQM``.

    Raises
    ------
    UnknownStatistic
    """
    if name in BASIC:
        return Statistic(name)
    if name.upper() == "IQM":
        return Statistic("TM", 25, 75)
    if (short := _SHORT.fullmatch(name)) and float(short[2]) <= _MOST_PERCENT:
        return Statistic(short[1].upper(), None, float(short[2]))
    if found := _RANGE.fullmatch(name):
        return _of_range(name, *found.groups())
    raise UnknownStatistic(f"The value {name} is no statistic that CloudWatch knows")


def _of_range(name: str, kind: str, low: str | None, low_sign: str, high: str | None, high_sign: str) -> Statistic:
    signs = {sign for number, sign in ((low, low_sign), (high, high_sign)) if number is not None}
    bounds = [None if number is None else float(number) for number in (low, high)]
    percent = signs == {"%"}
    known = [bound for bound in bounds if bound is not None]
    if (
        len(signs) != 1
        or (low is None and low_sign)
        or (high is None and high_sign)
        or known != sorted(known)
        or (percent and (kind.upper() == "PR" or known[-1] > _MOST_PERCENT))
    ):
        raise UnknownStatistic(f"The value {name} is no statistic that CloudWatch knows: its boundaries are wrong")
    return Statistic(kind.upper(), bounds[0], bounds[1], percent)


def _basic(name: str, aggregate: Aggregate) -> float:
    return {
        "SampleCount": aggregate.count,
        "Sum": aggregate.sum,
        "Average": aggregate.sum / aggregate.count,
        "Minimum": aggregate.minimum,
        "Maximum": aggregate.maximum,
    }[name]


def _percentile(ordered: Sequence[tuple[float, float]], count: float, percent: float) -> float:
    """Return a percentile, between the two nearest ranks by their distance, as if each value were there so often."""
    rank = max(count - 1, 0.0) * percent / 100
    below, above = _at(ordered, int(rank)), _at(ordered, int(rank) + 1)
    return below + (rank - int(rank)) * (above - below)


def _at(ordered: Sequence[tuple[float, float]], rank: int) -> float:
    seen = 0.0
    for value, count in ordered:
        seen += count
        if rank < seen:
            return value
    return ordered[-1][0]

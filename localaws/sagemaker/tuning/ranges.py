"""The range of a hyperparameter, and its scale: every range is mapped to the unit interval.

A strategy chooses a number between 0 and 1 for each range (the position in its list for a categorical one); the range
converts it to the string that a training job gets, and back. The scale is the shape of that mapping.

Source: "Hyperparameter Tuning" in the SageMaker guide, "Choose the Best Hyperparameter Scale".
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from localaws.document import Document

_WIDE = 1_000.0
"""AWS does not say what Auto does: here a positive range this many times as high as low is searched logarithmically."""


@dataclass(frozen=True)
class Scale:
    """A monotonic function and its inverse."""

    forward: Callable[[float], float]
    back: Callable[[float], float]


SCALES = {
    "Linear": Scale(lambda value: value, lambda position: position),
    "Logarithmic": Scale(math.log, math.exp),
    "ReverseLogarithmic": Scale(lambda value: -math.log1p(-value), lambda position: -math.expm1(-position)),
}


def scale_of(name: str, low: float, high: float) -> Scale:
    """Return the scale of a range; ``Auto`` decides by its width."""
    if name == "Auto":
        name = "Logarithmic" if low > 0 and high / low >= _WIDE else "Linear"
    return SCALES[name]


@dataclass(frozen=True)
class Continuous:
    """A range of real numbers."""

    name: str
    low: float
    high: float
    scaling: str = "Auto"

    def at(self, position: float) -> str:
        """Return the value at a position between 0 and 1."""
        scale = scale_of(self.scaling, self.low, self.high)
        low, high = scale.forward(self.low), scale.forward(self.high)
        return repr(min(max(scale.back(low + position * (high - low)), self.low), self.high))

    def position(self, text: str) -> float | None:
        """Return the position of a value; None outside the range."""
        value = _number(text)
        if value is None or not self.low <= value <= self.high:
            return None
        scale = scale_of(self.scaling, self.low, self.high)
        low, high = scale.forward(self.low), scale.forward(self.high)
        return (scale.forward(value) - low) / (high - low)


@dataclass(frozen=True)
class Integer:
    """A range of integers, including both ends: each has its share of the unit interval."""

    name: str
    low: int
    high: int
    scaling: str = "Auto"

    @property
    def _edges(self) -> Continuous:
        # from the lower edge of the first share to the upper edge of the last
        return Continuous(self.name, self.low, self.high + 1, self.scaling)

    def at(self, position: float) -> str:
        """Return the value at a position between 0 and 1."""
        return str(min(max(math.floor(float(self._edges.at(position))), self.low), self.high))

    def position(self, text: str) -> float | None:
        """Return the middle of a value's share; None outside the range."""
        value = _number(text)
        if value is None or value != int(value) or not self.low <= value <= self.high:
            return None
        return self._edges.position(str(value + 0.5))


@dataclass(frozen=True)
class Categorical:
    """A list of strings."""

    name: str
    values: tuple[str, ...]

    def at(self, position: float) -> str:
        """Return the value at a position between 0 and 1."""
        return self.values[min(int(position * len(self.values)), len(self.values) - 1)]

    def position(self, text: str) -> float | None:
        """Return the middle of a value's share; None if it is not in the list."""
        return (self.values.index(text) + 0.5) / len(self.values) if text in self.values else None


Range = Continuous | Integer | Categorical
Values = Mapping[str, str]


@dataclass(frozen=True)
class Space:
    """All ranges of a training job definition."""

    ranges: Sequence[Range]

    @classmethod
    def of(cls, ranges: Document) -> "Space":
        """Parse a request's ``ParameterRanges``, which are valid."""
        found: list[Range] = []
        for row in ranges.get("IntegerParameterRanges") or []:
            low, high = int(row["MinValue"]), int(row["MaxValue"])
            found.append(Integer(row["Name"], low, high, row.get("ScalingType", "Auto")))
        for row in ranges.get("ContinuousParameterRanges") or []:
            low_end, high_end = float(row["MinValue"]), float(row["MaxValue"])
            found.append(Continuous(row["Name"], low_end, high_end, row.get("ScalingType", "Auto")))
        for row in ranges.get("CategoricalParameterRanges") or []:
            found.append(Categorical(row["Name"], tuple(row["Values"])))
        return cls(found)

    def at(self, positions: Sequence[float]) -> dict[str, str]:
        """Return the values at one position for each range."""
        return {each.name: each.at(position) for each, position in zip(self.ranges, positions, strict=True)}

    def positions(self, values: Values) -> list[float] | None:
        """Return the positions of values; None if one is missing or outside its range."""
        found = [each.position(values[each.name]) if each.name in values else None for each in self.ranges]
        inside = [position for position in found if position is not None]
        return inside if len(inside) == len(found) else None


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None

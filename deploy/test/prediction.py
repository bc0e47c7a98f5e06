"""An endpoint's answer to one record, and what it means."""

import math
from dataclasses import dataclass

# As it stands in an answer or in a file.
Cell = float | str


@dataclass(frozen=True)
class Prediction:
    """An endpoint's answer to one record.

    Attributes
    ----------
    cells : tuple of float or str
        As it was answered: a number, a label, or the probability of each class.
    outcome : float or str
        What that says: the number that is predicted, or the label.
    """

    cells: tuple[Cell, ...]
    outcome: Cell

    @property
    def is_finite(self) -> bool:
        """Whether every number in it is finite."""
        return all(isinstance(cell, str) or math.isfinite(cell) for cell in self.cells)

    def same_as(self, other: "Prediction") -> bool:
        """Return whether two answers differ by no more than rounding."""
        return len(self.cells) == len(other.cells) and all(map(_same, self.cells, other.cells))

    def __str__(self) -> str:
        return ", ".join(map(repr, self.cells))


def label(cell: Cell) -> str:
    """Return a label in one spelling: 1, 1.0, "1" and true are the same, and so are 0, 0.0, "0" and false.

    Raises
    ------
    ValueError
        When it is empty.
    """
    text = str(cell).strip()
    if not text:
        raise ValueError("it is empty")
    if text.lower() in ("true", "false"):
        return "1" if text.lower() == "true" else "0"
    value = number(text)
    if value is None:
        return text
    return str(int(value)) if value.is_integer() else repr(value)


def number(cell: Cell) -> float | None:
    """Read a number; return None when it is not one."""
    try:
        return float(cell)
    except ValueError:
        return None


def _same(one: Cell, other: Cell) -> bool:
    if isinstance(one, str) or isinstance(other, str):
        return one == other
    return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-9)

"""The objective of a tuning job, and the trials that are judged by it."""

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from localaws.sagemaker.tuning.ranges import Values

_NOTABLE = 0.01
"""An improvement of 1 % or less does not count (API reference, HyperParameterTuningJobCompletionDetails)."""


@dataclass(frozen=True)
class Objective:
    """The metric that is minimized or maximized."""

    metric_name: str
    minimize: bool

    @property
    def kind(self) -> str:
        """``Minimize`` or ``Maximize``."""
        return "Minimize" if self.minimize else "Maximize"

    def loss(self, value: float) -> float:
        """Return a number that is smaller for better values."""
        return value if self.minimize else -value

    def reached(self, value: float, target: float) -> bool:
        """Return whether a value is at least as good as a target."""
        return self.loss(value) <= self.loss(target)

    def improves(self, value: float, best: float) -> bool:
        """Return whether a value is notably better than the best so far."""
        return self.loss(best) - self.loss(value) > _NOTABLE * abs(best)


@dataclass(frozen=True)
class Trial:
    """One training job of a tuning job, as strategies and rules see it.

    Attributes
    ----------
    number : int
        The number of its suggestion in its definition, counted from 0.
    values : mapping of str to str
        The tuned hyperparameters.
    status : str
        ``TrainingJobStatus``.
    value : float or None
        The final value of the objective metric; None while it runs, and if it did not print one.
    curve : sequence of float
        All values of the objective metric, in the order in which they were printed.
    """

    number: int
    values: Values
    status: str = "InProgress"
    value: float | None = None
    curve: Sequence[float] = field(default_factory=tuple)

    @property
    def runs(self) -> bool:
        """Whether it has not ended."""
        return self.status in ("InProgress", "Stopping")


def running_mean(curve: Sequence[float], length: int) -> float:
    """Return the mean of a curve's first values."""
    return statistics.fmean(curve[:length])


def not_improving(objective: Objective, values: Iterable[float]) -> int:
    """Return the number of values since the last one that was notably better than all before it."""
    best: float | None = None
    since = 0
    for value in values:
        if best is None or objective.improves(value, best):
            best, since = value, 0
        else:
            since += 1
    return since

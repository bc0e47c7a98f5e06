"""Which running training jobs are stopped early. Pure functions over the values they have printed.

Each value of the objective metric in the log is an epoch: the unit of ``TrainingJobEarlyStoppingType`` and of
Hyperband's resource on AWS.

Sources: "Stop Training Jobs Early" and "How Hyperparameter Tuning Works" in the SageMaker guide; Li et al., "A System
for Massively Parallel Hyperparameter Tuning" (asynchronous successive halving), MLSys 2020.
"""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from localaws.sagemaker.tuning.objective import Objective, Trial, running_mean

MEDIAN_OF_AT_LEAST = 3
"""The minimum number of ended jobs for the median; AWS does not publish its number."""
ETA = 3
"""Of this many jobs at a rung, one continues."""


class StoppingRule(Protocol):
    """Decides about a running trial."""

    def stops(self, trial: Trial, others: Sequence[Trial]) -> bool:
        """Return whether to stop a trial, given all others of its definition."""


@dataclass(frozen=True)
class MedianRule:
    """The rule of ``TrainingJobEarlyStoppingType: Auto``.

    A job is stopped if its last value is worse than the median of the running means of the earlier jobs at the same
    epoch; a job that ended before that epoch counts with its last one.
    """

    objective: Objective

    def stops(self, trial: Trial, others: Sequence[Trial]) -> bool:
        """Compare a trial with those that have ended."""
        epochs = len(trial.curve)
        means = [
            self.objective.loss(running_mean(other.curve, epochs))
            for other in others
            if epochs and not other.runs and other.value is not None
        ]
        if len(means) < MEDIAN_OF_AT_LEAST:
            return False
        return self.objective.loss(trial.curve[-1]) > statistics.median(means)


@dataclass(frozen=True)
class Hyperband:
    """Successive halving in several brackets, without waiting for a rung to fill.

    A bracket's rungs are epochs: ``min * ETA**s``, times ETA from one to the next. A job that reaches a rung continues
    if it is in the best third of the bracket's jobs that have reached it so far. Brackets differ in their first rung,
    so that slow starters have a chance; jobs are assigned to them in turn.

    Attributes
    ----------
    min_resource, max_resource : int
        No job is stopped before the first of these epochs, and every job is at the second.
    """

    objective: Objective
    min_resource: int
    max_resource: int

    @property
    def n_brackets(self) -> int:
        """The number of brackets that fit between the two resources."""
        return int(math.log(self.max_resource / self.min_resource, ETA) + 1e-9) + 1

    def bracket(self, trial: Trial) -> int:
        """Return the bracket of a trial: 0 stops earliest."""
        return trial.number % self.n_brackets

    def rungs(self, bracket: int) -> list[int]:
        """Return the epochs at which a bracket's jobs are compared."""
        first = self.min_resource * ETA**bracket
        return [first * ETA**step for step in range(self.n_brackets - bracket) if first * ETA**step < self.max_resource]

    def stops(self, trial: Trial, others: Sequence[Trial]) -> bool:
        """Compare a trial with its bracket at every rung that it has passed."""
        epochs = len(trial.curve)
        if epochs >= self.max_resource:
            return True
        bracket = self.bracket(trial)
        rivals = [other for other in others if self.bracket(other) == bracket and other.number != trial.number]
        return any(self._falls(trial, rivals, rung) for rung in self.rungs(bracket) if rung <= epochs)

    def _falls(self, trial: Trial, rivals: Sequence[Trial], rung: int) -> bool:
        losses = [self._best(other, rung) for other in rivals if len(other.curve) >= rung]
        there = len(losses) + 1
        if there < ETA:
            return False
        better = sum(loss < self._best(trial, rung) for loss in losses)
        return better >= max(1, there // ETA)

    def _best(self, trial: Trial, rung: int) -> float:
        return min(self.objective.loss(value) for value in trial.curve[:rung])

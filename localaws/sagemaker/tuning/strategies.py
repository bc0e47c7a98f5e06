"""The four strategies: each chooses what to try next as a pure function of the trials so far, the seed and a number.

::

    Random       independent draws: number 7 of a seed is always the same
    Grid         every combination of categorical values, once, in order
    Bayesian     a tree-structured Parzen estimator (optuna) fitted to the results so far
    Hyperband    draws as Random does; its essence is which jobs are stopped (`stopping`)
"""

import hashlib
import itertools
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from localaws.sagemaker.tuning.bayesian import bayesian_positions
from localaws.sagemaker.tuning.objective import Objective, Trial
from localaws.sagemaker.tuning.ranges import Categorical, Space

N_RANDOM_FIRST = 3
"""A Bayesian search draws at random until it has this many results; the first jobs in parallel are all random."""


class Strategy(Protocol):
    """A way to choose hyperparameters."""

    def ask(self, number: int, trials: Sequence[Trial]) -> dict[str, str] | None:
        """Suggest values.

        Parameters
        ----------
        number : int
            The number of the suggestion, counted from 0.
        trials : sequence of Trial
            All trials so far, including running ones and those of warm start parents.

        Returns
        -------
        dict of str to str, or None
            None if there is nothing left to try.
        """


@dataclass(frozen=True)
class RandomSearch:
    """Independent draws from the scaled ranges."""

    space: Space
    seed: int

    def ask(self, number: int, trials: Sequence[Trial]) -> dict[str, str]:  # noqa: ARG002 - it learns nothing
        """Draw the values of a number."""
        draw = random.Random(derived_seed(self.seed, number))  # noqa: S311 - a search, not a secret
        return self.space.at([draw.random() for _ in self.space.ranges])


@dataclass(frozen=True)
class GridSearch:
    """Every combination of the categorical values."""

    space: Space

    def ask(self, number: int, trials: Sequence[Trial]) -> dict[str, str] | None:  # noqa: ARG002 - it learns nothing
        """Return the combination at a number; None after the last."""
        lists = [each.values for each in self.space.ranges if isinstance(each, Categorical)]
        names = [each.name for each in self.space.ranges]
        row = next(itertools.islice(itertools.product(*lists), number, None), None)
        return None if row is None else dict(zip(names, row, strict=True))


@dataclass(frozen=True)
class BayesianSearch:
    """Draws from where good results lie, as far as the results so far tell."""

    space: Space
    seed: int
    objective: Objective
    n_random: int = N_RANDOM_FIRST

    def ask(self, number: int, trials: Sequence[Trial]) -> dict[str, str]:
        """Suggest values; random ones until there are results to learn from."""
        known = [trial for trial in trials if trial.value is not None]
        if len(known) < self.n_random:
            return RandomSearch(self.space, self.seed).ask(number, trials)
        return self.space.at(bayesian_positions(self.space, self.objective, trials, derived_seed(self.seed, number)))


def derived_seed(seed: int, number: int) -> int:
    """Return a seed for one suggestion, unrelated to its neighbours'."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{number}".encode()).digest()[:4])

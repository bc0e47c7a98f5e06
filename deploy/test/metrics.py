"""Regression metrics of predictions, defined as the evaluation defines them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Sums:
    """What the metrics of some records are made of; the sums of parts of a set, added, are those of the set.

    Attributes
    ----------
    n_samples : int
    absolute, squares : float
        Of the errors.
    mean : float
        Of the targets.
    spread : float
        The sum of the targets' squared distances from their mean.

    References
    ----------
    Chan, Golub and LeVeque (1983), "Algorithms for computing the sample variance", The American Statistician 37(3).
    """

    n_samples: int
    absolute: float
    squares: float
    mean: float
    spread: float

    def __add__(self, other: "Sums") -> "Sums":
        n_samples = self.n_samples + other.n_samples
        if n_samples == 0:
            return self
        distance = other.mean - self.mean
        between = distance * distance * self.n_samples * other.n_samples / n_samples
        return Sums(
            n_samples,
            self.absolute + other.absolute,
            self.squares + other.squares,
            self.mean + distance * other.n_samples / n_samples,
            self.spread + other.spread + between,
        )

    def metrics(self) -> dict[str, float]:
        """Return mae, mse, rmse and r2; r2 is NaN when all targets are the same."""
        mse = self.squares / self.n_samples
        return {
            "mae": self.absolute / self.n_samples,
            "mse": mse,
            "rmse": math.sqrt(mse),
            "r2": 1 - self.squares / self.spread if self.spread else math.nan,
        }


NOTHING = Sums(0, 0.0, 0.0, 0.0, 0.0)


def sums(targets: Sequence[float], predictions: Sequence[float]) -> Sums:
    """Sum up records; return `NOTHING` for none."""
    if not targets:
        return NOTHING
    errors = [target - prediction for target, prediction in zip(targets, predictions, strict=True)]
    mean = math.fsum(targets) / len(targets)
    return Sums(
        n_samples=len(targets),
        absolute=math.fsum(map(abs, errors)),
        squares=math.fsum(error * error for error in errors),
        mean=mean,
        spread=math.fsum((target - mean) ** 2 for target in targets),
    )


def regression_metrics(targets: Sequence[float], predictions: Sequence[float]) -> dict[str, float]:
    """Return mae, mse, rmse and r2; r2 is NaN when all targets are the same."""
    return sums(targets, predictions).metrics()


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least `share` (0 to 1) of the values do not exceed."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]

"""Regression metrics of predictions, defined as the evaluation defines them."""

import math
from collections.abc import Sequence


def regression_metrics(targets: Sequence[float], predictions: Sequence[float]) -> dict[str, float]:
    """Give mae, mse, rmse and r2; r2 is NaN when all targets are the same."""
    n_samples = len(targets)
    errors = [target - prediction for target, prediction in zip(targets, predictions, strict=True)]
    mean = math.fsum(targets) / n_samples
    squares = math.fsum(error * error for error in errors)
    spread = math.fsum((target - mean) ** 2 for target in targets)
    mse = squares / n_samples
    return {
        "mae": math.fsum(map(abs, errors)) / n_samples,
        "mse": mse,
        "rmse": math.sqrt(mse),
        "r2": 1 - squares / spread if spread else math.nan,
    }


def percentile(values: Sequence[float], share: float) -> float:
    """Give the smallest value that at least `share` (0 to 1) of the values do not exceed."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]

"""What `evaluate` measures of a regression, as SageMaker Model Monitor does, and its picture.

Source: https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-model-quality-metrics.html
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

GROUP = "regression_metrics"
LABELS = False
PICTURE = "residuals.png"


def _mse(y: Any, predicted: Any) -> float:
    return float(np.mean((y - predicted) ** 2))


def _rmse(y: Any, predicted: Any) -> float:
    return math.sqrt(_mse(y, predicted))


def _r2(y: Any, predicted: Any) -> float:
    variance = float(np.var(y))
    return 1.0 - _mse(y, predicted) / variance if variance > 0.0 else math.nan


def _mae(y: Any, predicted: Any) -> float:
    return float(np.mean(np.abs(y - predicted)))


METRICS: Mapping[str, Callable[[Any, Any], float]] = {"mae": _mae, "mse": _mse, "rmse": _rmse, "r2": _r2}


def counts(_y: Any, _predicted: Any) -> dict[str, Any]:
    """Return nothing: a regression has no table beside its metrics."""
    return {}


def draw(axes: Any, table: Any, predicted: Any, values: Mapping[str, float]) -> None:
    """Draw residual against prediction; a good model leaves no pattern around the line at 0."""
    axes.axhline(0.0, color="0.5", linewidth=1)
    axes.scatter(predicted, table.y - predicted, s=24, alpha=0.7)
    axes.set_xlabel(f"predicted {table.target_column}")
    axes.set_ylabel("residual (actual minus predicted)")
    axes.set_title(
        f"Residuals on the test set: {len(predicted)} rows, R² {values['r2']:.4f}, RMSE {values['rmse']:.4g}"
    )

"""Evaluate the trained model on the test set: the processing job that decides whether it is registered.

Unpacks model.tar.gz, loads the model through the `code/inference.py` that will serve it, predicts `test.csv` and writes

    evaluation/evaluation.json    MSE, RMSE, R2, MAE in the shape of SageMaker's model quality statistics
    evaluation/residuals.png      predictions against residuals

evaluation.json is what the pipeline needs; where the image has no matplotlib the picture is left out, and the
log says so.
The reason of a failure goes to /opt/ml/output/message, from where SageMaker takes a processing job's ExitMessage.
"""

import argparse
import importlib
import json
import math
import sys
import tarfile
import tempfile
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Metrics = dict[str, dict[str, float | str]]

MESSAGE_FILE = Path("/opt/ml/output/message")

# SageMaker keeps 1,024 characters of an ExitMessage.
_MESSAGE_LENGTH = 1024
_SAMPLES = 5
_SAMPLED_SHARE = 0.8


@dataclass(frozen=True)
class TestSet:
    """Features, shape (n_samples, n_features), target, shape (n_samples,), and what they are called."""

    X: Array
    y: Array
    target_column: str


def read_test_set(path: Path, target_column: str) -> TestSet:
    """Read the CSV file that preprocess.py wrote."""
    with path.open(encoding="utf-8") as file:
        header = file.readline().rstrip("\n").split(",")
        if target_column not in header:
            raise ValueError(f"{path.name} has no column {target_column!r}; it has {', '.join(map(repr, header))}")
        lines = file.readlines()
    if not lines:
        raise ValueError(f"{path.name} has a header line but no row: nothing to evaluate on")
    rows = np.loadtxt(lines, delimiter=",", ndmin=2, comments=None)
    target = header.index(target_column)
    return TestSet(np.delete(rows, target, axis=1), rows[:, target], target_column)


def predict(model_dir: Path, X: Array) -> Array:
    """Predict with the packed model, through its own inference code.

    Parameters
    ----------
    model_dir : Path
        Holds model.tar.gz.
    X : ndarray of shape (n_samples, n_features)
    """
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(model_dir / "model.tar.gz") as archive:
            if hasattr(tarfile, "data_filter"):  # Pythons before 3.11.4 have none
                archive.extraction_filter = tarfile.data_filter
            archive.extractall(folder)  # noqa: S202 -- our own archive, filtered where Python can
        sys.path.insert(0, str(Path(folder, "code")))
        inference = importlib.import_module("inference")
        return np.asarray(inference.predict_fn(X, inference.model_fn(folder)), np.float64)


def regression_metrics(y: Array, predicted: Array) -> Metrics:
    """Give each metric's value and standard deviation.

    The standard deviation is found as SageMaker Model Monitor finds it: over five random samples of 80 % of the rows
    (here with a fixed seed, so that a report repeats). Model Monitor gives it from 200 rows on; with few rows it is no
    more than a hint. "NaN", Model Monitor's own word, where a sample has no R2.

    Source: https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-model-quality-metrics.html

    Raises
    ------
    ValueError
        When a metric is not a finite number: NaN in the predictions, or a target that is the same in all rows.
    """
    generator = np.random.default_rng(0)
    size = max(1, round(_SAMPLED_SHARE * len(y)))
    samples = [generator.choice(len(y), size, replace=False) for _ in range(_SAMPLES)]
    report: Metrics = {}
    for name, metric in _METRICS.items():
        value = metric(y, predicted)
        if not math.isfinite(value):
            raise ValueError(
                f"{name} is {value} on the {len(y)} row(s) of the test set: the predictions must be finite,"
                " and the target must not be the same in all rows"
            )
        deviation = float(np.std([metric(y[rows], predicted[rows]) for rows in samples]))
        report[name] = {
            "value": value,
            "standard_deviation": deviation if math.isfinite(deviation) else "NaN",
        }
    return report


def _mse(y: Array, predicted: Array) -> float:
    return float(np.mean((y - predicted) ** 2))


def _rmse(y: Array, predicted: Array) -> float:
    return math.sqrt(_mse(y, predicted))


def _r2(y: Array, predicted: Array) -> float:
    variance = float(np.var(y))
    return 1.0 - _mse(y, predicted) / variance if variance > 0.0 else math.nan


def _mae(y: Array, predicted: Array) -> float:
    return float(np.mean(np.abs(y - predicted)))


_METRICS: dict[str, Callable[[Array, Array], float]] = {"mae": _mae, "mse": _mse, "rmse": _rmse, "r2": _r2}


def plot_residuals(test_set: TestSet, predicted: Array, metrics: Metrics, path: Path) -> None:
    """Draw residual against prediction; a good model leaves no pattern around the line at 0."""
    # A figure without pyplot: no window system, no global state, and a tenth of a second less.
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=(7, 4.5), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.axhline(0.0, color="0.5", linewidth=1)
    axes.scatter(predicted, test_set.y - predicted, s=24, alpha=0.7)
    axes.set_xlabel(f"predicted {test_set.target_column}")
    axes.set_ylabel("residual (actual minus predicted)")
    r2, rmse = metrics["r2"]["value"], metrics["rmse"]["value"]
    axes.set_title(f"Residuals on the test set: {len(predicted)} rows, R² {r2:.4f}, RMSE {rmse:.4g}")
    figure.savefig(path)


def evaluate(options: argparse.Namespace) -> Metrics:
    """Write the report and the picture."""
    test_set = read_test_set(options.test_dir / "test.csv", options.target_column)
    predicted = predict(options.model_dir, test_set.X)
    metrics = regression_metrics(test_set.y, predicted)
    options.output_dir.mkdir(parents=True, exist_ok=True)
    report = json.dumps({"regression_metrics": metrics}, indent=2, allow_nan=False)
    (options.output_dir / "evaluation.json").write_text(report + "\n", encoding="utf-8")
    try:
        plot_residuals(test_set, predicted, metrics, options.output_dir / "residuals.png")
    except ModuleNotFoundError as error:
        print(f"no residuals.png: this image has no {error.name}")
    return metrics


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Evaluate the trained model on the test set.")
    parser.add_argument("--model-dir", type=Path, default=Path("/opt/ml/processing/input/model"))
    parser.add_argument("--test-dir", type=Path, default=Path("/opt/ml/processing/input/test"))
    parser.add_argument("--output-dir", type=Path, default=Path("/opt/ml/processing/evaluation"))
    parser.add_argument("--target-column", default="target", help="the column that is predicted (target)")
    parser.add_argument("--message-file", type=Path, default=MESSAGE_FILE, help="where the reason of a failure goes")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the job; give its exit code."""
    options = _parse(arguments)
    try:
        metrics = evaluate(options)
    except Exception as error:
        traceback.print_exc()
        if options.message_file.parent.is_dir():
            options.message_file.write_text(f"{type(error).__name__}: {error}"[:_MESSAGE_LENGTH], encoding="utf-8")
        return 1
    print("; ".join(f"test:{name}={metric['value']!r}" for name, metric in metrics.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Evaluate the trained model on the test set: the processing job that decides whether it is registered.

Unpacks model.tar.gz, loads the model through the `code/inference.py` that will serve it, predicts `test.csv` and writes

    evaluation/evaluation.json    the metrics in the shape of SageMaker's model quality statistics
    evaluation/*.png              a picture of them

Which metrics and which picture, the module that `--problem` names decides: `regression` or `multiclass`.
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
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import csv_tables
import job
import numpy as np

_SAMPLES = 5
_SAMPLED_SHARE = 0.8


def predict(model_dir: Path, X: Any) -> Any:
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
        return np.asarray(inference.predict_fn(X, inference.model_fn(folder)))


def measure(problem: ModuleType, y: Any, predicted: Any) -> dict[str, dict[str, Any]]:
    """Return each metric's value and standard deviation.

    The standard deviation is found as SageMaker Model Monitor finds it: over five random samples of 80 % of the rows
    (here with a fixed seed, so that a report repeats). Model Monitor gives it from 200 rows on; with few rows it is no
    more than a hint. "NaN", Model Monitor's own word, where a sample has no such metric.

    Source: https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-model-quality-metrics.html

    Raises
    ------
    ValueError
        When a metric is not a finite number: NaN in the predictions, or a target that is the same in all rows.
    """
    generator = np.random.default_rng(0)
    size = max(1, round(_SAMPLED_SHARE * len(y)))
    samples = [generator.choice(len(y), size, replace=False) for _ in range(_SAMPLES)]
    report: dict[str, dict[str, Any]] = {}
    for name, metric in problem.METRICS.items():
        value = float(metric(y, predicted))
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


def draw(problem: ModuleType, table: csv_tables.Table, predicted: Any, values: dict[str, float], path: Path) -> None:
    """Draw the problem's picture."""
    # A figure without pyplot: no window system, no global state, and a tenth of a second less.
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=(7, 4.5), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    problem.draw(figure.add_subplot(), table, predicted, values)
    figure.savefig(path)


def evaluate(options: argparse.Namespace) -> None:
    """Write the report and the picture."""
    problem = importlib.import_module(options.problem)
    table = csv_tables.read(options.test_dir, options.target_column, labels=problem.LABELS)
    predicted = predict(options.model_dir, table.X)
    metrics = measure(problem, table.y, predicted)
    options.output_dir.mkdir(parents=True, exist_ok=True)
    report = {problem.GROUP: {**metrics, **problem.counts(table.y, predicted)}}
    text = json.dumps(report, indent=2, allow_nan=False)
    (options.output_dir / "evaluation.json").write_text(text + "\n", encoding="utf-8")
    values = {name: metric["value"] for name, metric in metrics.items()}
    try:
        draw(problem, table, predicted, values, options.output_dir / problem.PICTURE)
    except ModuleNotFoundError as error:
        print(f"no {problem.PICTURE}: this image has no {error.name}")
    print("; ".join(f"test:{name}={value!r}" for name, value in values.items()))


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = job.processing_parser("Evaluate the trained model on the test set.")
    parser.add_argument("--model-dir", type=Path, default=Path("/opt/ml/processing/input/model"))
    parser.add_argument("--test-dir", type=Path, default=Path("/opt/ml/processing/input/test"))
    parser.add_argument("--output-dir", type=Path, default=Path("/opt/ml/processing/evaluation"))
    parser.add_argument("--target-column", default="target", help="the column that is predicted (target)")
    parser.add_argument("--problem", choices=["regression", "multiclass"], default="regression", help="(regression)")
    options: argparse.Namespace = parser.parse_args(arguments)
    return options


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the job, and exit with its code."""
    sys.exit(job.run(lambda: evaluate(_parse(arguments)), job.message_file(arguments)))


if __name__ == "__main__":
    main()

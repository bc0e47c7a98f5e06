"""Train the linear regression: the training job.

Reads the hyperparameters, those of `LinearRegression` and target_column, and every `*.csv` of the channel `train`
(a header line, numbers), prints the loss as it went down, and leaves in /opt/ml/model what SageMaker packs into
model.tar.gz (`model_file`).

The reason of a failure goes to /opt/ml/output/failure, from where SageMaker takes FailureReason.
"""

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import csv_tables
import hyperparameters
import job
import model_file
from hyperparameters import Kind
from linear_regression import LinearRegression

_HERE = Path(__file__).parent
_SERVED = [_HERE / name for name in ("inference.py", "linear_regression.py")]
_PARAMETERS = {
    "learning_rate": Kind(float, "a number above 0"),
    "max_iter": Kind(int, "an integer of 1 or more"),
    "tol": Kind(float, "a number of 0 or more"),
    "random_state": Kind(int, "an integer from 0 to 2**32 - 1"),
    "target_column": hyperparameters.TEXT,
}
_PROGRESS_LINES = 10


def progress(losses: Any, variance: float) -> Iterator[str]:
    """Say how far the descent was after each tenth of its updates, in words that a metric definition can match."""
    every = max(1, len(losses) // _PROGRESS_LINES)
    shown = list(range(every, len(losses) + 1, every))
    if len(losses) and shown[-1] != len(losses):
        shown[-1] = len(losses)
    for n_iter in shown:
        mse = float(losses[n_iter - 1])
        r2 = f"train:r2={1.0 - mse / variance!r}; " if variance > 0.0 else ""
        yield f"iteration={n_iter}; train:mse={mse!r}; {r2}"


def train(prefix: Path, options: Mapping[str, str]) -> None:
    """Run the job below `prefix`, SageMaker's /opt/ml, with hyperparameters from there and from the command line."""
    given = hyperparameters.read(prefix, options, _PARAMETERS)
    table = csv_tables.read(prefix / "input" / "data" / "train", given.pop("target_column", "target"))
    model = LinearRegression(**given)
    print(f"{model!r} on {len(table.y)} rows of {table.X.shape[1]} feature(s)")
    model.fit(table.X, table.y)
    for line in progress(model.losses_, float(table.y.var())):
        print(line)
    model_file.save(model, prefix / "model", _SERVED)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the job, and exit with its code."""
    prefix, options = hyperparameters.options("Train the linear regression.", list(_PARAMETERS), arguments)
    sys.exit(job.run(lambda: train(prefix, options), prefix / "output" / "failure"))


if __name__ == "__main__":
    main()

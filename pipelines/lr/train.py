"""Train the linear regression: the training job.

Reads the hyperparameters from /opt/ml/input/config/hyperparameters.json and every `*.csv` of the channel `train`
(a header line, numbers), prints the loss as it went down, and leaves in /opt/ml/model what SageMaker packs into
model.tar.gz:

    model.dill               the fitted LinearRegression
    code/inference.py        how it is served
    code/linear_regression.py, code/model_file.py, code/refusals.py
    code/dill.zip            reads model.dill where the image lacks dill: a job installs nothing

The model is put together aside and moved into place, model.dill last: a folder that holds it is complete.

Hyperparameters are strings, as SageMaker passes them: learning_rate, max_iter, tol, random_state (of
`LinearRegression`) and target_column. AWS's training toolkit, which tuning jobs use, repeats them as options. Those
which SageMaker's own tools add (`sagemaker_...`, `_tuning_...`) are left alone, any other is refused. The reason of a
failure goes to /opt/ml/output/failure, from where SageMaker takes FailureReason.
"""

import argparse
import json
import shutil
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import model_file
import numpy as np
from linear_regression import LinearRegression

PREFIX = Path("/opt/ml")

_PROGRESS_LINES = 10
# SageMaker keeps 1,024 characters of a failure.
_FAILURE_LENGTH = 1024
_NOT_OURS = ("sagemaker_", "_tuning_")
_PARAMETERS: dict[str, tuple[Callable[[str], Any], str]] = {
    "learning_rate": (float, "a number above 0"),
    "max_iter": (int, "an integer of 1 or more"),
    "tol": (float, "a number of 0 or more"),
    "random_state": (int, "an integer from 0 to 2**32 - 1"),
}


@dataclass(frozen=True)
class Hyperparameters:
    """What the job was asked for: the estimator's parameters, and which column is the target."""

    estimator: dict[str, Any] = field(default_factory=dict)
    target_column: str = "target"


@dataclass(frozen=True)
class Table:
    """Features, shape (n_samples, n_features), and target, shape (n_samples,)."""

    X: Any
    y: Any


def parse_hyperparameters(given: Mapping[str, str]) -> Hyperparameters:
    """Read the strings; ValueError names the key, the value and what was expected."""
    estimator = {}
    target_column = Hyperparameters.target_column
    for key, value in given.items():
        if key.startswith(_NOT_OURS):
            continue
        if key == "target_column":
            target_column = value
        elif key in _PARAMETERS:
            estimator[key] = _parse(key, value)
        else:
            known = ", ".join([*_PARAMETERS, "target_column"])
            raise ValueError(f"hyperparameter {key!r} (value {value!r}) is not known; known are {known}")
    return Hyperparameters(estimator, target_column)


def _parse(key: str, value: str) -> Any:
    parse, expected = _PARAMETERS[key]
    try:
        return parse(value)
    except (TypeError, ValueError):
        raise ValueError(f"hyperparameter {key!r} has the value {value!r}; expected {expected}") from None


def read_table(folder: Path, target_column: str) -> Table:
    """Read all CSV files of a folder, in name order, as one table."""
    paths = sorted(folder.glob("*.csv"))
    if not paths:
        raise ValueError(f"no *.csv file in {folder}: the channel 'train' needs one")
    header = _read_header(paths[0])
    if target_column not in header:
        raise ValueError(f"{paths[0].name} has no column {target_column!r}; it has {', '.join(map(repr, header))}")
    target = header.index(target_column)
    rows = np.concatenate([_read_numbers(path, header) for path in paths])
    return Table(np.ascontiguousarray(np.delete(rows, target, axis=1)), rows[:, target].copy())


def _read_header(path: Path) -> list[str]:
    with path.open(encoding="utf-8-sig") as file:
        return [name.strip() for name in file.readline().split(",")]


def _read_numbers(path: Path, header: list[str]) -> Any:
    if (own := _read_header(path)) != header:
        raise ValueError(f"{path.name} has the columns {own}, the files before it {header}")
    with path.open(encoding="utf-8-sig") as file:
        file.readline()
        lines = [line for line in file if line.strip()]
    if not lines:
        raise ValueError(f"{path.name} has no row")
    try:
        rows = np.loadtxt(lines, delimiter=",", ndmin=2, comments=None)
    except ValueError as error:
        raise ValueError(f"{path.name} holds something else than numbers: {error}") from error
    if rows.shape[1] != len(header):
        raise ValueError(f"{path.name} has {rows.shape[1]} numbers in a row, but {len(header)} columns")
    return rows


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


def save(model: LinearRegression, model_dir: Path) -> None:
    """Write the model and the code that serves it, completely or not at all."""
    model_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=model_dir, prefix=".partial-") as partial:
        code = Path(partial, "code")
        code.mkdir()
        for path in _served_files():
            shutil.copyfile(path, code / path.name)
        model_file.save(model, Path(partial, "model.dill"))
        (model_dir / "model.dill").unlink(missing_ok=True)
        shutil.rmtree(model_dir / "code", ignore_errors=True)
        code.replace(model_dir / "code")
        Path(partial, "model.dill").replace(model_dir / "model.dill")


def _served_files() -> list[Path]:
    """What inference.py needs; dill.zip is beside this file in a container, elsewhere dill is installed."""
    beside = Path(__file__).parent
    packed = beside / "dill.zip"
    needed = [beside / name for name in ("inference.py", "linear_regression.py", "model_file.py", "refusals.py")]
    return [*needed, packed] if packed.exists() else needed


def train(prefix: Path, options: Mapping[str, str]) -> None:
    """Run the job below `prefix`, SageMaker's /opt/ml, with hyperparameters from there and from the command line."""
    config = prefix / "input" / "config" / "hyperparameters.json"
    given = json.loads(config.read_text(encoding="utf-8")) if config.exists() else {}
    hyperparameters = parse_hyperparameters({**given, **options})
    table = read_table(prefix / "input" / "data" / "train", hyperparameters.target_column)
    model = LinearRegression(**hyperparameters.estimator)
    print(f"{model!r} on {len(table.y)} rows of {table.X.shape[1]} feature(s)")
    model.fit(table.X, table.y)
    for line in progress(model.losses_, float(table.y.var())):
        print(line)
    save(model, prefix / "model")


def main() -> int:
    """Run the job; give its exit code."""
    parser = argparse.ArgumentParser(description="Train the linear regression.")
    parser.add_argument("--prefix", type=Path, default=PREFIX, help="SageMaker's folder (/opt/ml)")
    # SageMaker starts its own images with the word `train`; it says nothing that is not known.
    parser.add_argument("command", nargs="?", choices=["train"], help=argparse.SUPPRESS)
    for name in (*_PARAMETERS, "target_column"):
        parser.add_argument(f"--{name}", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
    options = vars(parser.parse_args())
    prefix, _ = options.pop("prefix"), options.pop("command")
    try:
        train(prefix, options)
    except Exception as error:
        traceback.print_exc()
        failure = prefix / "output" / "failure"
        failure.parent.mkdir(parents=True, exist_ok=True)
        failure.write_text(f"{type(error).__name__}: {error}"[:_FAILURE_LENGTH], encoding="utf-8")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

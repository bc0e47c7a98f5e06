"""Train the iris classifier: the training job.

Reads the hyperparameters, those of scikit-learn's `LogisticRegression` and target_column, and every `*.csv` of the
channel `train` (a header line, numbers, and the species as a text), and leaves in /opt/ml/model what SageMaker packs
into model.tar.gz (`model_file`).

The reason of a failure goes to /opt/ml/output/failure, from where SageMaker takes FailureReason.
"""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import csv_tables
import hyperparameters
import job
import model_file
import numpy as np
from hyperparameters import Kind
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, log_loss
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

_SERVED = [Path(__file__).with_name("inference.py")]
_PARAMETERS = {
    "C": Kind(float, "a number above 0: the inverse of the regularisation's strength"),
    "max_iter": Kind(int, "an integer of 1 or more"),
    "target_column": hyperparameters.TEXT,
}


def train(prefix: Path, options: Mapping[str, str]) -> None:
    """Run the job below `prefix`, SageMaker's /opt/ml, with hyperparameters from there and from the command line."""
    given = hyperparameters.read(prefix, options, _PARAMETERS)
    table = csv_tables.read(prefix / "input" / "data" / "train", given.pop("target_column", "species"), labels=True)
    species, counts = np.unique(table.y, return_counts=True)
    print(f"{len(table.y)} rows: " + ", ".join(f"{n} {name}" for name, n in zip(species, counts, strict=True)))
    model = make_pipeline(StandardScaler(), LogisticRegression(**given))
    model.fit(table.X, table.y)
    accuracy = accuracy_score(table.y, model.predict(table.X))
    loss = log_loss(table.y, model.predict_proba(table.X), labels=model.classes_)
    print(f"train:accuracy={accuracy!r}; train:log_loss={loss!r};")
    model_file.save(model, prefix / "model", _SERVED)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the job, and exit with its code."""
    prefix, options = hyperparameters.options("Train the iris classifier.", list(_PARAMETERS), arguments)
    sys.exit(job.run(lambda: train(prefix, options), prefix / "output" / "failure"))


if __name__ == "__main__":
    main()

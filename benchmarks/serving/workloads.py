"""The workloads: two models of pipelines/lr, and for each a request with its correct answer.

- ``json``: the linear regression of BMI, ``{"x": [[0.3]]}``, which is 434.0765649977469;
- ``csv``: the linear regression of all ten features, 100 rows.
"""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.datasets import load_diabetes

from pipelines import code
from pipelines.lr.pipeline import ROAD

ANSWER = 434.0765649977469
N_ROWS = 100
_TEST_ROWS = 20


@dataclass(frozen=True)
class Workload:
    """A model and the rows that are sent to it.

    Attributes
    ----------
    name : str
        ``json`` or ``csv``: how the rows are sent to servers that read both.
    model_dir : Path
        The unpacked model.tar.gz.
    rows : ndarray of shape (n_samples, n_features)
    predictions : ndarray of shape (n_samples,)
        The correct answer.
    """

    name: str
    title: str
    model_dir: Path
    rows: np.ndarray
    predictions: np.ndarray


@dataclass(frozen=True)
class Request:
    """A POST request."""

    path: str
    body: bytes
    content_type: str
    accept: str


def prepare(folder: Path) -> list[Workload]:
    """Train both models below `folder`."""
    X, y = load_diabetes(return_X_y=True)
    bmi = train(folder / "bmi", X[:-_TEST_ROWS, [2]], y[:-_TEST_ROWS])
    full = train(folder / "full", X[:-_TEST_ROWS], y[:-_TEST_ROWS])
    rows = X[:N_ROWS]
    return [
        Workload("json", '`{"x": [[0.3]]}`, JSON', bmi, np.array([[0.3]]), np.array([ANSWER])),
        Workload("csv", f"{N_ROWS} rows of 10, CSV", full, rows, predict(full, rows)),
    ]


def train(folder: Path, X: np.ndarray, y: np.ndarray) -> Path:
    """Run the pipeline's training script on these rows; return the model's folder."""
    data = folder / "input" / "data" / "train"
    data.mkdir(parents=True)
    names = [f"x{number}" for number in range(X.shape[1])]
    lines = [",".join([*names, "target"]), *(",".join(map(repr, row)) for row in np.column_stack((X, y)).tolist())]
    (data / "train.csv").write_text("\n".join(lines))
    code.write(folder / "code", ROAD.training_code())
    command = [sys.executable, str(folder / "code" / "train.py"), "--prefix", str(folder)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return folder / "model"


def predict(model_dir: Path, rows: np.ndarray) -> np.ndarray:
    """Return the model's predictions without a server in between."""
    program = (
        "import sys, json; sys.path.insert(0, sys.argv[1] + '/code'); import inference;"
        "model = inference.model_fn(sys.argv[1]); print(json.dumps(model.predict(json.load(sys.stdin)).tolist()))"
    )
    command = [sys.executable, "-c", program, str(model_dir)]
    done = subprocess.run(command, input=json.dumps(rows.tolist()), capture_output=True, text=True, check=True)
    return np.array(json.loads(done.stdout))


def as_sagemaker(workload: Workload) -> Request:
    """Return the request as SageMaker sends it: JSON or CSV to /invocations."""
    if workload.name == "csv":
        body = "".join(",".join(map(repr, row)) + "\n" for row in workload.rows.tolist())
        return Request("/invocations", body.encode(), "text/csv", "text/csv")
    return as_json(workload)


def as_json(workload: Workload) -> Request:
    """Return the same rows as JSON, for a server that does not read CSV."""
    body = json.dumps({"x": workload.rows.tolist()}).encode()
    return Request("/invocations", body, "application/json", "application/json")


def as_tensor(workload: Workload) -> Request:
    """Return the same rows as a tensor of the Open Inference Protocol, version 2."""
    tensor = {"name": "x", "shape": workload.rows.shape, "datatype": "FP64", "data": workload.rows.ravel().tolist()}
    body = json.dumps({"inputs": [tensor]}).encode()
    return Request("/v2/models/lr/infer", body, "application/json", "application/json")


def is_right(workload: Workload, body: bytes) -> bool:
    """Return whether an answer, in the format of any server, contains the correct predictions."""
    predictions = _predictions(body)
    return predictions.shape == workload.predictions.shape and np.allclose(
        predictions, workload.predictions, rtol=1e-12, atol=0
    )


def _predictions(body: bytes) -> np.ndarray:
    text = body.decode()
    try:
        document = json.loads(text)
    except ValueError:
        return np.array([float(line) for line in text.split()])
    if isinstance(document, dict):
        document = document["outputs"][0]["data"] if "outputs" in document else document["predictions"]
    return np.ravel(document)

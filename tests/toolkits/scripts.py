"""The projects whose scripts are judged: how each becomes a model, by its own processing and training."""

import json
import math
import os
import re
import shutil
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sklearn.datasets import load_diabetes

from pipelines.lr.pipeline import ROAD
from tests.toolkits.places import JudgeError, Place

ROOT = Path(__file__).parents[2]
_PAGE = ROOT / "docs" / "your-model.md"
_PAGES_FILE = re.compile(r"^`mine/([\w]+\.py)`[^\n]*:\n\n```python\n(.*?)^```", re.DOTALL | re.MULTILINE)
_R2, _R2_TOLERANCE = 0.4723, 1e-4


@dataclass(frozen=True)
class Project:
    """A model's scripts.

    Attributes
    ----------
    name : str
    width : int
        How many numbers a record has.
    build : callable(place, folder) -> Path
        Runs its processing and training in a place, and returns the folder with the model, as SageMaker unpacks it.
    """

    name: str
    width: int
    build: Callable[[Place, Path], Path]


def registered_environment() -> dict[str, str]:
    """Return the variables that this project registers a model with: they reach the container on AWS."""
    os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")  # without one the SDK cannot be imported
    from pipelines import steps  # noqa: PLC0415

    step = steps.register_step(
        steps.JobSettings(None, "role", "image", "bucket", "prefix"),  # type: ignore[arg-type]
        "Register",
        model_data="s3://bucket/model.tar.gz",
        environment={"SAGEMAKER_PROGRAM": "inference.py", "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code"},
        model_package_group_name="group",
        approval_status="Approved",
        content_types=["text/csv"],
        evaluation=steps.Evaluation("s3://bucket/report.json", "s3://bucket/test", "target"),
    )
    [container] = step.arguments["InferenceSpecification"]["Containers"]
    environment: dict[str, str] = container["Environment"]
    return environment


def _build_sample(place: Place, folder: Path) -> Path:
    """Preprocess, train by `train`, evaluate."""
    preprocessing = folder / "preprocess"
    _write_code(preprocessing / "processing" / "input" / "code", ROAD.preprocessing_code())
    _write(preprocessing / "processing" / "input" / "data" / "diabetes.csv", _diabetes())
    place.run(preprocessing, ["python3", "/opt/ml/processing/input/code/preprocess.py"])
    split = preprocessing / "processing" / "output"

    training = folder / "train"
    _write_code(training / "code-channel", ROAD.training_code())
    parameters = {
        "learning_rate": "0.1",
        "max_iter": "15001",
        "target_column": "target",
        "sagemaker_program": "train.py",
        "sagemaker_submit_directory": "/opt/ml/sourcedir.tar.gz",
    }
    _pack(training / "code-channel", training / "sourcedir.tar.gz")
    _stage_training(training, parameters, split / "train" / "train.csv")
    place.run(training, place.train, TRAINING_JOB_NAME="judged")

    evaluation = folder / "evaluate"
    _write_code(
        evaluation / "processing" / "input" / "code",
        ROAD.evaluation_code(),
    )
    _pack(training / "model", evaluation / "processing" / "input" / "model" / "model.tar.gz")
    _copy(split / "test" / "test.csv", evaluation / "processing" / "input" / "test" / "test.csv")
    place.run(evaluation, ["python3", "/opt/ml/processing/input/code/evaluate.py"])
    _check_r2(place, evaluation / "processing" / "evaluation" / "evaluation.json", _R2)
    return training / "model"


def _build_page(place: Place, folder: Path) -> Path:
    """Run the page's only job."""
    job = folder / "build"
    given = job / "processing" / "input"
    files = {name: text.encode() for name, text in _PAGES_FILE.findall(_PAGE.read_text())}
    _write_code(given / "code", {name: files[name] for name in ("build.py", "inference.py")})
    _write(given / "data" / "diabetes.csv", _diabetes())
    output = job / "processing" / "output"
    for name in ("model", "test", "evaluation"):
        (output / name).mkdir(parents=True)
    place.run(job, ["python3", "/opt/ml/processing/input/code/build.py", "target"])
    _check_r2(place, output / "evaluation" / "evaluation.json", None)
    model = folder / "model"
    with tarfile.open(output / "model" / "model.tar.gz") as archive:
        archive.extractall(model, filter="data")
    return model


PROJECTS = (
    Project("pipelines/lr", 1, _build_sample),
    Project("docs/your-model.md", 10, _build_page),
)


def _diabetes() -> bytes:
    table: bytes = load_diabetes(as_frame=True).frame.to_csv(index=False).encode()
    return table


def _stage_training(folder: Path, parameters: dict[str, str], data: Path) -> None:
    resources = {
        "current_host": "algo-1",
        "current_instance_type": "ml.m5.large",
        "current_group_name": "homogeneousCluster",
        "hosts": ["algo-1"],
        "network_interface_name": "lo",
        "instance_groups": [
            {"instance_group_name": "homogeneousCluster", "instance_type": "ml.m5.large", "hosts": ["algo-1"]}
        ],
    }
    channels = {"train": {"TrainingInputMode": "File", "S3DistributionType": "FullyReplicated"}}
    for name, document in (
        ("hyperparameters", parameters),
        ("resourceconfig", resources),
        ("inputdataconfig", channels),
    ):
        _write(folder / "input" / "config" / f"{name}.json", json.dumps(document).encode())
    _copy(data, folder / "input" / "data" / "train" / "train.csv")
    for name in ("model", "output"):
        (folder / name).mkdir()


def _check_r2(place: Place, report: Path, expected: float | None) -> None:
    found: Any = json.loads(report.read_text())["regression_metrics"]["r2"]["value"]
    if not math.isfinite(found) or (expected and abs(found - expected) > _R2_TOLERANCE):
        raise JudgeError(f"{place.name}: R2 is {found}, not {expected or 'a number'}")


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _write_code(folder: Path, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        _write(folder / name, content)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def _pack(folder: Path, archive: Path) -> None:
    archive.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(archive, "w:gz") as tar:
        for path in sorted(folder.iterdir()):
            tar.add(path, path.name)

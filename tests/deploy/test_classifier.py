"""A classifier in the workflow: scikit-learn's wines, really served, through the staging test and the system test."""

import io
import json
import subprocess
import tarfile
from collections.abc import Iterator

import joblib
import numpy as np
import pytest
from sklearn import datasets, metrics, naive_bayes

from tests.deploy.conftest import IMAGE, Registry, Run

pytestmark = pytest.mark.timeout(200)

GROUP = "multiclass_classification_metrics"
CULTIVARS = np.array(["Barolo", "Grignolino", "Barbera"])
SCRIPT = b"""
import joblib

def model_fn(folder):
    return joblib.load(folder + "/model.joblib")

def predict_fn(rows, model):
    return model.predict(rows)
"""


def archive(model: naive_bayes.GaussianNB) -> bytes:
    """model.tar.gz."""
    stored, buffer = io.BytesIO(), io.BytesIO()
    joblib.dump(model, stored)
    with tarfile.open(fileobj=buffer, mode="w:gz") as packed:
        for name, content in {"model.joblib": stored.getvalue(), "code/inference.py": SCRIPT}.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            packed.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def succeeded(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture
def figures(registry: Registry, deploy_model: Run) -> Iterator[dict[str, float]]:
    """What scikit-learn says of a classifier on its test set; staging serves it."""
    data = datasets.load_wine()
    # Two features, so that it makes mistakes: what is always right proves little.
    X, y, test = data.data[:, [0, 2]], CULTIVARS[data.target], np.arange(len(data.target)) % 6 == 0
    model = naive_bayes.GaussianNB().fit(X[~test], y[~test])
    predicted = model.predict(X[test])
    measured = {
        "accuracy": metrics.accuracy_score(y[test], predicted),
        "weighted_f1": metrics.f1_score(y[test], predicted, average="weighted"),
    }
    rows = [f"{row[0]},{label},{row[1]}" for row, label in zip(X[test], y[test], strict=True)]
    report = {GROUP: {name: {"value": value} for name, value in measured.items()}}
    register(registry, archive(model), "\n".join(["alcohol,cultivar,ash", *rows]), report)
    succeeded(deploy_model("staging"))
    yield measured
    succeeded(deploy_model("delete", "all", "--yes"))


def register(registry: Registry, model: bytes, records: str, report: dict[str, object]) -> None:
    bodies = {"model.tar.gz": model, "test/test.csv": records.encode(), "evaluation.json": json.dumps(report).encode()}
    for key, body in bodies.items():
        registry.local_aws.client("s3").put_object(Bucket=registry.bucket, Key=key, Body=body)
    place = f"s3://{registry.bucket}"
    statistics = {"ContentType": "application/json", "S3Uri": f"{place}/evaluation.json"}
    made = registry.local_aws.client("sagemaker").create_model_package(
        ModelPackageGroupName=registry.group,
        ModelApprovalStatus="PendingManualApproval",
        InferenceSpecification={
            "Containers": [{"Image": IMAGE, "ModelDataUrl": f"{place}/model.tar.gz"}],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
        },
        ModelMetrics={"ModelQuality": {"Statistics": statistics}},
        CustomerMetadataProperties={"TestDataUrl": f"{place}/test/", "TargetColumn": "cultivar"},
    )
    registry.approve(made["ModelPackageArn"])


def test_a_classifier_passes_both_tests_of_staging(figures: dict[str, float], deploy_model: Run):
    accuracy, f1 = figures["accuracy"], figures["weighted_f1"]
    assert 0.5 < accuracy < 0.95
    tested = succeeded(deploy_model("test", "--calls", "5"))
    assert f"Metrics        passed  accuracy {accuracy:.6g}, weighted_f1 {f1:.6g}\n" in tested
    passed = succeeded(deploy_model("system-test", "--calls", "5", "--thresholds", "weighted_recall=0.5"))
    assert f"accuracy {accuracy:.6g} is at least {0.99 * accuracy:.6g}" in passed
    assert f"weighted_f1 {f1:.6g} is at least {0.99 * f1:.6g}" in passed
    assert f"weighted_recall {accuracy:.6g} is at least 0.5" in passed

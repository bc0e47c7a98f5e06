"""SageMaker's XGBoost as a built-in algorithm: training jobs that name no script."""

import io
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xgboost
from botocore.exceptions import ClientError

from tests.localaws.sagemaker.conftest import Bench, channel, unique

IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.0-5"


def rows(n_rows: int, seed: int, *, first: str = "") -> str:
    """CSV whose label is the sum of its features, with noise."""
    generator = np.random.default_rng(seed)
    features = generator.normal(size=(n_rows, 4))
    labels = features @ [1, 2, 3, 4] + generator.normal(scale=0.1, size=n_rows)
    lines = [",".join(f"{value:.5f}" for value in row) for row in np.column_stack([labels, features])]
    return "\n".join([*([first] if first else []), *lines, ""])


def xgboost_training(bench: Bench, hyperparameters: dict[str, str], **members: Any) -> dict[str, Any]:
    """A request for a training job of the algorithm, on CSV."""
    place = unique("xgboost")
    train = bench.put(f"{place}/train/rows.csv", rows(200, 1))
    validation = bench.put(f"{place}/validation/rows.csv", rows(100, 2))
    channels = [
        channel(name, uri) | {"ContentType": "text/csv"} for name, uri in (("train", train), ("validation", validation))
    ]
    request = bench.training("pass") | {
        "AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "File"},
        "HyperParameters": hyperparameters,
        "InputDataConfig": channels,
    }
    return request | members


def models(bench: Bench, job: dict[str, Any]) -> dict[str, bytes]:
    """The files of a job's model.tar.gz."""
    packed = bench.read(job["ModelArtifacts"]["S3ModelArtifacts"])
    with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
        return {member.name: content.read() for member in tar if (content := tar.extractfile(member))}


def test_a_job_without_a_script_trains_and_tells_its_metrics(bench: Bench, tmp_path: Path) -> None:
    job = bench.run_training(xgboost_training(bench, {"num_round": "3", "eval_metric": "rmse,r2"}))
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    lines = [line for line in bench.log("training", job["TrainingJobName"]) if line.startswith("[")]
    assert [line.partition("#011")[0] for line in lines] == ["[0]", "[1]", "[2]"]
    final = {metric["MetricName"]: metric["Value"] for metric in job["FinalMetricDataList"]}
    assert sorted(final) == ["train:r2", "train:rmse", "validation:r2", "validation:rmse"]
    assert f"#011validation-rmse:{final['validation:rmse']:.5f}" in lines[-1]
    assert {"validation:auc", "train:rmse"} <= {
        row["Name"] for row in job["AlgorithmSpecification"]["MetricDefinitions"]
    }

    ((name, content),) = models(bench, job).items()
    assert name == "xgboost-model"
    (tmp_path / name).write_bytes(content)
    booster = xgboost.Booster(model_file=tmp_path / name)
    values = np.array([[float(value) for value in line.split(",")] for line in rows(100, 2).split()])
    error = booster.predict(xgboost.DMatrix(values[:, 1:])) - values[:, 0]
    assert np.sqrt((error**2).mean()) == pytest.approx(final["validation:rmse"], abs=1e-4)


def test_what_the_user_has_to_change_is_a_client_error_with_name_value_and_range(bench: Bench) -> None:
    job = bench.run_training(xgboost_training(bench, {"num_round": "3", "eta": "2"}))
    assert job["TrainingJobStatus"] == "Failed"
    assert job["FailureReason"] == "ClientError: Hyperparameter eta: 2 is not in [0, 1], exit code: 2"


def test_its_metrics_are_not_overridden(bench: Bench) -> None:
    request = xgboost_training(bench, {"num_round": "3"})
    request["AlgorithmSpecification"]["MetricDefinitions"] = [{"Name": "mine", "Regex": "mine=(.*)"}]
    with pytest.raises(ClientError, match="You can't override the metric definitions for Amazon SageMaker algorithms"):
        bench.sagemaker.create_training_job(**request)

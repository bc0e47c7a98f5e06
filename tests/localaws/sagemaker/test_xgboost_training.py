"""SageMaker's XGBoost as a built-in algorithm: training jobs that name no script."""

import io
import tarfile
import time
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


def test_a_job_without_a_script_trains_and_tells_its_metrics(bench: Bench) -> None:
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
    booster = xgboost.Booster(model_file=bytearray(content))
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


def spot(bench: Bench, hyperparameters: dict[str, str], after: str | None = None) -> dict[str, Any]:
    """A request with checkpoints, which may be interrupted."""
    return xgboost_training(
        bench,
        hyperparameters,
        EnableManagedSpotTraining=True,
        CheckpointConfig={"S3Uri": f"s3://{bench.bucket}/{unique('checkpoints')}"},
        StoppingCondition={"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 60},
        Environment={"LOCALAWS_SPOT_INTERRUPT_AFTER_SECONDS": after} if after else {},
    )


def test_what_was_trained_is_not_trained_again(bench: Bench) -> None:
    request = spot(bench, {"num_round": "7", "eta": "0.1"})
    assert bench.run_training(request)["TrainingJobStatus"] == "Completed"
    prefix = request["CheckpointConfig"]["S3Uri"].removeprefix(f"s3://{bench.bucket}/")
    assert {key.rpartition("/")[2] for key in bench.keys(prefix)} >= {f"xgboost-checkpoint.{each}" for each in (5, 6)}

    again = request | {"TrainingJobName": unique("again"), "HyperParameters": {"num_round": "9", "eta": "0.1"}}
    job = bench.run_training(again)
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    log = bench.log("training", again["TrainingJobName"])
    assert "Resuming from iteration 7" in log
    assert [line.partition("#011")[0] for line in log if line.startswith("[")] == ["[7]", "[8]"]


def test_an_interruption_and_a_stop_keep_what_was_reached(bench: Bench) -> None:
    """It would train for ever: gamma keeps the trees, and so the checkpoints, small."""
    endless = {"num_round": "1000000", "gamma": "1e9", "save_model_on_termination": "true"}
    request = spot(bench, endless, after="8")
    name = request["TrainingJobName"]
    bench.sagemaker.create_training_job(**request)
    deadline = time.monotonic() + 50
    while not any(line.startswith("Resuming from iteration") for line in bench.log("training", name)):
        assert time.monotonic() < deadline, bench.log("training", name)[-5:]
        time.sleep(0.2)
    bench.sagemaker.stop_training_job(TrainingJobName=name)
    job = bench.wait("training", name)
    assert job["TrainingJobStatus"] == "Stopped", job.get("FailureReason")
    assert list(models(bench, job)) == ["xgboost-model"]
    assert [each["Status"] for each in job["SecondaryStatusTransitions"]].count("Interrupted") == 1


def several(bench: Bench, train: list[str], validation: list[str]) -> dict[str, Any]:
    """A request for two instances, which share the files."""
    request = xgboost_training(bench, {"num_round": "3", "eval_metric": "rmse,mse", "early_stopping_rounds": "2"})
    request["ResourceConfig"]["InstanceCount"] = 2
    for described, files in zip(request["InputDataConfig"], (train, validation), strict=True):
        source = described["DataSource"]["S3DataSource"]
        source |= {"S3Uri": f"s3://{bench.bucket}/{unique('shards')}/", "S3DataDistributionType": "ShardedByS3Key"}
        described["DataSource"] = {"S3DataSource": source}
        for number, content in enumerate(files):
            bench.put(f"{source['S3Uri'].removeprefix(f's3://{bench.bucket}/')}{number}.csv", content)
    return request


def test_two_instances_train_one_model_on_the_data_of_both(bench: Bench) -> None:
    request = several(bench, [rows(200, 1), rows(300, 3)], [rows(100, 2), rows(50, 4)])
    job = bench.run_training(request)
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    log = bench.log("training", job["TrainingJobName"])
    assert {"train matrix has 200 rows and 4 columns", "train matrix has 300 rows and 4 columns"} <= set(log)
    assert len([line for line in log if line.startswith("[0]")]) == 1, "the master writes the log"
    final = {row["MetricName"]: row["Value"] for row in job["FinalMetricDataList"]}
    (content,) = models(bench, job).values()
    booster = xgboost.Booster(model_file=bytearray(content))
    values = np.array([[float(each) for each in line.split(",")] for line in (rows(200, 1) + rows(300, 3)).split()])
    mse = ((booster.predict(xgboost.DMatrix(values[:, 1:])) - values[:, 0]) ** 2).mean()
    assert (final["train:mse"], final["train:rmse"] ** 2) == pytest.approx((mse, mse), rel=1e-3)


def test_an_instance_without_data_is_left_out_and_one_with_a_bad_line_is_the_reason(bench: Bench) -> None:
    alone = bench.run_training(several(bench, [rows(200, 1)], [rows(100, 2)]))
    assert alone["TrainingJobStatus"] == "Completed", alone.get("FailureReason")
    log = bench.log("training", alone["TrainingJobName"])
    assert "WARNING: algo-2 has no data: it is not used in the training, on algo-1" in log

    bad = bench.run_training(several(bench, [rows(200, 1), "1,2,3,4,5\n1,2,x,4,5\n"], [rows(100, 2), rows(50, 4)]))
    assert bad["TrainingJobStatus"] == "Failed"
    assert bad["FailureReason"].startswith("ClientError: 1.csv, line 2: 'x' is not a number")


def test_a_tuning_job_needs_no_metric_definitions(bench: Bench) -> None:
    request = xgboost_training(bench, {})
    definition = {
        "StaticHyperParameters": {"num_round": "4", "eval_metric": "mae"},
        **{
            name: request[name]
            for name in (
                "AlgorithmSpecification",
                "RoleArn",
                "InputDataConfig",
                "OutputDataConfig",
                "ResourceConfig",
                "StoppingCondition",
            )
        },
    }
    config = {
        "Strategy": "Random",
        "RandomSeed": 1,
        "HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "validation:mse"},
        "ResourceLimits": {"MaxNumberOfTrainingJobs": 2, "MaxParallelTrainingJobs": 2},
        "ParameterRanges": {"ContinuousParameterRanges": [{"Name": "eta", "MinValue": "0.1", "MaxValue": "0.5"}]},
    }
    name = unique("tuning")[:32]
    wrong = config | {"HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "validation:loss"}}
    with pytest.raises(ClientError, match="validation:loss"):
        bench.sagemaker.create_hyper_parameter_tuning_job(
            HyperParameterTuningJobName=name, HyperParameterTuningJobConfig=wrong, TrainingJobDefinition=definition
        )
    bench.sagemaker.create_hyper_parameter_tuning_job(
        HyperParameterTuningJobName=name, HyperParameterTuningJobConfig=config, TrainingJobDefinition=definition
    )
    deadline = time.monotonic() + 60
    while True:
        tuning = bench.sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
        if tuning["HyperParameterTuningJobStatus"] not in ("InProgress", "Stopping"):
            break
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert tuning["HyperParameterTuningJobStatus"] == "Completed", tuning.get("FailureReason")
    best = tuning["BestTrainingJob"]
    assert best["FinalHyperParameterTuningJobObjectiveMetric"]["MetricName"] == "validation:mse"
    job = bench.sagemaker.describe_training_job(TrainingJobName=best["TrainingJobName"])
    assert job["HyperParameters"]["_tuning_objective_metric"] == "validation:mse"
    names = sorted(row["MetricName"] for row in job["FinalMetricDataList"])
    assert names == ["train:mae", "train:mse", "validation:mae", "validation:mse"]

"""Tuning jobs run for real, with boto3."""

import time

import pytest

from tests.localaws.sagemaker.conftest import Bench
from tests.localaws.sagemaker.tuning.conftest import (
    objective,
    run,
    training_jobs,
    tuning,
    values,
)


def test_a_quadratic_is_tuned(bench: Bench) -> None:
    request = tuning(bench) | {"Tags": [{"Key": "team", "Value": "a"}]}
    name = request["HyperParameterTuningJobName"]
    begin = time.monotonic()
    job = run(bench, request)
    assert time.monotonic() - begin < 10
    assert job["HyperParameterTuningJobStatus"] == "Completed"
    assert job["TrainingJobStatusCounters"] == {
        "Completed": 6,
        "InProgress": 0,
        "RetryableError": 0,
        "NonRetryableError": 0,
        "Stopped": 0,
    }
    assert job["ObjectiveStatusCounters"] == {"Succeeded": 6, "Pending": 0, "Failed": 0}
    rows = training_jobs(bench, name, SortBy="FinalObjectiveMetricValue", PaginationConfig={"PageSize": 4})
    found = [objective(row) for row in rows]
    assert found == sorted(found)
    assert len(set(values(rows))) == 6
    for row in rows:
        assert objective(row) == pytest.approx((float(row["TunedHyperParameters"]["x"]) - 1) ** 2)
    assert job["BestTrainingJob"]["TrainingJobName"] == rows[0]["TrainingJobName"]
    assert job["ConsumedResources"]["RuntimeInSeconds"] < 10
    training = bench.sagemaker.describe_training_job(TrainingJobName=rows[0]["TrainingJobName"])
    assert training["TuningJobArn"] == job["HyperParameterTuningJobArn"]
    assert training["HyperParameters"]["x"] == rows[0]["TunedHyperParameters"]["x"]
    assert training["HyperParameters"]["_tuning_objective_metric"] == "loss"
    tags = bench.sagemaker.list_tags(ResourceArn=training["TrainingJobArn"])["Tags"]
    assert tags == [{"Key": "team", "Value": "a"}]
    (listed,) = bench.sagemaker.list_hyper_parameter_tuning_jobs(NameContains=name)["HyperParameterTuningJobSummaries"]
    assert (listed["Strategy"], listed["ResourceLimits"]["MaxNumberOfTrainingJobs"]) == ("Random", 6)
    assert [row["TrainingJobStatus"] for row in training_jobs(bench, name, StatusEquals="Completed")] == [
        "Completed"
    ] * 6
    assert training_jobs(bench, name, StatusEquals="Failed") == []


def test_a_seed_reproduces_a_tuning_job(bench: Bench) -> None:
    seen = []
    for seed in (1, 1, 2):
        request = tuning(bench, jobs=3, RandomSeed=seed)
        run(bench, request)
        seen.append(sorted(values(training_jobs(bench, request["HyperParameterTuningJobName"]))))
    assert seen[0] == seen[1] != seen[2]

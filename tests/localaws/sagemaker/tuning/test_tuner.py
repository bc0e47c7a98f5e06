"""The tuner's turns with a clock and an API handed in: what would take minutes with real jobs."""

import time
from pathlib import Path
from typing import Any

import pytest

from localaws.account.clients import Aws
from localaws.sagemaker.errors import ValidationError
from localaws.sagemaker.parts import Parts
from localaws.sagemaker.tuning import records
from localaws.sagemaker.tuning.tuner import Tuner
from localaws.service.context import Context
from localaws.storage.store import Resource

Document = dict[str, Any]


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        """The time."""
        return self.now


@pytest.fixture
def parts(tmp_path: Path) -> Parts:
    """A store, and services that nothing answers for."""
    aws = Aws(endpoint_url="http://127.0.0.1:9", region="us-east-1", account_id="000000000000")
    return Parts.made_of(Context.of(tmp_path / "store.sqlite", aws, tmp_path))


def add_tuning_job(parts: Parts, clock: Clock, **limits: int) -> Resource:
    """Store a tuning job."""
    config = {
        "Strategy": "Random",
        "HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "loss"},
        "ResourceLimits": {"MaxNumberOfTrainingJobs": 9, "MaxParallelTrainingJobs": 2, **limits},
        "ParameterRanges": {"IntegerParameterRanges": [{"Name": "x", "MinValue": "1", "MaxValue": "9"}]},
    }
    request = {
        "HyperParameterTuningJobConfig": config,
        "TrainingJobDefinition": {"AlgorithmSpecification": {"MetricDefinitions": []}},
    }
    arn = parts.aws.arn(records.KIND, "tune")
    document = {"HyperParameterTuningJobName": "tune", "HyperParameterTuningJobStatus": "InProgress"}
    internal = {"request": request, "seed": 1, "parents": []}
    resource = Resource(records.KIND, "tune", arn, document, internal, status="InProgress", created=clock.now)
    assert parts.store.add(resource)
    return resource


def wait_for(parts: Parts, arn: str, status: str) -> Document:
    """Wait for a tuning job's status."""
    deadline = time.monotonic() + 60
    while (found := parts.store.by_arn(arn)) is None or found.status != status:
        assert time.monotonic() < deadline, found
        time.sleep(0.01)
    return found.document


def test_the_time_limit_stops_what_runs(parts: Parts) -> None:
    clock, started = Clock(), []

    def call(operation: str, request: Document) -> Document:
        arn = parts.aws.arn("training-job", request["TrainingJobName"])
        if operation == "CreateTrainingJob":
            started.append(request["TrainingJobName"])
            document = {"TrainingJobStatus": "InProgress", "CreationTime": clock()}
            parts.store.add(Resource("training-job", request["TrainingJobName"], arn, document))
        else:
            parts.store.change(arn, lambda document, _: document.update(TrainingJobStatus="Stopped"))
        return {}

    resource = add_tuning_job(parts, clock, MaxRuntimeInSeconds=120)
    tuner = Tuner(parts, call, clock)
    tuner.start(resource)
    while len(started) < 2:
        time.sleep(0.01)
    clock.now += 121
    document = wait_for(parts, resource.arn, "Stopped")
    assert document["FailureReason"] == "The tuning job exceeded MaxRuntimeInSeconds 120"
    assert document["TrainingJobStatusCounters"]["Stopped"] == 2
    assert len(started) == 2
    assert document["ConsumedResources"] == {"RuntimeInSeconds": 121}


def test_training_jobs_that_are_refused_count_as_failed(parts: Parts) -> None:
    def call(operation: str, request: Document) -> Document:
        raise ValidationError("no such bucket")

    resource = add_tuning_job(parts, Clock())
    Tuner(parts, call).start(resource)
    document = wait_for(parts, resource.arn, "Failed")
    assert document["FailureReason"].startswith("No training job succeeded after 5 attempts")
    reasons = [record.document["FailureReason"] for record in records.load(parts.store, resource.arn)]
    assert reasons == ["ValidationException: no such bucket"] * 5

"""An execution read, followed and shown: against the real API, with a definition that needs no job."""

import io
import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.stub import Stubber
from rich.console import Console

from model_road import quality
from model_road.live import View
from pipelines import execution_view, outcome
from pipelines.execution import FailedAttempt, Snapshot, StepState, follow, last_log_lines, snapshot

if TYPE_CHECKING:
    from tests.conftest import LocalAws

START = datetime(2026, 1, 1, tzinfo=UTC)
DEFINITION: dict[str, Any] = {
    "Version": "2020-12-01",
    "Parameters": [{"Name": "N", "Type": "Integer", "DefaultValue": 1}],
    "Steps": [
        {
            "Name": "Check",
            "Type": "Condition",
            "Arguments": {
                "Conditions": [{"Type": "Equals", "LeftValue": {"Get": "Parameters.N"}, "RightValue": 1}],
                "IfSteps": [{"Name": "Stop", "Type": "Fail", "Arguments": {"ErrorMessage": "as told"}}],
                "ElseSteps": [{"Name": "Other", "Type": "Fail", "Arguments": {"ErrorMessage": "no"}}],
            },
        }
    ],
}


def step(name: str = "Train", status: str = "Executing", **members: Any) -> StepState:
    given = {"start": START, "end": None, "reason": "", "kind": "", "arn": "", "cached": False, **members}
    return StepState(name=name, status=status, **given)


@pytest.fixture
def execution_arn(local_aws: "LocalAws") -> str:
    sagemaker = local_aws.client("sagemaker")
    name = f"follow-{uuid.uuid4().hex}"
    sagemaker.create_pipeline(
        PipelineName=name,
        PipelineDefinition=json.dumps(DEFINITION),
        RoleArn="arn:aws:iam::000000000000:role/pipeline",
        ClientRequestToken=uuid.uuid4().hex,
    )
    started = sagemaker.start_pipeline_execution(PipelineName=name, ClientRequestToken=uuid.uuid4().hex)
    return str(started["PipelineExecutionArn"])


def test_an_execution_is_followed_to_its_end_and_its_failure_told(local_aws: "LocalAws", execution_arn: str):
    shown: list[Snapshot] = []
    final = follow(local_aws.client("sagemaker"), execution_arn, shown.append)
    assert shown[-1] == final
    assert (final.status, [item.name for item in final.steps]) == ("Failed", ["Check", "Stop"])
    told = list(outcome.failure(None, None, final))
    assert told[0].startswith("The execution failed")
    assert told[1:] == ["Stop failed: as told"]


def test_the_wait_between_two_looks_grows_from_a_tenth_of_a_second(local_aws: "LocalAws", execution_arn: str):
    waits: list[float] = []
    follow(local_aws.client("sagemaker"), execution_arn, lambda _: None, waits.append)
    assert all(wait == pytest.approx(0.1) for wait in waits)


def test_a_job_without_a_log_has_no_last_lines(local_aws: "LocalAws"):
    logs = local_aws.client("logs")
    assert last_log_lines(logs, "TrainingJob", f"none-{uuid.uuid4().hex}") == []


def test_the_steps_of_branches_come_after_their_condition():
    assert execution_view.step_names(json.dumps(DEFINITION)) == ["Check", "Stop", "Other"]


def test_a_terminal_shows_every_step_and_its_state():
    file = io.StringIO()
    console = Console(file=file, force_terminal=True, width=80, color_system=None)
    with View(execution_view.ExecutionPicture(json.dumps(DEFINITION)), console) as view:
        view.show(Snapshot("Executing", "", (step("Check", "Succeeded", end=START + timedelta(seconds=75)),)))
        assert ["Stop", "waiting"] in [line.split() for line in file.getvalue().splitlines()]
    assert ["Check", "Succeeded", "1", "min", "15", "s"] in [line.split() for line in file.getvalue().splitlines()]


def test_a_file_gets_one_line_for_each_change():
    file = io.StringIO()
    view = View(execution_view.ExecutionPicture(json.dumps(DEFINITION)), Console(file=file, force_terminal=False))
    running = Snapshot("Executing", "", (step(start=datetime.now(UTC)),))
    done = Snapshot("Succeeded", "", (step(status="Succeeded", end=START + timedelta(seconds=1.25), cached=True),))
    with view:
        for snapshot in (running, running, done):
            view.show(snapshot)
    assert [line.split() for line in file.getvalue().splitlines()] == [
        ["Train", "Executing"],
        ["Train", "Succeeded", "(from", "the", "cache)", "1.2", "s"],
    ]


def retried(reason: str, number: int = 1) -> str:
    """What a file gets of a step whose job has failed with a reason 15 s ago."""
    policies = [
        {"ExceptionType": ["Step.SERVICE_FAULT"], "IntervalSeconds": 5},
        {
            **{"ExceptionType": ["SageMaker.JOB_INTERNAL_ERROR"], "MaxAttempts": 2},
            **{"IntervalSeconds": 60, "BackoffRate": 2.0},
        },
    ]
    train = {"Name": "Train", "Type": "Training", "Arguments": {}, "RetryPolicies": policies}
    failed = FailedAttempt(number, reason, datetime.now(UTC) - timedelta(seconds=15.2))
    file = io.StringIO()
    picture = execution_view.ExecutionPicture(json.dumps({"Steps": [train]}))
    with View(picture, Console(file=file, force_terminal=False)) as view:
        for attempt in (None, failed, failed):
            view.show(Snapshot("Executing", "", (step(failed=attempt),)))
    _, *rest = file.getvalue().splitlines()
    return "\n".join(rest)


def test_an_attempt_that_failed_is_told_once_with_its_reason_and_when_the_next_one_comes():
    told = retried("InternalServerError: no")
    assert (told.split()[0], told[21:]) == ("Train", "attempt 2 in 45 s: InternalServerError: no")
    assert "attempt 3 in 105 s" in retried("InternalServerError: no", number=2)
    assert retried("InternalServerError: no", number=3) == ""
    assert retried("AlgorithmError: no such column") == ""


@pytest.mark.parametrize(("seconds", "asked"), [(60, True), (0, False)])
def test_a_step_that_goes_on_without_its_job_says_so_and_a_short_one_is_not_asked(seconds: float, asked: bool):
    began = datetime.now(UTC) - timedelta(seconds=seconds)
    arn = "arn:aws:sagemaker:us-east-1:000000000000:training-job/train-1"
    item = {"StepName": "Train", "StepStatus": "Executing", "StartTime": began, "AttemptCount": 2}
    client = boto3.client("sagemaker", "us-east-1", aws_access_key_id="any", aws_secret_access_key="any")
    with Stubber(client) as stubber:
        stubber.add_response("describe_pipeline_execution", {"PipelineExecutionStatus": "Executing"})
        steps = [{**item, "Metadata": {"TrainingJob": {"Arn": arn}}}]
        stubber.add_response("list_pipeline_execution_steps", {"PipelineExecutionSteps": steps})
        if asked:
            job = {"TrainingJobStatus": "Failed", "FailureReason": "InternalServerError: no", "TrainingEndTime": START}
            required = {"TrainingJobName": "train-1", "TrainingJobArn": arn, "SecondaryStatus": "Failed"}
            model = {"ModelArtifacts": {"S3ModelArtifacts": "s3://b/k"}, "StoppingCondition": {}, "CreationTime": START}
            algorithm = {"AlgorithmSpecification": {"TrainingInputMode": "File"}}
            stubber.add_response("describe_training_job", {**job, **required, **model, **algorithm})
        [state] = snapshot(client, "arn:aws:sagemaker:us-east-1:000000000000:pipeline/p/execution/e").steps
        stubber.assert_no_pending_responses()
    assert state.failed == (FailedAttempt(2, "InternalServerError: no", START) if asked else None)


@pytest.mark.parametrize(
    ("report", "figures"),
    [
        ({"regression_metrics": {"r2": {"value": 0.5, "standard_deviation": "NaN"}}}, {"r2": 0.5}),
        ({"regression_metrics": {"r2": 0.5}, "version": 1}, {}),
        ([1], {}),
        (None, {}),
    ],
)
def test_metrics_are_read_from_the_model_quality_shape_only(report: Any, figures: dict[str, float]):
    assert quality.metrics(report) == figures

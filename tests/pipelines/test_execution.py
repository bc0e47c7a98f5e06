"""An execution read, followed and shown: against the real API, with a definition that needs no job."""

import io
import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console

from model_road import quality
from model_road.live import View
from pipelines import execution_view, outcome
from pipelines.execution import Snapshot, StepState, follow, last_log_lines

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

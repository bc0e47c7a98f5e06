"""The function of the system test: chunks of any size give every record once, and verdicts have figures."""

import importlib.util
import io
import json
import os
import subprocess
import sys
import uuid
import zipfile
from datetime import datetime, timedelta
from pathlib import Path
from types import ModuleType
from unittest import mock

import pytest

from deploy import artifacts, executions, stacks
from deploy.commands import system_test
from deploy.project import Project
from deploy.test.metrics import NOTHING, regression_metrics, sums
from tests.conftest import LocalAws

FOLDER = Path(__file__).parents[2] / "deploy" / "functions" / "system_test"
PACKAGE = "arn:aws:sagemaker:us-east-1:000000000000:model-package/g/1"


@pytest.fixture(scope="module")
def function(local_aws: LocalAws) -> ModuleType:
    """The module, as Lambda imports it, with the local AWS in its environment."""
    with mock.patch.dict(os.environ, local_aws.env):
        spec = importlib.util.spec_from_file_location("system_test_handler", FOLDER / "handler.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module


def test_parts_of_a_set_have_the_metrics_of_the_set():
    targets = [1e6 + value for value in (1.0, 2.5, -3.0, 7.0, 7.5)]
    predictions = [1e6 + value for value in (1.5, 2.0, -2.0, 6.0, 9.0)]
    parts = NOTHING
    for start, end in ((0, 1), (1, 1), (1, 4), (4, 5)):
        parts += sums(targets[start:end], predictions[start:end])
    assert parts.metrics() == pytest.approx(regression_metrics(targets, predictions), rel=1e-9)


def test_its_zip_needs_the_standard_library_and_boto3_only(tmp_path: Path):
    content = artifacts.pack(FOLDER)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        archive.extractall(tmp_path)
        assert {"handler.py", "deploy/test/metrics.py", "model_road/errors.py"} <= set(archive.namelist())
    script = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import handler; import deploy.test.metrics as m;"
        f"assert m.__file__.startswith({str(tmp_path)!r}), m.__file__;"
        "print(sorted({'numpy', 'pandas', 'rich', 'sagemaker', 'sklearn'} & set(sys.modules)))"
    )
    environ = {**os.environ, "AWS_DEFAULT_REGION": "us-east-1"}
    done = subprocess.run(
        [sys.executable, "-I", "-c", script], env=environ, capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("[]\n", "")


@pytest.mark.parametrize("chunk_bytes", [1, 7, 64, 1000, 100_000])
@pytest.mark.parametrize("end", ["", "\n"])
def test_every_record_is_in_one_chunk(
    function: ModuleType, local_aws: LocalAws, monkeypatch: pytest.MonkeyPatch, chunk_bytes: int, end: str
):
    s3, bucket = local_aws.client("s3"), f"chunks-{uuid.uuid4().hex}"
    s3.create_bucket(Bucket=bucket)
    files = {"a": ["1,2", "33,4", "-5.5e10,6"] * 3, "b": ["7,8"], "empty": []}
    for name, lines in files.items():
        s3.put_object(Bucket=bucket, Key=f"test/{name}.csv", Body="\n".join(["x,y", *lines]) + end)
    s3.put_object(Bucket=bucket, Key="test/notes.txt", Body="x,y\n9,9\n")
    monkeypatch.setattr(function, "CHUNK_BYTES", chunk_bytes)
    monkeypatch.setattr(function, "MOST_CHUNKS", 10_000)
    metadata = {"TestDataUrl": f"s3://{bucket}/test/", "TargetColumn": "y"}
    package = {"ModelPackageArn": PACKAGE, "CustomerMetadataProperties": metadata}
    planned = function.plan({"Package": package, "Calls": "10"})
    assert planned["TargetColumn"] == "y"
    # All of them go through the state machine, which takes 256 KB.
    assert max(len(json.dumps(chunk)) for chunk in planned["Chunks"]) < 200
    found = [line for chunk in planned["Chunks"] for line in function._lines(chunk).split()]
    assert found == files["a"] + files["b"]


def test_a_package_that_names_no_records_is_refused(function: ModuleType):
    with pytest.raises(function.InputError, match=rf"{PACKAGE} .* lack TestDataUrl, TargetColumn"):
        function.plan({"Package": {"ModelPackageArn": PACKAGE}, "Calls": 1})


def test_records_that_are_gone_are_named(function: ModuleType, local_aws: LocalAws):
    bucket = f"gone-{uuid.uuid4().hex}"
    local_aws.client("s3").create_bucket(Bucket=bucket)
    metadata = {"TestDataUrl": f"s3://{bucket}/test/", "TargetColumn": "y"}
    with pytest.raises(function.RecordsError, match=f"s3://{bucket}/test/"):
        function.plan({"Package": {"ModelPackageArn": PACKAGE, "CustomerMetadataProperties": metadata}, "Calls": 1})


def judge(function: ModuleType, **members: object) -> dict[str, object]:
    summed = sums([1.0, 2.0, 3.0], [1.0, 2.0, 4.0])
    part = {"Sums": vars(summed), "Milliseconds": [5.0, 6.0]}
    event = {"Operation": "judge", "Parts": [part], "Expected": {"r2": 0.5, "mae": 1 / 3}, "Thresholds": {}}
    limits = {"Tolerance": "0.01", "MaxLatencyMilliseconds": "10"}
    return json.loads(json.dumps(function.handler({**event, **limits, **members}, None), allow_nan=False))


def test_as_good_as_its_evaluation_passes(function: ModuleType):
    result = judge(function)
    assert result["Passed"] is True
    assert result["Figures"]["records"] == 3
    assert result["Figures"]["p99Milliseconds"] == 6.0
    assert [check["Name"] for check in result["Checks"]] == ["r2", "mae", "latency"]


@pytest.mark.parametrize(
    ("members", "summary"),
    [
        ({"Thresholds": {"r2": 0.6}}, "r2 0.5 is below 0.6; 3 records"),
        ({"Thresholds": {"rmse": 0.1}}, "rmse 0.57735 is above 0.1; 3 records"),
        ({"Expected": {"r2": 0.6}, "Tolerance": 0.1}, "r2 0.5 is below 0.54; 3 records"),
        (
            {"MaxLatencyMilliseconds": 5.5},
            "p99 6.0 ms is above 5.5 ms (p50 5.0 ms, 2 calls of one record); 3 records",
        ),
    ],
)
def test_failures_have_figures(function: ModuleType, members: dict[str, object], summary: str):
    result = judge(function, **members)
    assert (result["Passed"], result["Error"], result["Summary"]) == (False, "SystemTestFailed", summary)


@pytest.mark.parametrize(
    ("members", "why"),
    [
        ({"Expected": {"f1": 0.9}}, "nothing to compare with"),
        ({"Thresholds": {"f1": 0.9}}, "Thresholds has f1; known are mae, mse, rmse, r2"),
        ({"Tolerance": "much"}, "Tolerance is 'much', not a number"),
    ],
)
def test_an_input_that_cannot_be_tested_with_is_refused(function: ModuleType, members: dict[str, object], why: str):
    with pytest.raises(function.InputError, match=why):
        judge(function, **members)


class History:
    """Step Functions' answers while an execution goes on."""

    def __init__(self, *moments: tuple[str, list[dict[str, object]]]) -> None:
        self._moments = list(moments)

    def describe_execution(self, **_arguments: str) -> dict[str, str]:
        self.status, self.events = self._moments.pop(0)
        return {"status": self.status, "cause": "why", "error": "E"}

    def get_paginator(self, _name: str) -> "History":
        return self

    def paginate(self, **_arguments: str) -> list[dict[str, object]]:
        half = len(self.events) // 2
        return [{"events": self.events[:half]}, {"events": self.events[half:]}]


def test_each_state_is_told_once(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(executions, "POLL_SECONDS", 0)
    begun = datetime(2026, 1, 1)
    entered = {"id": 2, "timestamp": begun, "stateEnteredEventDetails": {"name": "A"}}
    left = {"id": 3, "timestamp": begun + timedelta(seconds=2), "stateExitedEventDetails": {"name": "A"}}
    history = History(("RUNNING", [entered]), ("RUNNING", [entered, left]), ("FAILED", [entered, left]))
    seen = list(executions.follow(history, "arn"))
    assert seen == [executions.Step("A", 2.0), executions.Ending("FAILED", "", "E", "why")]


def test_the_machine_of_the_projects_template_is_taken(local_aws: LocalAws, monkeypatch: pytest.MonkeyPatch):
    for name, value in local_aws.env.items():
        monkeypatch.setenv(name, value)
    name, stepfunctions = f"mine-{uuid.uuid4().hex[:8]}", local_aws.client("stepfunctions")
    definition = json.dumps({"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}})
    role = "arn:aws:iam::000000000000:role/states"
    made = stepfunctions.create_state_machine(name=f"{name}-system-test", definition=definition, roleArn=role)
    project = Project(name, name, "no-such-bucket", None, None, "")
    assert system_test.find_machine(project, stepfunctions) == made["stateMachineArn"]
    assert stacks.describe(project.cloudformation, project.stack_name("system-test")) is None

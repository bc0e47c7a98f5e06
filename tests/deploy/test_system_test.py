"""The function of the system test: chunks of any size give every record once, and verdicts have figures."""

import importlib.util
import io
import json
import os
import subprocess
import sys
import uuid
import zipfile
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest import mock
from xml.etree import ElementTree

import boto3
import pytest

from deploy import artifacts, executions, stacks
from deploy.commands import system_test
from deploy.project import Project
from deploy.test.classes import counts
from deploy.test.metrics import NOTHING, regression_metrics, sums
from tests.conftest import LocalAws
from tests.deploy.runtime import Runtime, serving

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
    planned = function.handler({"Operation": "plan", "Package": package, "Calls": "10"}, None)
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
    event["Problem"] = {"ProblemType": "Regression"}
    limits = {"Tolerance": "0.01", "MaxLatencyMilliseconds": "10"}
    return json.loads(json.dumps(function.handler({**event, **limits, **members}, None), allow_nan=False))


def test_as_good_as_its_evaluation_passes(function: ModuleType):
    result = judge(function)
    assert result["Passed"] is True
    assert result["Figures"]["records"] == 3
    assert result["Figures"]["p99Milliseconds"] == 6.0
    assert [check["Name"] for check in result["Checks"]] == ["r2", "mae", "latency"]
    assert (result["Error"], result["Summary"]) == (
        "",
        "r2 0.5 is at least 0.495; mae 0.333333 is at most 0.336667; "
        "p99 6.0 ms is at most 10 ms (p50 5.0 ms, 2 calls of one record); 3 records",
    )


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
        ({"Thresholds": {"f1": 0.9}}, "Thresholds has f1; known are mae, mse, rmse, r2, the metrics of a Reg"),
        ({"Tolerance": "much"}, "Tolerance is 'much', not a number"),
    ],
)
def test_an_input_that_cannot_be_tested_with_is_refused(function: ModuleType, members: dict[str, object], why: str):
    with pytest.raises(function.InputError, match=why):
        judge(function, **members)


CLASSES = {"ProblemType": "MulticlassClassification"}
TWO = {"ProblemType": "BinaryClassification", "PositiveLabel": "ill", "ProbabilityThreshold": "0.5"}


def counted(targets: str, predictions: str, positive: str | None = None) -> list[dict[str, object]]:
    """What two chunks of labels, a letter each, come to."""
    half = len(targets) // 2
    return [
        {"Sums": vars(counts(list(targets[part]), list(predictions[part]), positive)), "Milliseconds": [5.0]}
        for part in (slice(half), slice(half, None))
    ]


def test_a_classifier_as_good_as_its_evaluation_passes(function: ModuleType):
    expected = {"accuracy": 0.75, "accuracy_best_constant_classifier": 0.5, "auc": 1.0}
    result = judge(function, Problem=CLASSES, Parts=counted("aabc", "aabb"), Expected=expected)
    assert [check["Name"] for check in result["Checks"]] == ["accuracy", "latency"]
    assert (result["Passed"], result["Figures"]["weighted_recall"]) == (True, 0.75)
    assert result["Summary"].startswith("accuracy 0.75 is at least 0.7425; p99")


@pytest.mark.parametrize(
    ("members", "summary"),
    [
        ({"Expected": {"accuracy": 0.8}}, "accuracy 0.75 is below 0.792; 4 records"),
        ({"Thresholds": {"weighted_f1": 0.9}}, "weighted_f1 0.666667 is below 0.9; 4 records"),
    ],
)
def test_a_classifiers_failures_have_figures(function: ModuleType, members: dict[str, object], summary: str):
    given = {"Problem": CLASSES, "Parts": counted("aabc", "aabb"), "Expected": {}}
    assert judge(function, **{**given, **members})["Summary"] == summary


def test_a_false_positive_rate_is_better_when_it_is_lower(function: ModuleType):
    parts, problem = counted("1100", "1110", "1"), {**TWO, "PositiveLabel": "1"}
    expected = {"false_positive_rate": 0.25, "true_negative_rate": 0.5}
    result = judge(function, Problem=problem, Parts=parts, Expected=expected)
    assert result["Summary"] == "false_positive_rate 0.5 is above 0.2525; 4 records"
    assert judge(function, Problem=problem, Parts=parts, Thresholds={"false_positive_rate": 0.5}, Expected={})["Passed"]


def test_labels_that_do_not_fit_end_the_test(function: ModuleType):
    with pytest.raises(function.LabelsError, match="predicts 'x', and the records' labels are 'a', 'b', 'c'"):
        judge(function, Problem=CLASSES, Parts=counted("aabc", "xxxx"))


@pytest.fixture
def endpoint(function: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Iterator[Runtime]:
    """The endpoint that the function tests."""
    with serving() as server:
        own = {"aws_access_key_id": "x", "aws_secret_access_key": "x", "region_name": "us-east-1"}
        url, config = f"http://127.0.0.1:{server.server_port}", function._RUNTIME.meta.config
        client = boto3.client("sagemaker-runtime", endpoint_url=url, config=config, **own)
        monkeypatch.setattr(function, "_RUNTIME", client)
        yield server


@pytest.fixture
def chunk(function: ModuleType, local_aws: LocalAws) -> Callable[..., dict[str, Any]]:
    """Gives the event for a file of records, as the state machine makes it of the plan."""

    def make(text: str, calls: int, group: str = "regression_metrics", **properties: str) -> dict[str, Any]:
        bucket = f"invoke-{uuid.uuid4().hex}"
        local_aws.client("s3").create_bucket(Bucket=bucket)
        local_aws.client("s3").put_object(Bucket=bucket, Key="test.csv", Body=text.encode())
        report = json.dumps({group: {"accuracy": {"value": 0.9}}})
        local_aws.client("s3").put_object(Bucket=bucket, Key="evaluation.json", Body=report)
        metadata = {"TestDataUrl": f"s3://{bucket}/test.csv", "TargetColumn": "y", **properties}
        measured = {"ModelQuality": {"Statistics": {"S3Uri": f"s3://{bucket}/evaluation.json"}}}
        package = {"ModelPackageArn": PACKAGE, "CustomerMetadataProperties": metadata, "ModelMetrics": measured}
        planned = function.plan({"Package": package, "Calls": calls})
        [only] = planned["Chunks"]
        planned |= {"Operation": "invoke", "EndpointName": "e", "Chunk": only, "ExecutionId": "x-1"}
        return planned

    return make


RECORDS = "x,y\n1,10\n2,20\n3,30\n"


def test_a_chunk_is_predicted_together_and_some_of_it_alone(function, endpoint, chunk, monkeypatch, capsys):
    monkeypatch.setattr(function, "BATCH_BYTES", 4)
    for predictions in ((10.0, 20.0), (33.0,), (10.0,), (20.0,), (33.0,), (10.0,)):
        endpoint.predict(*predictions)
    told = function.handler(chunk(RECORDS, calls=4), None)
    assert [body for _, _, body in endpoint.asked] == [b"1\n2", b"3", b"1", b"2", b"3", b"1"]
    assert {path for path, _, _ in endpoint.asked} == {"/endpoints/e/invocations"}
    ids = {headers["X-Amzn-SageMaker-Inference-Id"] for _, headers, _ in endpoint.asked}
    assert len(ids) == 6 and all(each.startswith("system-test-") for each in ids)
    assert told["Sums"] == vars(sums([10.0, 20.0, 30.0], [10.0, 20.0, 33.0]))
    assert len(told["Milliseconds"]) == 4 and all(0 < each < 60_000 for each in told["Milliseconds"])
    line = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (line["operation"], line["execution"], line["result"]["Milliseconds"]) == ("invoke", "x-1", 4)


LABELS = "x,y\n1,well\n2,ill\n3,ill\n"


@pytest.mark.parametrize(
    ("answers", "labels"),
    [
        (["well", "well", "ill"], {"ill": [1, 1, 2], "well": [1, 2, 1]}),
        ([0.1, 0.2, 0.9], {"": [0, 2, 0], "ill": [1, 1, 2], "well": [0, 0, 1]}),
    ],
)
def test_labels_are_counted(function, endpoint, chunk, answers, labels):
    event = chunk(LABELS, 1, "binary_classification_metrics", PositiveLabel="ill")
    assert (event["Problem"], event["Expected"]) == (TWO, {"accuracy": 0.9})
    endpoint.predict(*answers)
    endpoint.predict(answers[0])
    assert function.handler(event, None)["Sums"] == {"labels": labels, "positive_label": "ill"}


def test_what_a_package_says_of_its_problem_may_be_wrong(function, chunk):
    with pytest.raises(function.InputError, match=rf"{PACKAGE}: the version's ProbabilityThreshold is 'high'"):
        chunk(LABELS, 1, "binary_classification_metrics", ProbabilityThreshold="high")


def test_more_labels_than_the_state_machine_can_carry_are_refused_by_name(function, endpoint, chunk, monkeypatch):
    monkeypatch.setattr(function, "LABEL_BYTES", 60)
    event = chunk(LABELS, 0, "multiclass_classification_metrics")
    endpoint.predict("well", "well", "good")
    with pytest.raises(function.RecordsError, match=r"test\.csv: .* of 3 labels takes \d+ bytes, .* room for 60"):
        function.handler(event, None)


@pytest.mark.parametrize(
    ("predictions", "why"),
    [
        ([(1.0, 2.0, 3.0), (1.1,)], r"test\.csv: a record gives 1\.1 alone, 1\.0 among others"),
        ([(1.0, "nan", "inf"), (1.0,)], r"test\.csv: 2 of 3 predictions are not finite: nan"),
        ([(1.0, 2.0)], r"did not predict: 3 record\(s\) were sent and 2 prediction\(s\) came back"),
        ([("no", "number", "!")], "did not predict: .* not numbers"),
    ],
)
def test_predictions_that_are_wrong_in_themselves(function, endpoint, chunk, predictions, why):
    for each in predictions:
        endpoint.predict(*each)
    with pytest.raises(function.EndpointError, match=why):
        function.invoke(chunk(RECORDS, calls=1))


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (400, "ThrottlingException", "EndpointBusyError"),
        (429, "ModelNotReadyException", "EndpointBusyError"),
        (503, "ServiceUnavailable", "EndpointBusyError"),
        (530, "InternalDependencyException", "EndpointBusyError"),
        (424, "ModelError", "EndpointError"),
        (400, "ValidationError", "EndpointError"),
    ],
)
def test_who_is_busy_is_worth_another_try_of_the_state_machine_alone(function, endpoint, chunk, status, code, error):
    endpoint.error(status, code)
    with pytest.raises(getattr(function, error), match=code):
        function.invoke(chunk(RECORDS, calls=1))
    assert len(endpoint.asked) == 1, "a retry in the function would hide a failure"


def test_who_hangs_up_does_not_predict(function, endpoint, chunk):
    endpoint.hang_ups = 1
    with pytest.raises(function.EndpointError, match="did not predict"):
        function.invoke(chunk(RECORDS, calls=1))


def test_what_are_no_records_is_named(function, endpoint, chunk):
    with pytest.raises(function.RecordsError, match=r"test\.csv: a value of 'y' is not a number"):
        function.invoke(chunk("x,y\n1,low\n", calls=1))


def test_a_set_without_a_record_proves_nothing(function):
    with pytest.raises(function.RecordsError, match="hold no record"):
        judge(function, Parts=[{"Sums": vars(NOTHING), "Milliseconds": []}])


def test_a_line_that_is_too_long_is_no_record(function, endpoint, chunk, monkeypatch):
    event = chunk("x,y\n" + "1,10\n" * 50 + "1" * 200 + ",10\n" + "1,10\n" * 50, calls=1)
    monkeypatch.setattr(function, "LONGEST_LINE", 100)
    with pytest.raises(function.RecordsError, match=r"test\.csv: a line has more than 100 bytes"):
        function.invoke({**event, "Chunk": {**event["Chunk"], "End": 300}})


@pytest.mark.parametrize(
    ("cause", "summary"),
    [
        ("r2 is below", "r2 is below"),
        ('{"errorMessage": "the endpoint did not predict", "stackTrace": []}', "the endpoint did not predict"),
        ('{"other": 1}', '{"other": 1}'),
        ("[]", "[]"),
    ],
)
def test_a_report_is_written_as_json_and_junit(function, local_aws, monkeypatch, cause, summary):
    bucket = f"report-{uuid.uuid4().hex}"
    local_aws.client("s3").create_bucket(Bucket=bucket)
    monkeypatch.setenv("REPORT_BUCKET", bucket)
    monkeypatch.setenv("REPORT_PREFIX", "p/system-test")
    checks = [{"Name": "r2", "Passed": False, "Detail": "low"}] if cause == "r2 is below" else []
    result = {"Passed": False, "Summary": cause, "Checks": checks}
    event = {"Operation": "report", "ExecutionName": "run", "Test": {"EndpointName": "e"}, "Result": result}
    told = function.handler(event, None)
    assert told == {"Uri": f"s3://{bucket}/p/system-test/run/", "Summary": summary}
    read = {
        name: local_aws.client("s3").get_object(Bucket=bucket, Key=f"p/system-test/run/{name}")
        for name in ("result.json", "junit.xml")
    }
    assert [each["ContentType"] for each in read.values()] == ["application/json", "application/xml"]
    document = json.loads(read["result.json"]["Body"].read())
    assert document == {"EndpointName": "e", "Passed": False, "Summary": summary, "Checks": checks}
    [suite] = ElementTree.fromstring(read["junit.xml"]["Body"].read())
    assert (suite.get("name"), suite.get("tests"), suite.get("failures")) == ("system-test", "1", "1")
    [case] = suite
    assert case.get("name") == ("r2" if checks else "endpoint")
    assert ("low" if checks else summary) in "".join(f"{each.get('message')}{each.text}" for each in case)


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

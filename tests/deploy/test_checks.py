"""The staging test's checks: what each accepts, and what each refuses.

SageMaker's answers are handed in here, so that every way in which an endpoint can be wrong is seen; the files of data
capture lie in a real S3.
"""

import io
import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from deploy.test import checks
from deploy.test.checks import CheckError, Expectations, Subject
from deploy.test.invocation import Endpoint
from deploy.test.metrics import regression_metrics
from deploy.test.problems import BinaryClassification, MulticlassClassification, Problem, Regression
from deploy.test.records import Records

if TYPE_CHECKING:
    from tests.conftest import LocalAws

PACKAGE = "arn:aws:sagemaker:us-east-1:000000000000:model-package/g/2"
CAPTURE = {
    "EnableCapture": True,
    "InitialSamplingPercentage": 100,
    "DestinationS3Uri": "s3://b/captured",
    "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
}
PARTS = ("endpointInput", "endpointOutput")
RECORDS = Records(("1", "2", "3"), (10.0, 21.0, 29.0))


@dataclass
class SageMaker:
    """Answers as SageMaker does of an endpoint that is as it must be, but for what a test changes."""

    endpoint: dict[str, Any] = field(default_factory=dict)
    config: dict[str, Any] = field(default_factory=dict)
    package: str = PACKAGE

    def describe_endpoint(self, **_: str) -> dict[str, Any]:
        return {"EndpointStatus": "InService", "EndpointConfigName": "New", **self.endpoint}

    def describe_endpoint_config(self, **_: str) -> dict[str, Any]:
        variants = [{"VariantName": "AllTraffic", "ModelName": "m"}]
        return {"ProductionVariants": variants, "DataCaptureConfig": CAPTURE, **self.config}

    def describe_model(self, **_: str) -> dict[str, Any]:
        return {"Containers": [{"ModelPackageName": self.package}]}


@dataclass
class Runtime:
    """A model that multiplies by ten, unless it is given another."""

    predict: Callable[[list[float]], Any] = lambda values: [10 * value for value in values]
    ids: list[str] = field(default_factory=list)
    headers: set[str] = field(default_factory=set)

    def invoke_endpoint(self, *, Body: bytes, InferenceId: str, **others: str) -> Mapping[str, Any]:
        self.ids.append(InferenceId)
        self.headers |= {others["ContentType"], others["Accept"]}
        answer = self.predict([float(line) for line in Body.decode().splitlines()])
        return {"ContentType": "application/json", "Body": io.BytesIO(json.dumps(answer).encode())}


def subject(
    sagemaker: SageMaker | None = None,
    runtime: Runtime | None = None,
    records: Records = RECORDS,
    problem: Problem | None = None,
    **changes: Any,
) -> Subject:
    expected = Expectations(
        config_name="new",
        package_arn=PACKAGE,
        metrics={**regression_metrics(RECORDS.targets, (10.0, 20.0, 30.0)), "accuracy": 1.0},
        tolerance=0.01,
        max_latency=1.0,
        calls=10,
        capture_seconds=0.2,
    )
    endpoint = Endpoint("e", runtime or Runtime(), problem or Regression())
    return Subject(sagemaker or SageMaker(), None, endpoint, records, replace(expected, **changes))


def test_an_endpoint_as_it_must_be_passes_all_that_needs_no_capture_files():
    tested = subject()
    said = {name: check(tested) for name, check in checks.CHECKS.items() if name != "CaptureFiles"}
    assert said["Configuration"] == f"New with {PACKAGE}"
    assert said["Metrics"].startswith("mae 0.666667, mse 0.666667")
    assert said["Latency"].endswith("over 10 calls")
    assert len(tested.inference_ids) == len(set(tested.inference_ids)) == 3 + 1 + 10


def test_what_is_sent_and_accepted_is_one_plain_type():
    """AWS's containers hand a list, or a parameter, to the model's functions as it came."""
    runtime = Runtime()
    checks.invocation(subject(runtime=runtime))
    assert runtime.headers == {"text/csv"}


@pytest.mark.parametrize(
    ("check", "wrong", "why"),
    [
        ("InService", SageMaker({"EndpointStatus": "Failed", "FailureReason": "no ping"}), "e is Failed: no ping"),
        ("InService", SageMaker({"EndpointStatus": "Updating"}), "e is Updating: no reason is given"),
        ("Configuration", SageMaker({"EndpointConfigName": "old"}), "runs the configuration old, and new was deployed"),
        ("Configuration", SageMaker(package="arn:other"), f"serves arn:other, not {PACKAGE}"),
        ("DataCapture", SageMaker(config={"DataCaptureConfig": {**CAPTURE, "EnableCapture": False}}), "is off"),
        ("DataCapture", SageMaker(config={"DataCaptureConfig": {}}), "not configured"),
        (
            "DataCapture",
            SageMaker(config={"DataCaptureConfig": {**CAPTURE, "CaptureOptions": [{"CaptureMode": "Input"}]}}),
            "off or incomplete",
        ),
    ],
)
def test_an_endpoint_that_is_not_what_was_deployed_fails(check: str, wrong: SageMaker, why: str):
    with pytest.raises(CheckError, match=why):
        checks.CHECKS[check](subject(wrong))


def test_predictions_that_are_not_finite_fail():
    with pytest.raises(CheckError, match="3 of 3 predictions are not finite: that of record 1 is inf"):
        checks.invocation(subject(runtime=Runtime(lambda values: [float("inf")] * len(values))))


def test_a_number_of_predictions_that_is_not_that_of_the_records_fails():
    with pytest.raises(CheckError, match=r"1 record\(s\) were sent and 2 prediction\(s\) came back"):
        checks.invocation(subject(runtime=Runtime(lambda _: [1, 2])))


def test_a_model_whose_predictions_depend_on_their_neighbours_fails():
    tested = subject(runtime=Runtime(lambda values: [10 * value + len(values) for value in values]))
    checks.invocation(tested)
    with pytest.raises(CheckError, match=r"record 1 gives 11\.0 alone and 13\.0 among others"):
        checks.batch(tested)


def test_a_model_that_is_worse_than_the_registry_says_fails():
    tested = subject(runtime=Runtime(lambda values: [10 * value + 3 for value in values]))
    checks.invocation(tested)
    with pytest.raises(CheckError, match=r"mae is .*, and the package's evaluation found 0\.666667"):
        checks.metrics(tested)


def test_without_metrics_or_predictions_nothing_is_proven():
    with pytest.raises(CheckError, match="see the check Invocation"):
        checks.metrics(subject())
    tested = subject(metrics={"accuracy": 1.0})
    checks.invocation(tested)
    with pytest.raises(CheckError, match="it has accuracy, and of a Regression mae, mse, rmse, r2 are"):
        checks.metrics(tested)


@pytest.mark.parametrize(
    ("problem", "targets", "answers", "metric"),
    [
        (MulticlassClassification(), ("a", "b", "c"), ["a", "b", "a"], "accuracy"),
        (MulticlassClassification(), ("0", "2", "1"), [[0.9, 0.1, 0], [0, 0.1, 0.9], [0.6, 0.3, 0.1]], "weighted_f1"),
        (BinaryClassification("1", 0.5), ("0", "1", "1"), [0.1, 0.9, 0.4], "recall"),
        (BinaryClassification("ill", 0.5), ("well", "ill", "ill"), ["well", "ill", "well"], "false_negative_rate"),
    ],
)
def test_a_classifier_is_held_against_its_own_evaluation(problem, targets, answers, metric):
    values = {"accuracy": 2 / 3, "weighted_f1": 5 / 9, "recall": 0.5, "false_negative_rate": 0.5}
    runtime = Runtime(lambda lines: [answers[int(line) - 1] for line in lines])
    records = Records(RECORDS.lines, targets)
    tested = subject(None, runtime, records, problem, metrics={metric: values[metric], "auc": 0.5})
    checks.invocation(tested)
    checks.batch(tested)
    assert checks.metrics(tested) == f"{metric} {values[metric]:.6g}"
    tested.expected = replace(tested.expected, metrics={metric: 0.98 * values[metric]})
    with pytest.raises(CheckError, match=f"{metric} is .*, and the package's evaluation found"):
        checks.metrics(tested)


def test_labels_that_have_nothing_to_do_with_the_records_fail():
    runtime = Runtime(lambda lines: ["x"] * len(lines))
    tested = subject(None, runtime, Records(RECORDS.lines, ("a", "b", "c")), MulticlassClassification())
    checks.invocation(tested)
    with pytest.raises(CheckError, match="predicts 'x', and the records' labels are 'a', 'b', 'c'"):
        checks.metrics(tested)


def test_a_label_that_depends_on_the_neighbours_fails():
    runtime = Runtime(lambda lines: ["a" if len(lines) > 1 else "b"] * len(lines))
    tested = subject(None, runtime, Records(RECORDS.lines, ("a", "b", "c")), MulticlassClassification())
    checks.invocation(tested)
    with pytest.raises(CheckError, match="record 1 gives 'b' alone and 'a' among others"):
        checks.batch(tested)


def test_an_endpoint_that_is_too_slow_fails():
    with pytest.raises(CheckError, match=r"p99 .* ms over 10 calls; 1e-06 ms are allowed \(--max-latency\)"):
        checks.latency(subject(max_latency=1e-9))


@pytest.fixture
def captured(local_aws: "LocalAws") -> Callable[..., Subject]:
    """Makes a subject whose calls are captured in S3 as far as a test says."""
    s3, bucket = local_aws.client("s3"), f"captured-{uuid.uuid4().hex}"
    s3.create_bucket(Bucket=bucket)

    def make(captured_calls: int, parts: tuple[str, ...] = PARTS, share: int = 100) -> Subject:
        capture = {**CAPTURE, "DestinationS3Uri": f"s3://{bucket}/captured", "InitialSamplingPercentage": share}
        tested = subject(SageMaker(config={"DataCaptureConfig": capture}))
        tested.s3 = s3
        checks.invocation(tested)
        lines = [
            {"captureData": {part: {} for part in parts}, "eventMetadata": {"inferenceId": name}}
            for name in ["somebody-elses", *tested.inference_ids[:captured_calls]]
        ]
        key = f"captured/e/AllTraffic/{datetime.now(UTC):%Y/%m/%d/%H}/00-00-000-x.jsonl"
        s3.put_object(Bucket=bucket, Key=key, Body="\n".join(map(json.dumps, lines)).encode())
        return tested

    return make


def test_calls_that_are_captured_are_found(captured: Callable[..., Subject]):
    assert checks.capture_files(captured(3)).startswith("3 of 3 calls under s3://captured-")
    assert checks.capture_files(captured(1, share=50)).startswith("1 of 3 calls")


def test_calls_that_are_not_captured_fail(captured: Callable[..., Subject]):
    with pytest.raises(CheckError, match=r"after 0\.2 s 2 of 3 calls of this test are captured"):
        checks.capture_files(captured(2))
    with pytest.raises(CheckError, match=r"after 0\.2 s 0 of 3 calls"):
        checks.capture_files(captured(0, share=50))
    with pytest.raises(CheckError, match="data capture is off"):
        checks.capture_files(subject(SageMaker(config={"DataCaptureConfig": {}})))
    with pytest.raises(CheckError, match="lacks endpointOutput"):
        checks.capture_files(captured(3, ("endpointInput",)))

"""The checks of a staged endpoint: each returns a sentence on what it found, or raises CheckError with the reason."""

import math
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from deploy.errors import DeployError
from deploy.test import captures
from deploy.test.invocation import Answer, Endpoint
from deploy.test.metrics import percentile
from deploy.test.prediction import Prediction
from deploy.test.records import Records


class CheckError(Exception):
    """The endpoint is not as it must be."""


@dataclass(frozen=True)
class Expectations:
    """What the endpoint is measured by.

    Attributes
    ----------
    config_name : str
        The endpoint configuration that was deployed, in lower case.
    package_arn : str
        The model package that was deployed.
    metrics : mapping of str to float
        Of the package's evaluation.
    tolerance : float
        How far a metric may be from the package's, as a share of it.
    max_latency : float
        Seconds that 99 % of the calls may take at most.
    calls : int
        How many of one record are made.
    capture_seconds : float
        How long to wait for the files of data capture.
    """

    config_name: str
    package_arn: str
    metrics: Mapping[str, float]
    tolerance: float
    max_latency: float
    calls: int
    capture_seconds: float


@dataclass
class Subject:
    """The endpoint under test, and what earlier checks have learnt of it."""

    sagemaker: Any
    s3: Any
    endpoint: Endpoint
    records: Records
    expected: Expectations
    begun: datetime = field(default_factory=lambda: datetime.now(UTC))
    answers: list[Answer] = field(default_factory=list)
    inference_ids: list[str] = field(default_factory=list)

    def describe_endpoint(self) -> Any:
        return self.sagemaker.describe_endpoint(EndpointName=self.endpoint.name)

    def describe_config(self) -> Any:
        running = self.describe_endpoint()["EndpointConfigName"]
        return self.sagemaker.describe_endpoint_config(EndpointConfigName=running)

    def invoke(self, lines: Sequence[str]) -> Answer:
        """Call the endpoint under an inference id that data capture writes down."""
        inference_id = f"staging-test-{uuid.uuid4()}"
        try:
            answer = self.endpoint.invoke(lines, inference_id)
        except (ClientError, BotoCoreError, DeployError) as error:
            raise CheckError(f"the endpoint did not predict: {error}") from error
        self.inference_ids.append(inference_id)
        return answer


def in_service(subject: Subject) -> str:
    """Check that the endpoint is in service."""
    document = subject.describe_endpoint()
    status = document["EndpointStatus"]
    if status != "InService":
        raise CheckError(f"{subject.endpoint.name} is {status}: {document.get('FailureReason', 'no reason is given')}")
    return f"{subject.endpoint.name} is InService"


def configuration(subject: Subject) -> str:
    """Check that the endpoint runs what was deployed: after a rollback it is in service, too, with the old one."""
    running = subject.describe_endpoint()["EndpointConfigName"]
    expected = subject.expected.config_name
    if running.lower() != expected:
        raise CheckError(f"the endpoint runs the configuration {running}, and {expected} was deployed")
    served = {_package_of(subject.sagemaker, item) for item in subject.describe_config()["ProductionVariants"]}
    if served != {subject.expected.package_arn}:
        raise CheckError(f"the endpoint serves {', '.join(map(str, served))}, not {subject.expected.package_arn}")
    return f"{running} with {subject.expected.package_arn}"


def data_capture(subject: Subject) -> str:
    """Check that input and output are captured."""
    capture = subject.describe_config().get("DataCaptureConfig", {})
    modes = {option["CaptureMode"] for option in capture.get("CaptureOptions", [])}
    if not capture.get("EnableCapture") or ("InputAndOutput" not in modes and modes != {"Input", "Output"}):
        raise CheckError(f"data capture is off or incomplete: {capture or 'not configured'}")
    return f"{capture['InitialSamplingPercentage']} % of the calls to {capture['DestinationS3Uri']}"


def invocation(subject: Subject) -> str:
    """Check that every record of the evaluation, sent alone, is answered by a prediction, and numbers are finite."""
    subject.answers = [subject.invoke([line]) for line in subject.records.lines]
    wrong = [(n, found) for n, found in enumerate(_predictions(subject), start=1) if not found.is_finite]
    if wrong:
        number, first = wrong[0]
        raise CheckError(
            f"{len(wrong)} of {len(subject.answers)} predictions are not finite: that of record {number} is {first}"
        )
    return f"{len(subject.answers)} records, one call each"


def batch(subject: Subject) -> str:
    """Check that all records in one call get the predictions that they get alone."""
    alone = _predictions(subject)
    together = subject.invoke(subject.records.lines).predictions
    for number, (one, other) in enumerate(zip(alone, together, strict=True), start=1):
        if not one.same_as(other):
            raise CheckError(f"record {number} gives {one} alone and {other} among others")
    return f"{len(together)} records in one call give the same"


def metrics(subject: Subject) -> str:
    """Check that the endpoint predicts as well as the registry says."""
    outcomes = [prediction.outcome for prediction in _predictions(subject)]
    problem = subject.endpoint.problem
    try:
        measured = problem.summed(subject.records.targets, outcomes).metrics()
    except DeployError as error:
        raise CheckError(str(error)) from error
    expected = {name: value for name, value in subject.expected.metrics.items() if name in measured}
    if not expected:
        known = ", ".join(subject.expected.metrics) or "none"
        raise CheckError(
            f"the package has no metric to compare with: it has {known}, and of a {type(problem).__name__} "
            f"{', '.join(measured)} are known"
        )
    for name, value in expected.items():
        if not math.isclose(measured[name], value, rel_tol=subject.expected.tolerance):
            raise CheckError(f"{name} is {measured[name]:.6g}, and the package's evaluation found {value:.6g}")
    return ", ".join(f"{name} {measured[name]:.6g}" for name in expected)


def latency(subject: Subject) -> str:
    """Check that calls of one record are fast enough, as a client sees them."""
    lines = subject.records.lines
    seconds = [subject.invoke([lines[number % len(lines)]]).seconds for number in range(subject.expected.calls)]
    p50, p99 = percentile(seconds, 0.5) * 1000, percentile(seconds, 0.99) * 1000
    found = f"p50 {p50:.1f} ms, p99 {p99:.1f} ms over {len(seconds)} calls"
    if p99 > subject.expected.max_latency * 1000:
        raise CheckError(f"{found}; {subject.expected.max_latency * 1000:g} ms are allowed (--max-latency)")
    return found


def capture_files(subject: Subject) -> str:
    """Check that the calls of this test are in S3, input and output."""
    data_capture(subject)
    capture = subject.describe_config()["DataCaptureConfig"]
    uri = f"{capture['DestinationS3Uri'].rstrip('/')}/{subject.endpoint.name}/"
    # With sampling, which calls are captured is chance; without, it is all of them.
    everything = capture["InitialSamplingPercentage"] == 100
    wanted = set(subject.inference_ids)
    seconds = subject.expected.capture_seconds
    found = captures.wait_for(subject.s3, uri, wanted, subject.begun, seconds)
    if not found or (everything and len(found) < len(wanted)):
        raise CheckError(
            f"after {seconds:g} s {len(found)} of {len(wanted)} calls of this test are captured under {uri}"
        )
    for line in found:
        missing = {"endpointInput", "endpointOutput"} - line["captureData"].keys()
        if missing:
            raise CheckError(f"a captured call lacks {', '.join(sorted(missing))}")
    return f"{len(found)} of {len(wanted)} calls under {uri}"


# In this order; the names are those of the report.
CHECKS = {
    "InService": in_service,
    "Configuration": configuration,
    "DataCapture": data_capture,
    "Invocation": invocation,
    "Batch": batch,
    "Metrics": metrics,
    "Latency": latency,
    "CaptureFiles": capture_files,
}


def _predictions(subject: Subject) -> list[Prediction]:
    if not subject.answers:
        raise CheckError("there are no predictions: see the check Invocation")
    return [answer.predictions[0] for answer in subject.answers]


def _package_of(sagemaker: Any, variant: Mapping[str, Any]) -> str | None:
    """Return the ARN of the model package that a variant's model was made from."""
    model = sagemaker.describe_model(ModelName=variant["ModelName"])
    containers = model.get("Containers") or [model["PrimaryContainer"]]
    name: str | None = containers[0].get("ModelPackageName")
    return name

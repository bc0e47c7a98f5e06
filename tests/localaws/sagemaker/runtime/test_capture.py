"""Data capture: files in S3 in AWS's layout, read as a monitor reads them."""

import base64
import json
import re

import boto3
import pytest
from botocore.exceptions import ClientError

from localaws.sagemaker.aws import SageMakerAws
from localaws.sagemaker.hosting.routes import Fleet, Route, Variant
from localaws.sagemaker.runtime.capture import DataCapture, lines
from localaws.sagemaker.runtime.client import Answer
from localaws.sagemaker.runtime.invocation import Invocation, Request
from tests.conftest import until
from tests.localaws.sagemaker.runtime.observed import captured, config


def test_what_was_asked_and_answered_is_in_s3(endpoints):
    model = endpoints.model("1")
    name = endpoints.create(
        endpoints.config(endpoints.variant(model), DataCaptureConfig=config(endpoints.bench.bucket))
    )
    endpoints.invoke(name, "first", CustomAttributes="trace=7", InferenceId="inference-1")
    endpoints.invoke(name, "second")
    with pytest.raises(ClientError, match="ModelError"):
        endpoints.invoke(name, "fail")
    until(lambda: len(list(captured(endpoints))) == 2)
    keys = endpoints.bench.keys("captured/")
    layout = rf"captured/{name}/AllTraffic/\d{{4}}/\d\d/\d\d/\d\d/\d\d-\d\d-\d{{3}}-[0-9a-f-]{{36}}\.jsonl"
    assert all(re.fullmatch(layout, key) for key in keys), keys
    first, second = captured(endpoints)
    assert first["eventVersion"] == "0"
    assert first["captureData"]["endpointInput"] == {
        "observedContentType": "application/json",
        "mode": "INPUT",
        "data": '"first"',
        "encoding": "JSON",
    }
    assert json.loads(first["captureData"]["endpointOutput"]["data"])["version"] == "1"
    metadata = first["eventMetadata"]
    assert (metadata["customAttributes"], metadata["inferenceId"]) == (["trace=7"], "inference-1")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", metadata["inferenceTime"])
    assert set(second["eventMetadata"]) == {"eventId", "inferenceTime"}


def test_a_sample_of_the_inputs(endpoints):
    capture = config(endpoints.bench.bucket, percentage=50, modes=["Input"])
    name = endpoints.create(endpoints.config(endpoints.variant(endpoints.model("1")), DataCaptureConfig=capture))
    endpoints.versions(name, times=200)
    until(lambda: len(list(captured(endpoints))) > 50)
    endpoints.client.delete_endpoint(EndpointName=name)
    found = list(captured(endpoints))
    assert len(found) <= 150
    assert {tuple(line["captureData"]) for line in found} == {("endpointInput",)}


def invocation(body: bytes, content_type: str, capture: dict) -> Invocation:
    variant = Variant("AllTraffic", 1.0, ())
    fleet = Fleet("config", 1.0, (variant,), data_capture=capture)
    request = Request("endpoint", {b"content-type": content_type.encode()}, body, "event-1")
    route = Route("endpoint", "arn", (fleet,))
    return Invocation(route, fleet, variant, request, Answer(200, "text/csv; charset=utf-8", {}, b"1.5\n"), 0.0)


@pytest.mark.parametrize(
    ("body", "content_type", "encoding"),
    [
        (b"1,2", "text/csv", "CSV"),
        (b"[1]", "Application/JSON; charset=utf-8", "JSON"),
        (b"[1]", "application/jsonlines", "BASE64"),
        (b"\xff\xfe", "text/csv", "BASE64"),
        (b"\x89PNG", "image/png", "BASE64"),
    ],
)
def test_the_content_type_decides_how_data_is_written_down(body, content_type, encoding):
    capture = config("bucket")
    line = json.loads(lines([(invocation(body, content_type, capture), 0.0)], capture))
    given, answered = line["captureData"]["endpointInput"], line["captureData"]["endpointOutput"]
    assert given["encoding"] == encoding
    assert (base64.b64decode(given["data"]) if encoding == "BASE64" else given["data"].encode()) == body
    assert (answered["encoding"], answered["data"]) == ("CSV", "1.5\n")


@pytest.fixture
def credentials(monkeypatch):
    """For the clients that this process makes itself."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")


@pytest.mark.usefixtures("credentials")
def test_the_last_is_written_when_it_ends_and_with_the_key(bench, local_aws):
    key = local_aws.client("kms").create_key()["KeyMetadata"]["Arn"]
    writer = DataCapture(SageMakerAws(f"http://127.0.0.1:{local_aws.port}", "us-east-1", "000000000000"), interval=3600)
    writer.record(invocation(b"1,2", "text/csv", config(bench.bucket, KmsKeyId=key)))
    writer.record(invocation(b"1,2", "text/csv", config(bench.bucket, EnableCapture=False)))
    writer.record(invocation(b"1,2", "text/csv", config(bench.bucket, percentage=0)))
    writer.close()
    [written] = bench.keys("captured/endpoint/AllTraffic/")
    head = bench.s3.head_object(Bucket=bench.bucket, Key=written)
    assert (head["ServerSideEncryption"], head["SSEKMSKeyId"]) == ("aws:kms", key)
    assert bench.read(f"s3://{bench.bucket}/{written}").count(b"\n") == 1


@pytest.mark.usefixtures("credentials")
def test_what_s3_does_not_take_yet_is_written_later(bench, local_aws):
    aws = SageMakerAws("http://127.0.0.1:9", "us-east-1", "000000000000")
    writer = DataCapture(aws, interval=0.1)
    writer.record(invocation(b"1,2", "text/csv", config(bench.bucket)))
    until(lambda: "s3" in aws._clients)
    aws._clients["s3"] = boto3.client("s3", endpoint_url=f"http://127.0.0.1:{local_aws.port}", region_name="us-east-1")
    until(lambda: len(bench.keys("captured/")) == 1)
    writer.close()
    assert len(bench.keys("captured/")) == 1

"""What AWS does not take is not taken here: sizes, lengths and times; and what is large keeps nobody waiting."""

import io
import json
import threading
import time
import urllib.error
import urllib.request
import uuid
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.conftest import LocalAws, stalls_of

FUNCTION = """
import time

def f(event, context):
    if "sleep" in event:
        time.sleep(event["sleep"])
    if event.get("queryStringParameters"):
        time.sleep(float(event["queryStringParameters"]["sleep"]))
    if "give" in event:
        return "x" * event["give"]
    return {"statusCode": 200, "body": str(len(event.get("body") or ""))}
"""
NUMBERS = {"type": "array", "items": {"type": "array", "items": {"type": "number"}}}
MOST_EVENT, MOST_RESULT = 6_291_456, 6_291_556


@pytest.fixture(autouse=True)
def loops_go_on(local_aws: LocalAws) -> Iterator[None]:
    """No event loop stalls for a tenth of a second in any of these tests."""
    before = stalls_of(local_aws.state_dir, 0.1)
    yield
    assert stalls_of(local_aws.state_dir, 0.1) == before


@pytest.fixture(scope="module")
def function(local_aws: LocalAws) -> str:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("f.py", FUNCTION)
    made = local_aws.client("lambda").create_function(
        FunctionName=f"q-{uuid.uuid4().hex[:8]}",
        Runtime="python3.12",
        Handler="f.f",
        Role="arn:aws:iam::000000000000:role/f",
        Timeout=60,
        Code={"ZipFile": packed.getvalue()},
    )
    return str(made["FunctionArn"])


@pytest.fixture(scope="module")
def url(local_aws: LocalAws, function: str) -> str:
    """A route that has a model, and whose integration has two seconds."""
    gateway = local_aws.client("apigateway")
    api: dict[str, Any] = {"restApiId": gateway.create_rest_api(name=f"q-{uuid.uuid4().hex[:8]}")["id"]}
    gateway.create_model(**api, name="Numbers", contentType="application/json", schema=json.dumps(NUMBERS))
    validator = gateway.create_request_validator(**api, name="body", validateRequestBody=True)
    [root] = gateway.get_resources(**api)["items"]
    method = {**api, "resourceId": root["id"], "httpMethod": "POST"}
    models = {"application/json": "Numbers"}
    gateway.put_method(**method, authorizationType="NONE", requestValidatorId=validator["id"], requestModels=models)
    uri = f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{function}/invocations"
    gateway.put_integration(**method, type="AWS_PROXY", integrationHttpMethod="POST", uri=uri, timeoutInMillis=2000)
    gateway.create_deployment(**api, stageName="s")
    return f"http://127.0.0.1:{local_aws.port}/_aws/execute-api/{api['restApiId']}/s/"


def post(url: str, body: bytes, headers: dict[str, str] | None = None) -> tuple[int, str]:
    request = urllib.request.Request(url, body, {"Content-Type": "application/json", **(headers or {})})
    try:
        with urllib.request.urlopen(request, timeout=120) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_hook_a_request_over_the_quota_is_refused(url: str) -> None:
    """`limit_requests`."""
    most = 10_485_760
    assert post(url, b" " * (most + 1)) == (413, f"HTTP content length exceeded {most} bytes.")
    assert post(url, b"[[1]]", {"X-Long": "x" * 10_240}) == (431, "HTTP header is larger than 10240 bytes.")
    assert post(url, b"[[1]]", {"X-Long": "x" * 9_000}) == (200, "5")


def test_hook_what_a_function_does_not_take_is_too_long_for_its_api(url: str) -> None:
    """`limit_requests`: the limit is the event's, in which the body is text."""
    body = b"[" + b"[1]," * 1_600_000 + b"[1]]"
    assert post(url, body) == (413, '{"message":"Request Too Long"}')


def test_hook_an_integration_that_is_late_is_given_up(url: str) -> None:
    """`limit_requests`."""
    post(url, b"[[1]]")  # the function's environment has started
    began = time.monotonic()
    assert post(f"{url}?sleep=20", b"[[1]]") == (504, '{"message":"Endpoint request timed out"}')
    assert time.monotonic() - began < 15


@contextmanager
def watched(local_aws: LocalAws) -> Iterator[list[float]]:
    """Ask for something small all the time; yield how many seconds each answer took."""
    seconds: list[float] = []
    stop = threading.Event()
    sts = local_aws.client("sts")

    def ask() -> None:
        while not stop.wait(0.005):
            began = time.monotonic()
            sts.get_caller_identity()
            seconds.append(time.monotonic() - began)

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield seconds
    finally:
        stop.set()
        thread.join()


def test_hook_a_large_body_is_checked_while_others_are_answered(local_aws: LocalAws, url: str) -> None:
    """`check_bodies`: item by item in the event loop, this took a minute in which nobody was answered."""
    rows = [[0.5] * 75 for _ in range(30_000)]
    wrong = json.dumps([*rows, ["0.5"]], separators=(",", ":")).encode()
    assert 8_000_000 < len(wrong) < 10_485_760
    with watched(local_aws) as seconds:
        began = time.monotonic()
        assert post(url, wrong)[0] == 400
        taken = time.monotonic() - began
    assert taken < 10
    assert len(seconds) > 5
    # Some of it is this process's own, and the machine's: the event loop's stalls are the watchdog's to find.
    assert max(seconds) < 2


@pytest.mark.parametrize(
    ("size", "kind", "message"),
    [
        (MOST_EVENT, "RequestResponse", None),
        (MOST_EVENT + 1, "RequestResponse", f"Request must be smaller than {MOST_EVENT} bytes"),
        (1_048_576, "Event", None),
        (1_048_577, "Event", "1048577 byte payload is too large for the Event invocation type (limit 1048576 bytes)"),
    ],
)
def test_hook_an_event_over_the_quota_is_refused(
    local_aws: LocalAws, function: str, size: int, kind: str, message: str | None
) -> None:
    """`limit_payloads`."""
    payload = b'{"k": "' + b"x" * (size - 9) + b'"}'
    assert len(payload) == size
    invoke = local_aws.client("lambda").invoke
    if message is None:
        assert invoke(FunctionName=function, InvocationType=kind, Payload=payload)["StatusCode"] in (200, 202)
        return
    with pytest.raises(ClientError, match="RequestEntityTooLargeException") as refused:
        invoke(FunctionName=function, InvocationType=kind, Payload=payload)
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 413
    assert message in str(refused.value)


def test_hook_an_event_that_is_no_json_is_refused(local_aws: LocalAws, function: str) -> None:
    """`limit_payloads`: MiniStack invokes the function with ``{}``."""
    for wrong in (b"{", b'{"sleep": NaN}', b'{"a": 1} 2'):
        with pytest.raises(ClientError, match="InvalidRequestContentException"):
            local_aws.client("lambda").invoke(FunctionName=function, Payload=wrong)


def test_hook_a_result_over_the_quota_is_an_error(local_aws: LocalAws, function: str) -> None:
    """`limit_payloads`."""
    invoke = local_aws.client("lambda").invoke
    most = invoke(FunctionName=function, Payload=json.dumps({"give": MOST_RESULT - 2}))
    assert "FunctionError" not in most
    assert len(most["Payload"].read()) == MOST_RESULT
    more = invoke(FunctionName=function, Payload=json.dumps({"give": MOST_RESULT - 1}))
    assert more["FunctionError"] == "Unhandled"
    reason = f"Response payload size exceeded maximum allowed payload size ({MOST_RESULT} bytes)."
    assert json.loads(more["Payload"].read()) == {
        "errorMessage": reason,
        "errorType": "Function.ResponseSizeTooLarge",
    }


def test_hook_a_key_over_the_limit_is_too_long(local_aws: LocalAws) -> None:
    """`limit_keys`: 1,024 bytes of UTF-8, whatever makes the object."""
    s3, bucket = local_aws.client("s3"), f"keys-{uuid.uuid4().hex[:8]}"
    s3.create_bucket(Bucket=bucket)
    longest, longer = "é" * 512, "é" * 512 + "x"
    s3.put_object(Bucket=bucket, Key=longest)
    for make in (
        lambda: s3.put_object(Bucket=bucket, Key=longer),
        lambda: s3.create_multipart_upload(Bucket=bucket, Key=longer),
        lambda: s3.copy_object(Bucket=bucket, Key=longer, CopySource={"Bucket": bucket, "Key": longest}),
        lambda: s3.get_object(Bucket=bucket, Key=longer),
    ):
        with pytest.raises(ClientError, match="KeyTooLongError") as refused:
            make()
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert [each["Key"] for each in s3.list_objects_v2(Bucket=bucket)["Contents"]] == [longest]

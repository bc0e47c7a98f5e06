"""The function behind the API: what it reads and refuses, what it asks the endpoint, and how it words its answers."""

import importlib.util
import json
import os
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from unittest import mock

import boto3
import pytest
from botocore.config import Config

from tests.deploy.runtime import Runtime, serving

HANDLER = Path(__file__).parents[2] / "deploy" / "functions" / "invoke" / "handler.py"


@pytest.fixture(scope="module")
def endpoint() -> Iterator[Runtime]:
    with serving() as server:
        yield server


@pytest.fixture(autouse=True)
def nothing_told(endpoint: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENDPOINT_NAME", "p-production")
    endpoint.forget()


def load(endpoint: Runtime) -> ModuleType:
    """The module, as Lambda imports it: by its file, with a region in the environment."""
    own = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_DEFAULT_REGION": "us-east-1"}
    with mock.patch.dict(
        os.environ, {**own, "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME": f"http://127.0.0.1:{endpoint.server_port}"}
    ):
        spec = importlib.util.spec_from_file_location("handler", HANDLER)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def function(endpoint: Runtime) -> ModuleType:
    return load(endpoint)


def event(body, route="/stream"):
    return {"resource": route, "requestContext": {"requestId": "id-1"}, "body": body}


@pytest.mark.parametrize(
    ("body", "route", "rows"),
    [
        ('{"x": [[0.3]]}', "/stream", [[0.3]]),
        ('{"x": [[1, 2], [3, -4e3]]}', "/batch", [[1, 2], [3, -4000.0]]),
    ],
)
def test_reads_rows(function, body, route, rows):
    assert function.read_rows(event(body), function.MOST_ROWS[route]) == rows


@pytest.mark.parametrize(
    "body",
    [
        None,
        "",
        "{",
        "[" * 100_000,
        "3",
        "[[0.3]]",
        '{"x": 3}',
        '{"x": []}',
        '{"x": [3]}',
        '{"x": [[]]}',
        '{"x": [["0.3"]]}',
        '{"x": [[true]]}',
        '{"x": [[null]]}',
        '{"x": [[NaN]]}',
        '{"x": [[1e999]]}',
        '{"x": [[' + "9" * 400 + "]]}",
        '{"x": [[1], [2, 3]]}',
        '{"x": [[1]], "y": 1}',
        json.dumps({"x": [[1.0]] * 10_001}),
    ],
)
def test_refuses_with_400_and_logs_one_line(function, capsys, body):
    answer = function.handler(event(body, "/batch"), None)
    assert answer["statusCode"] == 400
    assert list(json.loads(answer["body"])) == ["message"]
    [line] = capsys.readouterr().out.splitlines()
    entry = json.loads(line)
    assert (entry["request_id"], entry["route"], entry["status"]) == ("id-1", "/batch", 400)


def test_base64_is_refused(function):
    answer = function.handler({**event("AAAA"), "isBase64Encoded": True}, None)
    assert (answer["statusCode"], json.loads(answer["body"])["message"]) == (400, "The body must be JSON text.")


@pytest.mark.parametrize(("route", "rows"), [("/stream", "one row"), ("/batch", "1 to 10000 rows")])
def test_it_says_how_many_rows_there_may_be(function, route, rows):
    answer = function.handler(event('{"x": []}', route), None)
    assert f'The body must be {{"x": ROWS}} with {rows}, such' in json.loads(answer["body"])["message"]


@pytest.mark.parametrize(("route", "answer"), [("/stream", 1.5), ("/batch", [1.5])])
def test_the_endpoint_is_asked_once_and_its_predictions_are_the_answer(function, endpoint, capsys, route, answer):
    endpoint.answers.append((200, {}, {"predictions": [1.5]}))
    answered = function.handler(event('{"x": [[0.3]]}', route), None)
    assert (answered["statusCode"], json.loads(answered["body"])) == (200, answer)
    assert answered["headers"] == {"Content-Type": "application/json", "X-Request-Id": "id-1"}
    [(path, headers, body)] = endpoint.asked
    assert (path, json.loads(body)) == ("/endpoints/p-production/invocations", {"x": [[0.3]]})
    assert {headers["Content-Type"], headers["Accept"]} == {"application/json"}
    assert headers["X-Amzn-SageMaker-Inference-Id"] == "id-1"
    entry = json.loads(capsys.readouterr().out)
    assert (entry["request_id"], entry["rows"], entry["status"]) == ("id-1", 1, 200)


@pytest.mark.parametrize("number", ["inf", "-inf", "nan"])
def test_a_prediction_that_is_not_finite_is_refused_by_value_and_place(function, endpoint, number):
    """As AWS's own containers write it: `{"predictions": [1.5, Infinity]}`."""
    endpoint.answers.append((200, {}, {"predictions": [1.5, float(number)]}))
    answer = function.handler(event('{"x": [[0.3], [0.4]]}', "/batch"), None)
    sentence = f"The model's prediction for row 2 is {number}, not a finite number."
    assert (answer["statusCode"], json.loads(answer["body"])) == (502, {"message": sentence})


REFUSED = {"OriginalStatusCode": 400, "OriginalMessage": json.dumps({"error": "Row 1 has 2 numbers, not 1."})}


@pytest.mark.parametrize(
    ("status", "code", "members", "expected", "sentence"),
    [
        (424, "ModelError", REFUSED, 400, "Row 1 has 2 numbers, not 1."),
        (
            424,
            "ModelError",
            {"OriginalStatusCode": 415, "OriginalMessage": "<html>"},
            400,
            "The model refused the request.",
        ),
        (
            424,
            "ModelError",
            {"OriginalStatusCode": 400, "OriginalMessage": "[]"},
            400,
            "The model refused the request.",
        ),
        (424, "ModelError", {"OriginalStatusCode": 500, "OriginalMessage": "secret"}, 502, "The model failed on this"),
        (424, "ModelError", {}, 502, "The model failed on this request."),
        (429, "ModelNotReadyException", {}, 503, "The model is busy"),
        (530, "InternalDependencyException", {}, 503, "The model is busy"),
        (400, "ValidationError", {}, 503, "There is no model in service"),
    ],
)
def test_whose_fault_it_was(function, endpoint, capsys, status, code, members, expected, sentence):
    endpoint.error(status, code, **members)
    answered = function.handler(event('{"x": [[0.3]]}'), None)
    message = json.loads(answered["body"])["message"]
    assert (answered["statusCode"], message.startswith(sentence)) == (expected, True), message
    assert answered["headers"].get("Retry-After") == ("1" if expected == 503 else None)
    entry = json.loads(capsys.readouterr().out)
    assert (entry["status"], entry["message"]) == (expected, message)
    assert members.get("OriginalMessage", "") in entry["reason"], "the reason is in the log"
    assert len(endpoint.asked) == 1


@pytest.mark.parametrize("answer", [b"no JSON", {"wrong": []}])
def test_an_answer_that_is_none_is_the_models_fault(function, endpoint, answer):
    endpoint.answers.append((200, {}, answer))
    answered = function.handler(event('{"x": [[0.3]]}'), None)
    assert (answered["statusCode"], json.loads(answered["body"])["message"]) == (502, "The model could not be asked.")


@pytest.fixture
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Boto3 makes a call again at once."""
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _seconds: None)


@pytest.mark.parametrize(("status", "code"), [(400, "ThrottlingException"), (503, "ServiceUnavailable")])
def test_who_stays_busy_is_asked_three_times(function, endpoint, no_pauses, status, code):
    for _ in range(3):
        endpoint.error(status, code)
    answered = function.handler(event('{"x": [[0.3]]}'), None)
    assert (answered["statusCode"], "The model is busy" in answered["body"]) == (503, True)
    assert len(endpoint.asked) == 3


def test_who_hangs_up_or_is_busy_is_asked_again(function, endpoint, no_pauses):
    endpoint.hang_ups = 1
    endpoint.error(400, "ThrottlingException")
    endpoint.answers.append((200, {}, {"predictions": [2.5]}))
    assert function.handler(event('{"x": [[0.3]]}'), None)["body"] == "2.5"
    assert len(endpoint.asked) == 3


def test_a_slow_call_is_not_made_again(function, endpoint, monkeypatch):
    """The gateway waits for 29 s, and the model has enough to do."""
    assert function._CONFIG.connect_timeout + function._CONFIG.read_timeout < 29
    make = boto3.client
    monkeypatch.setattr(boto3, "client", lambda name, config: make(name, config=config.merge(Config(read_timeout=0.1))))
    hasty = load(endpoint)
    endpoint.slow_seconds = 0.5
    answered = hasty.handler(event('{"x": [[0.3]]}'), None)
    assert (answered["statusCode"], "in time" in answered["body"]) == (504, True)
    assert len(endpoint.asked) == 1


def test_needs_the_standard_library_and_boto3_only():
    imported = {
        line.split()[1].split(".")[0]
        for line in HANDLER.read_text().splitlines()
        if line.startswith(("import ", "from "))
    }
    assert imported <= {"json", "math", "os", "time", "typing", "boto3", "botocore"}

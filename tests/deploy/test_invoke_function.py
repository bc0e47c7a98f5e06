"""The function behind the API: what it reads, and what it refuses before the endpoint is asked."""

import importlib.util
import json
import os
from pathlib import Path
from unittest import mock

import pytest

HANDLER = Path(__file__).parents[2] / "deploy" / "functions" / "invoke" / "handler.py"


@pytest.fixture(scope="module")
def function():
    """The module, as Lambda imports it: by its file, with a region in the environment."""
    with mock.patch.dict(os.environ, {"AWS_DEFAULT_REGION": "us-east-1", "ENDPOINT_NAME": "nothing"}):
        spec = importlib.util.spec_from_file_location("handler", HANDLER)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        yield module


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
    assert function.handler({**event("AAAA"), "isBase64Encoded": True}, None)["statusCode"] == 400


def test_needs_the_standard_library_and_boto3_only():
    imported = {
        line.split()[1].split(".")[0]
        for line in HANDLER.read_text().splitlines()
        if line.startswith(("import ", "from "))
    }
    assert imported <= {"json", "math", "os", "time", "typing", "boto3", "botocore"}

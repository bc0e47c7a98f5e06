"""Many models in one server, by SageMaker's multi-model contract."""

import http.client
import json
import select

import pytest

from tests.conftest import until
from tests.serving.conftest import write_files

SCRIPT = """
import os
import time
from helper import FACTOR
def model_fn(d):
    return FACTOR
def transform_fn(model, body, content_type, accept):
    if body == "fail":
        raise KeyError("secret")
    if body == "die":
        os._exit(3)
    time.sleep(1 if body == "slow" else 0)
    return str(model)
"""


@pytest.fixture(scope="module")
def server(start, tmp_path_factory):
    return start(model_dir=tmp_path_factory.mktemp("models"), SAGEMAKER_MULTI_MODEL="true")


@pytest.fixture
def folder(tmp_path):
    def make(factor, script=SCRIPT):
        files = {"code/inference.py": script, "code/helper.py": f"FACTOR = {factor}"}
        return str(write_files(tmp_path / f"model-{factor}", files))

    return make


def load(server, name, url):
    return server.request("POST", "/models", json.dumps({"model_name": name, "url": url}))


def invoke(server, name, body="x"):
    return server.request("POST", f"/models/{name}/invoke", body, **{"Content-Type": "text/csv"})


def test_models_come_and_go(server, folder):
    assert server.request("GET", "/ping").status == 200
    assert invoke(server, "a").status == 404
    url = folder(1)
    assert load(server, "a", url).json == {"modelName": "a", "modelUrl": url}
    assert load(server, "a", url).status == 409
    assert load(server, "b/1", folder(2)).status == 200
    assert [invoke(server, name).body for name in ("a", "b%2F1")] == [b"1", b"2"]  # each with its own helper
    assert server.request("GET", "/models/a").json == {"modelName": "a", "modelUrl": url}
    assert [model["modelName"] for model in server.request("GET", "/models").json["models"]] == ["a", "b/1"]
    first = server.request("GET", "/models?limit=1").json
    second = server.request("GET", f"/models?limit=1&next_page_token={first['nextPageToken']}").json
    assert [page["models"][0]["modelName"] for page in (first, second)] == ["a", "b/1"]
    assert "nextPageToken" not in second
    for name in ("a", "b%2F1"):
        assert server.request("DELETE", f"/models/{name}").status == 200
        assert server.request("DELETE", f"/models/{name}").status == 404
    assert server.request("GET", "/models").json == {"models": []}


def test_a_slow_model_keeps_no_other_waiting(server, folder):
    for number in (5, 6):
        assert load(server, f"m{number}", folder(number)).status == 200
    connection = server.connect()
    connection.request("POST", "/models/m5/invoke", "slow", {"Content-Type": "text/csv"})
    assert invoke(server, "m6").body == b"6"
    assert select.select([connection.sock], [], [], 0) == ([], [], []), "the slow one was faster"
    assert connection.getresponse().read() == b"5"


def test_the_models_failure_is_500_with_its_secret_in_the_log_only(server, folder):
    load(server, "f", folder(9))
    reply = invoke(server, "f", "fail")
    assert (reply.status, b"secret" in reply.body) == (500, False)


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/models", "{", 400),
        ("POST", "/models", '{"model_name": "x"}', 400),
        ("POST", "/models", '{"model_name": 1, "url": "/"}', 400),
        ("POST", "/models", '{"model_name": "x", "url": "/no/such/folder"}', 404),
        ("GET", "/models?limit=many", None, 400),
        ("PUT", "/models", "", 405),
        ("POST", "/models/a", "", 405),
        ("GET", "/models/a/b/c", None, 404),
        ("POST", "/invocations", "x", 404),
    ],
)
def test_refusals(server, method, path, body, status):
    reply = server.request(method, path, body)
    assert (reply.status, list(reply.json)) == (status, ["error"])


def test_a_model_that_cannot_be_loaded_is_refused_with_the_reason_and_may_be_tried_again(server, folder):
    reply = load(server, "broken", folder(7, "import nothing_of_that_name"))
    assert (reply.status, "nothing_of_that_name" in reply.json["error"]) == (400, True)
    assert load(server, "broken", folder(8)).status == 200


def test_what_a_worker_had_loaded_is_there_when_it_is_replaced(server, folder):
    for name, factor in (("kept", 11), ("killer", 12), ("unloaded", 13)):
        assert load(server, name, folder(factor)).status == 200
    assert server.request("DELETE", "/models/unloaded").status == 200
    with pytest.raises((http.client.HTTPException, OSError)):
        invoke(server, "killer", "die")
    until(lambda: answer_of(server, "kept") == (200, b"11"))
    assert answer_of(server, "killer") == (200, b"12")
    assert answer_of(server, "unloaded")[0] == 404


def answer_of(server, name):
    try:
        reply = invoke(server, name)
    except (http.client.HTTPException, OSError):
        return None
    return reply.status, reply.body

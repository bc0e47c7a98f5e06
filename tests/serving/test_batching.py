"""Requests that wait together go into one call, and only what each did wrong is its own."""

import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.conftest import until
from tests.serving.conftest import refused, write_model

SCRIPT = """
import json, time
import numpy as np
batch_size = 8
max_batch_delay = 1500
def model_fn(d):
    return 2
def input_fn(body, content_type):
    data = np.array(json.loads(body), dtype=float)
    if data.ndim != 2:
        raise ValueError("two dimensions, please")
    return data
def predict_fn(data, model):
    if (data < 0).any():
        raise KeyError("secret")
    return np.column_stack([data.sum(axis=1), np.full(len(data), len(data))])
"""


def together(server, bodies):
    with ThreadPoolExecutor(len(bodies)) as pool:
        return list(pool.map(lambda body: server.invoke(json.dumps(body)), bodies))


@pytest.fixture(scope="module")
def server(start):
    return start(SCRIPT)


def test_requests_share_a_call_and_get_their_own_rows(server):
    replies = together(server, [[[n, 0]] * (n + 1) for n in range(5)])
    rows = 1 + 2 + 3 + 4 + 5
    for n, reply in enumerate(replies):
        assert reply.json == {"predictions": [[n, rows]] * (n + 1)}


def test_a_full_batch_does_not_wait(start):
    server = start(SCRIPT, SAGEMAKER_TS_MAX_BATCH_DELAY="10000")
    started = time.monotonic()
    replies = together(server, [[[n, 1]] for n in range(8)])
    assert [reply.json["predictions"][0] for reply in replies] == [[n + 1, 8] for n in range(8)]
    assert time.monotonic() - started < 10


def test_a_wrong_request_is_refused_alone(server):
    replies = together(server, [[[1, 1]], [1], [[2, 2]]])
    assert [reply.status for reply in replies] == [200, 400, 200]
    assert replies[0].json == {"predictions": [[2, 2]]}


def test_a_request_that_fails_fails_alone(server):
    replies = together(server, [[[1, 1]], [[-1, 1]], [[2, 2]]])
    assert [reply.status for reply in replies] == [200, 500, 200]
    assert replies[2].json == {"predictions": [[4, 1]]}


def test_inputs_that_cannot_be_joined_are_called_one_by_one(server):
    replies = together(server, [[[1, 1]], [[1, 1, 1]]])
    assert [reply.json["predictions"] for reply in replies] == [[[2, 1]], [[3, 1]]]


def in_flight(server):
    lines = server.request("GET", "/metrics").body.splitlines()
    [line] = [line for line in lines if line.startswith(b"serving_in_flight ")]
    return int(line.split()[-1])


def test_without_a_delay_only_what_waits_is_joined(start, tmp_path):
    held = "    while not os.path.exists(os.path.join(model, 'go')):\n        time.sleep(0.01)\n    return np.c"
    script = SCRIPT.replace("max_batch_delay = 1500", "").replace("    return np.c", held)
    script = script.replace("return 2", "return d").replace("import json", "import os, json")
    model_dir = write_model(tmp_path / "m", script)
    server = start(model_dir=model_dir)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(server.invoke, "[[1, 1]]")
        until(lambda: in_flight(server) == 1)
        waiting = pool.submit(together, server, [[[n, 0]] for n in range(4)])
        until(lambda: in_flight(server) == 5)
        (model_dir / "go").touch()
        assert first.result().status == 200
        assert [reply.json["predictions"][0][1] for reply in waiting.result()] == [4] * 4


def test_the_environment_tunes_what_the_script_declares(start):
    server = start(SCRIPT, SAGEMAKER_TS_BATCH_SIZE="2", SAGEMAKER_TS_MAX_BATCH_DELAY="10000")
    started = time.monotonic()
    replies = together(server, [[[n, 0]] for n in range(4)])
    assert [reply.json["predictions"][0][1] for reply in replies] == [2] * 4
    assert time.monotonic() - started < 10


@pytest.mark.parametrize(
    ("script", "sentence"),
    [
        ("batch_size = 0", "batch_size 0"),
        ("batch_size = 'many'", "batch_size 'many'"),
        ("batch_size = 2\nmax_batch_delay = -1", "max_batch_delay -1"),
        ("batch_size = 2\ndef transform_fn(*a): pass", "cannot be batched"),
    ],
)
def test_a_wrong_declaration_is_named(tmp_path, script, sentence):
    assert sentence in refused(write_model(tmp_path / "m", "def model_fn(d): return 1\n" + script))

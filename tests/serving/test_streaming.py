"""Answers in parts: they arrive as the script makes them."""

import http.client
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.conftest import until
from tests.serving.conftest import write_model

SCRIPT = """
import time
from pathlib import Path
def model_fn(d):
    return d
def transform_fn(model, body, content_type, accept):
    if body == "refuse":
        raise ValueError("no such stream")
    return chunks(model, body), "text/plain"
def chunks(model, body):
    try:
        if body == "fail first":
            raise KeyError("secret")
        for number in range(5 if body != "endless" else 10**9):
            yield f"part {number};" if body != "endless" else b"x" * 65536
            if body == "fail":
                raise KeyError("secret")
            while body == "held" and not Path(model, "go").exists():
                time.sleep(0.01)
    finally:
        Path(model, "closed").write_text(body)
"""


@pytest.fixture(scope="module")
def model_dir(tmp_path_factory):
    return write_model(tmp_path_factory.mktemp("streaming") / "m", SCRIPT)


@pytest.fixture(scope="module")
def server(start, model_dir):
    return start(model_dir=model_dir)


@pytest.fixture
def go(model_dir):
    """Lets the answers to `held` go on after their first part."""
    yield (model_dir / "go").touch
    (model_dir / "go").unlink()


def open_stream(server, body):
    connection = server.connect()
    connection.request("POST", "/invocations", body, {"Content-Type": "text/csv"})
    return connection.getresponse()


def test_parts_arrive_one_by_one(server, go):
    response = open_stream(server, "held")
    assert (response.status, response.headers["transfer-encoding"]) == (200, "chunked")
    assert response.read1() == b"part 0;"
    go()
    assert response.read() == b"part 1;part 2;part 3;part 4;"


def test_other_requests_wait_their_turn_and_ping_does_not(server, go):
    response = open_stream(server, "held")
    response.read1()
    assert server.request("GET", "/ping").status == 200
    assert b"serving_in_flight 1\n" in server.request("GET", "/metrics").body, "the stream was over"
    with ThreadPoolExecutor() as pool:
        other = pool.submit(lambda: open_stream(server, "go").read())
        until(lambda: b"serving_in_flight 2\n" in server.request("GET", "/metrics").body)
        assert not other.done()
        go()
        assert response.read().endswith(b"part 4;")
        assert other.result().startswith(b"part 0")


@pytest.mark.parametrize(("body", "status"), [("refuse", 400), ("fail first", 500)])
def test_a_failure_before_the_first_part_has_its_status(server, body, status):
    response = open_stream(server, body)
    assert response.status == status
    assert b"secret" not in response.read()


def test_a_failure_after_the_first_part_breaks_the_answer_off(server):
    with pytest.raises((http.client.IncompleteRead, ConnectionResetError)):
        open_stream(server, "fail").read()
    deadline = time.monotonic() + 60
    while not any("secret" in line for line in server.log):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert open_stream(server, "go").status == 200


def test_a_caller_that_goes_away_or_does_not_read_ends_the_stream(server):
    response = open_stream(server, "endless")
    response.read(1_000_000)
    response.close()
    assert open_stream(server, "go").read().endswith(b"part 4;")


def test_http_1_0_gets_the_same_without_chunks(server):
    connection = server.connect()
    connection._http_vsn, connection._http_vsn_str = 10, "HTTP/1.0"
    connection.request("POST", "/invocations", "go", {"Content-Type": "text/csv"})
    response = connection.getresponse()
    assert "transfer-encoding" not in response.headers
    assert response.read().endswith(b"part 4;")

"""/metrics counts what happened, over all workers."""

import re
import time

SCRIPT = """
import time
def model_fn(d):
    return 1
def transform_fn(model, body, content_type, accept):
    if body == "fail":
        raise KeyError
    time.sleep(float(body))
    return "abc"
"""


def read(server):
    reply = server.request("GET", "/metrics")
    assert reply.headers["content-type"].startswith("text/plain; version=0.0.4")
    lines = [line for line in reply.body.decode().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


def test_every_invocation_is_counted_once_whichever_worker_answered(start):
    server = start(SCRIPT, SAGEMAKER_MODEL_SERVER_WORKERS="2", SAGEMAKER_MODEL_SERVER_TIMEOUT="1")
    for body in ["0"] * 30 + ["0.03", "fail", "many", "1.3"]:
        server.invoke(body, "text/csv")
    deadline = time.monotonic() + 60
    while (numbers := read(server))["serving_model_seconds_sum"] < 1.3:  # until the late call ends
        assert time.monotonic() < deadline
    assert numbers['serving_invocations_total{status="2XX"}'] == 31
    assert numbers['serving_invocations_total{status="4XX"}'] == 1
    assert numbers['serving_invocations_total{status="5XX"}'] == 2
    assert numbers["serving_model_errors_total"] == 1
    assert numbers["serving_timeouts_total"] == 1
    assert numbers["serving_request_bytes_total"] == 30 + 4 + 4 + 4 + 3
    assert numbers["serving_response_bytes_total"] == 31 * 3
    assert numbers["serving_in_flight"] == 0
    assert numbers["serving_workers"] == 2
    assert numbers["serving_request_seconds_count"] == 34
    assert numbers['serving_request_seconds_bucket{le="+Inf"}'] == 34
    assert 1 <= numbers['serving_request_seconds_bucket{le="0.025"}'] <= 32
    assert 1.0 < numbers["serving_request_seconds_sum"] < 60


def test_the_format_is_prometheus(start):
    text = start(SCRIPT).request("GET", "/metrics").body.decode()
    assert text.endswith("\n")
    for line in text.splitlines():
        assert re.fullmatch(
            r'# (HELP \w+ .+|TYPE \w+ (counter|gauge|histogram))|\w+(\{\w+="[^"]+"\})? [0-9.e+-]+', line
        )

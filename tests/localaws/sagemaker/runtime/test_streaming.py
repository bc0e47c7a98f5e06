"""InvokeEndpointWithResponseStream, read by botocore's own parser."""

import json
import time

import pytest
from botocore.exceptions import ClientError, EventStreamError

SCRIPT = """
import json, os, time
def model_fn(d):
    return None
def transform_fn(model, body, content_type, accept):
    wish = json.loads(body)
    if wish == "fail":
        raise RuntimeError("the model's own")
    def pieces():
        for number in range(4):
            yield json.dumps({"number": number, "at": time.time(), "accept": accept}) + "\\n"
            if wish == "die" and number == 1:
                time.sleep(1)  # the server's other thread sends what it has by then
                os._exit(3)
            time.sleep(wish if isinstance(wish, float) else 0)
        if wish == "large":
            yield "x" * 5_000_000
    return pieces(), "application/jsonlines"
"""


@pytest.fixture
def streamed(endpoints):
    """Streams an endpoint's answer to a body."""
    name = endpoints.create(endpoints.config(endpoints.variant(endpoints.model("1", SCRIPT))))

    def ask(wish):
        return endpoints.runtime.invoke_endpoint_with_response_stream(
            EndpointName=name, Body=json.dumps(wish), ContentType="application/json", Accept="application/jsonlines"
        )

    return ask


def parts(answer):
    """The pieces, and when each came."""
    return [(event["PayloadPart"]["Bytes"], time.time()) for event in answer["Body"]]


def test_pieces_come_as_the_model_writes_them(streamed):
    answer = streamed(0.2)
    assert (answer["ContentType"], answer["InvokedProductionVariant"]) == ("application/jsonlines", "AllTraffic")
    came = parts(answer)
    lines = [json.loads(line) for line in b"".join(piece for piece, _ in came).splitlines()]
    assert [line["number"] for line in lines] == [0, 1, 2, 3]
    assert lines[0]["accept"] == "application/jsonlines"
    assert came[0][1] < lines[-1]["at"], "the first piece came when the last one was written"


def test_a_large_piece_arrives_whole(streamed):
    body = b"".join(piece for piece, _ in parts(streamed("large")))
    assert body.endswith(b"x" * 5_000_000)


def test_an_error_before_the_first_piece_is_a_model_error(streamed):
    with pytest.raises(ClientError) as error:
        streamed("fail")
    assert error.value.response["Error"]["Code"] == "ModelError"
    assert error.value.response["OriginalStatusCode"] == 500


def test_a_model_that_goes_away_ends_the_stream_with_an_event(streamed):
    events = iter(streamed("die")["Body"])
    assert json.loads(next(events)["PayloadPart"]["Bytes"].splitlines()[0])["number"] == 0
    with pytest.raises(EventStreamError, match="ModelStreamError") as error:
        list(events)
    assert "broke off" in str(error.value)


def test_there_must_be_such_an_endpoint(endpoints):
    with pytest.raises(ClientError, match="Endpoint none of account 000000000000 not found"):
        endpoints.runtime.invoke_endpoint_with_response_stream(EndpointName="none", Body=b"")

"""HTTP as callers really send it: in pieces, several at once, too slowly, too large, or not HTTP at all."""

import socket
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

ECHO = """
import time
def model_fn(d):
    return 1
def transform_fn(model, body, content_type, accept):
    if body.startswith("sleep"):
        time.sleep(float(body[5:]))
    return body, "text/plain"
"""
HEAD = "POST /invocations HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/csv\r\n"


@pytest.fixture(scope="module")
def echo(start):
    return start(ECHO, SAGEMAKER_MODEL_SERVER_TIMEOUT="2", SAGEMAKER_MAX_PAYLOAD_IN_MB="1")


@pytest.fixture
def wire(echo):
    with socket.create_connection(("127.0.0.1", echo.port), timeout=60) as connection:
        yield connection


def request(body, *headers):
    return (HEAD + "".join(f"{h}\r\n" for h in headers) + f"Content-Length: {len(body)}\r\n\r\n{body}").encode()


def read_until(wire, ending):
    data = b""
    while not data.endswith(ending):
        more = wire.recv(65536)
        assert more, data
        data += more
    return data


def read_to_end(wire):
    data = b""
    while more := wire.recv(65536):
        data += more
    return data


def test_a_request_byte_by_byte(wire):
    for byte in request("abc"):
        wire.send(bytes([byte]))
    assert read_until(wire, b"abc").startswith(b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ndate: ")


def test_requests_sent_at_once_are_answered_in_order(wire):
    bodies = ["one", "sleep0.1", *(f"n{number}" for number in range(500)), "end"]
    wire.sendall(b"".join(request(body) for body in bodies))
    answers = read_until(wire, b"\r\n\r\nend").split(b"HTTP/1.1 200 OK\r\n")[1:]
    assert [answer.partition(b"\r\n\r\n")[2].decode() for answer in answers] == bodies


def test_a_known_head_with_another_body_or_in_pieces(wire):
    for body in ("abc", "xyz"):
        wire.sendall(request(body))
        read_until(wire, body.encode())
    whole = request("abc")
    wire.sendall(whole[:-1])
    time.sleep(0.05)
    wire.sendall(whole[-1:] + request("qqq"))
    answers = read_until(wire, b"qqq")
    assert (answers.count(b"200 OK"), b"\r\n\r\nabc" in answers) == (2, True)


def test_a_known_head_is_not_taken_for_the_head_of_a_chunked_body(wire):
    chunked = (HEAD + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n").encode()
    for _ in range(3):
        wire.sendall(chunked)
        assert read_until(wire, b"abc").count(b"200 OK") == 1


def test_long_bodies_in_pieces_with_what_follows_them(wire):
    long = "x" * (1024 * 1024 - 10)
    data = request("abc") + request(long) + request("y" * 1_048_576) + request("end")
    for start in range(0, len(data), 300_001):
        wire.sendall(data[start : start + 300_001])
    answers = read_until(wire, b"\r\n\r\nend").split(b"HTTP/1.1 200 OK\r\n")[1:]
    bodies = [answer.partition(b"\r\n\r\n")[2].decode() for answer in answers]
    assert bodies == ["abc", long, "y" * 1_048_576, "end"]


def test_expect_100_continue(wire):
    wire.sendall((HEAD + "Expect: 100-continue\r\nContent-Length: 3\r\n\r\n").encode())
    assert read_until(wire, b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    wire.sendall(b"abc")
    assert read_until(wire, b"abc").startswith(b"HTTP/1.1 200 OK")


def test_expect_100_continue_for_too_large_a_body_is_refused_before_it_is_sent(wire):
    wire.sendall((HEAD + "Expect: 100-continue\r\nContent-Length: 2000000\r\n\r\n").encode())
    assert read_until(wire, b"}").startswith(b"HTTP/1.1 413")


def test_a_caller_that_closes_its_side_still_gets_its_answer(wire):
    wire.sendall(request("sleep0.2"))
    wire.shutdown(socket.SHUT_WR)
    assert read_to_end(wire).endswith(b"sleep0.2")


@pytest.mark.parametrize("head", ["Connection: close", "Connection: Close, x"])
def test_connection_close(wire, head):
    wire.sendall(request("abc", head))
    assert b"connection: close\r\n" in read_to_end(wire)


def test_http_1_0_closes(wire):
    wire.sendall(request("abc").replace(b"HTTP/1.1", b"HTTP/1.0"))
    assert read_to_end(wire).endswith(b"abc")


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
        (b"GET\r\n\r\n", 400),
        (b"POST /invocations HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST /invocations HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400),
        (HEAD.encode() + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", 400),
        (b"POST /invocations HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
        (b"GET /ping HTTP/1.1\r\nX: " + b"x" * 100_000, 431),
        (b"GET /" + b"x" * 100_000, 431),
        (HEAD.encode() + b"Content-Length: 99999999999\r\n\r\n", 413),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    ],
)
def test_what_is_not_a_request_is_refused_and_the_connection_closed(wire, sent, status):
    wire.sendall(sent)
    answer = read_to_end(wire)
    assert answer.startswith(b"HTTP/1.1 %d " % status), answer
    assert b'{"error": ' in answer


def test_an_offer_to_upgrade_is_declined(wire):
    wire.sendall(request("abc", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AA"))
    assert read_to_end(wire).startswith(b"HTTP/1.1 200 OK")


def test_slow_senders_are_refused_after_the_time_out_however_they_drip(echo):
    drips = {b"P": b"", HEAD.encode()[:30]: b"X", HEAD.encode() + b"Content-Length: 99\r\n\r\nab": b"c"}

    def answer(sent):
        with socket.create_connection(("127.0.0.1", echo.port), timeout=0.3) as wire:
            wire.sendall(sent)
            for _ in range(90):  # 0.3 s each; 97 drips would be a whole request
                try:
                    return wire.recv(65536)
                except TimeoutError:
                    wire.send(drips[sent])
        return b""

    with ThreadPoolExecutor() as pool:
        for got in pool.map(answer, drips):
            assert got.startswith(b"HTTP/1.1 408 ")
    assert echo.invoke("abc", "text/csv").status == 200


def test_a_caller_that_goes_away_harms_nobody(echo):
    for sent in (request("sleep0.1"), request("abc")[:-1], b"POST"):
        with socket.create_connection(("127.0.0.1", echo.port)) as wire:
            wire.sendall(sent)
    assert echo.invoke("abc", "text/csv").body == b"abc"


def test_a_content_type_of_the_script_cannot_add_a_header(start):
    server = start(
        "def model_fn(d):\n    return 1\n"
        "def transform_fn(m, body, c, a):\n    return body, 'text/plain\\r\\nx-evil: 1'\n"
    )
    assert "x-evil" not in server.invoke("abc", "text/csv").headers

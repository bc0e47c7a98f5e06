"""Responses: their length, their date, and errors as botocore reads them."""

import asyncio
from typing import Any

import pytest
from botocore.parsers import create_parser

from localaws.protocol.asgi import Message, Response


def sent(response: Response) -> tuple[dict[bytes, bytes], list[bytes], bytes]:
    """The headers, their names, and the body."""
    messages: list[Message] = []

    async def send(message: Message) -> None:
        messages.append(message)

    asyncio.run(response.send(send))
    start, body = messages
    return dict(start["headers"]), [name for name, _ in start["headers"]], body["body"]


@pytest.mark.parametrize(
    "response",
    [
        Response.text(200, "größer"),
        Response.json(200, {"a": 1}),
        Response(200, [(b"Content-Length", b"3"), (b"x-more", b"1")], b"12345"),
        Response(200, []),
    ],
)
def test_the_length_is_the_bodys(response: Response) -> None:
    headers, names, body = sent(response)
    assert headers[b"content-length"] == str(len(body)).encode()
    assert [name.lower() for name in names].count(b"content-length") == 1


def test_no_content_has_no_length() -> None:
    assert b"content-length" not in sent(Response(204, []))[0]


def test_a_response_is_dated_once() -> None:
    given = Response(200, [(b"Date", b"Thu, 01 Jan 2026 00:00:00 GMT")]).dated()
    assert given.headers == [(b"Date", b"Thu, 01 Jan 2026 00:00:00 GMT")]
    assert [name for name, _ in Response(200, []).dated().headers] == [b"date"]


@pytest.mark.parametrize("protocol", ["json", "rest-json"])
def test_botocore_reads_an_error(protocol: str) -> None:
    error = Response.aws_error(424, "ModelError", "Received server error", {"OriginalStatusCode": 500})
    headers: dict[str, Any] = {name.decode(): value.decode() for name, value in error.headers}
    parsed = create_parser(protocol).parse({"status_code": 424, "headers": headers, "body": error.body}, None)
    assert parsed["Error"] == {"Code": "ModelError", "Message": "Received server error"}

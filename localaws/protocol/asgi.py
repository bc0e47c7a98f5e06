"""ASGI (https://asgi.readthedocs.io/en/latest/specs/main.html): its types, requests to read, responses to send."""

import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any, Self

import orjson

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

AMZ_JSON = "application/x-amz-json-1.1"
"""The content type of AWS's JSON 1.1 protocol."""

JSON = "application/json"
"""The content type of AWS's REST-JSON protocol."""


@dataclass(frozen=True)
class Response:
    """A complete HTTP response.

    Attributes
    ----------
    status : int
    headers : list of (bytes, bytes)
        Without ``content-length``, which `send` adds.
    body : bytes
    """

    status: int
    headers: Headers
    body: bytes = b""

    @classmethod
    def of(cls, status: int, content_type: str, body: bytes, headers: Mapping[str, str] | None = None) -> Self:
        """Make a response of any content.

        Parameters
        ----------
        status : int
        content_type : str
        body : bytes
        headers : mapping of str to str or None
            More headers; names in lower case.
        """
        named = {"content-type": content_type, **(headers or {})}
        return cls(status, [(name.encode(), value.encode("latin-1")) for name, value in named.items()], body)

    @classmethod
    def json(
        cls,
        status: int,
        document: Any,
        headers: Mapping[str, str] | None = None,
        content_type: str = "application/json",
    ) -> Self:
        """Make a response of a JSON value; parameters as those of `of`."""
        return cls.of(status, content_type, orjson.dumps(document), headers)

    @classmethod
    def text(cls, status: int, text: str, headers: Mapping[str, str] | None = None) -> Self:
        """Make a response of plain text; parameters as those of `of`."""
        return cls.of(status, "text/plain; charset=utf-8", text.encode(), headers)

    @classmethod
    def aws_error(
        cls,
        status: int,
        code: str,
        message: str,
        members: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        content_type: str = AMZ_JSON,
    ) -> Self:
        """Make an error of AWS's JSON protocols, its code and message wherever clients look for them.

        Parameters
        ----------
        status : int
        code : str
            Such as ``ValidationException``.
        message : str
        members : mapping or None
            Those of the error's shape, beside the message.
        headers : mapping of str to str or None
            More headers.
        content_type : str, default=AMZ_JSON
            ``application/json`` for the services whose protocol is REST.
        """
        document = {"__type": code, "message": message, "Message": message, **(members or {})}
        return cls.json(status, document, {"x-amzn-errortype": code, **(headers or {})}, content_type)

    def dated(self) -> Self:
        """Return the response with the time in its header ``date``, unless it has one; for a server that adds none."""
        if any(name.lower() == b"date" for name, _ in self.headers):
            return self
        now = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime())
        return replace(self, headers=[*self.headers, (b"date", now.encode())])

    async def send(self, send: Send) -> None:
        """Answer a request."""
        headers = [(name, value) for name, value in self.headers if name.lower() != b"content-length"]
        if self.status != HTTPStatus.NO_CONTENT:  # RFC 9110, 8.6: which has no length
            headers.append((b"content-length", str(len(self.body)).encode()))
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.body})


async def read_body(receive: Receive) -> bytes | None:
    """Return the whole body of a request; None when its client has left in the middle of it."""
    chunks = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        chunks.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(chunks)

"""Connections to model servers: HTTP/1.1 on the event loop, kept open, one request at a time on each.

A client library would take longer than the model: every invocation goes through this code.
"""

import asyncio
import select
from dataclasses import dataclass, field
from typing import Any

import httptools

Headers = list[tuple[bytes, bytes]]

_IDLE_LIMIT = 60.0  # the model server closes an idle connection after 75 s


class UnreachableError(Exception):
    """The server does not accept connections."""


class BrokenError(Exception):
    """The connection ended before the answer was complete."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A model server's answer.

    Attributes
    ----------
    metrics : dict of str to float
        What is counted of it beside what is counted of every answer, by CloudWatch's names.
    """

    status: int
    content_type: str
    headers: dict[bytes, bytes]
    body: bytes
    metrics: dict[str, float] = field(default_factory=dict)


class ModelClient:
    """Sends requests to model servers on this host."""

    def __init__(self) -> None:
        self._idle: dict[int, list[_Connection]] = {}

    async def ask(
        self,
        port: int,
        headers: Headers,
        body: bytes,
        seconds: float,
        method: str = "POST",
        path: str = "/invocations",
    ) -> Answer:
        """Send a request.

        Raises
        ------
        UnreachableError
            If the server does not accept a connection.
        BrokenError
            If it ended the connection before it answered.
        TimeoutError
            If there is no answer within this many seconds.
        """
        request = request_bytes(port, headers, body, f"{method} {path}".encode())
        async with asyncio.timeout(seconds):
            return await self._ask(self._take(port) or await _connect(port), request)

    def _take(self, port: int) -> "_Connection | None":
        idle = self._idle.get(port, [])
        now = asyncio.get_running_loop().time()
        while idle:
            connection = idle.pop()
            if now - connection.idle_since < _IDLE_LIMIT and not connection.is_stale:
                return connection
            connection.close()
        return None

    async def _ask(self, connection: "_Connection", request: bytes) -> Answer:
        try:
            answer = await connection.ask(request)
        except BaseException:
            connection.close()
            raise
        if connection.keeps_alive:
            connection.idle_since = asyncio.get_running_loop().time()
            self._idle.setdefault(connection.port, []).append(connection)
        else:
            connection.close()
        return answer

    def forget(self, port: int) -> None:
        """Close the idle connections to a server that is gone."""
        for connection in self._idle.pop(port, []):
            connection.close()


async def _connect(port: int) -> "_Connection":
    try:
        _, connection = await asyncio.get_running_loop().create_connection(lambda: _Connection(port), "127.0.0.1", port)
    except OSError as error:
        raise UnreachableError(str(error)) from error
    return connection


def request_bytes(port: int, headers: Headers, body: bytes, target: bytes = b"POST /invocations") -> bytes:
    """Return the bytes of a request as sent over the connection."""
    lines = b"".join([b"%b: %b\r\n" % header for header in headers])
    start = b"%b HTTP/1.1\r\nhost: 127.0.0.1:%d\r\n%bcontent-length: %d\r\n\r\n"
    return start % (target, port, lines, len(body)) + body


class _Connection(asyncio.Protocol):
    def __init__(self, port: int) -> None:
        self.port = port
        self.closed = False
        self.keeps_alive = False
        self.idle_since = 0.0
        self._transport: Any = None
        self._poll = select.poll()
        self._parser: Any = None
        self._headers: dict[bytes, bytes] = {}
        self._chunks: list[bytes] = []
        self._waiting: asyncio.Future[Answer] | None = None

    @property
    def is_stale(self) -> bool:
        """Whether the server has closed it while it was idle, even if the event loop has not been told yet.

        So a request need never be repeated on another connection, which might send it to a model twice.
        """
        return self.closed or bool(self._poll.poll(0))

    async def ask(self, request: bytes) -> Answer:
        self._parser = httptools.HttpResponseParser(self)
        self._headers, self._chunks = {}, []
        self._waiting = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._waiting

    def close(self) -> None:
        self.closed = True
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._poll.register(transport.get_extra_info("socket").fileno(), select.POLLIN)

    def connection_lost(self, error: Exception | None) -> None:
        self.closed = True
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(BrokenError(f"the model server ended the connection ({error})"))

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, AttributeError) as error:
            self._fail(BrokenError(f"the answer is not HTTP: {error}"))

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.lower()] = value

    def on_body(self, chunk: bytes) -> None:
        self._chunks.append(chunk)

    def on_message_complete(self) -> None:
        self.keeps_alive = self._parser.should_keep_alive()
        if self._waiting is not None and not self._waiting.done():
            content_type = self._headers.get(b"content-type", b"application/octet-stream").decode("latin-1")
            answer = Answer(self._parser.get_status_code(), content_type, self._headers, b"".join(self._chunks))
            self._waiting.set_result(answer)

    def _fail(self, error: Exception) -> None:
        self.close()
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(error)

"""A model server's answer, piece by piece as it arrives.

Each stream has a connection of its own: streams are long, and a connection costs nothing beside them. When the reader
is slower than the model, the connection is not read any further until the reader has caught up.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httptools

from localaws.sagemaker.runtime.client import BrokenError, Headers, UnreachableError, request_bytes

_PIECES_AHEAD = 32


class AnswerStream(asyncio.Protocol):
    """An answer in progress, created by `open_stream`."""

    def __init__(self) -> None:
        self._transport: Any = None
        self._parser: Any = httptools.HttpResponseParser(self)
        self._pieces: asyncio.Queue[bytes | BrokenError | None] = asyncio.Queue()
        self._begun: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._ended = False
        self.headers: dict[bytes, bytes] = {}

    @property
    def status(self) -> int:
        """The answer's status code."""
        code: int = self._parser.get_status_code()
        return code

    @property
    def content_type(self) -> str:
        """The answer's media type."""
        return self.headers.get(b"content-type", b"application/octet-stream").decode("latin-1")

    async def ask(self, request: bytes) -> None:
        """Send a request; return when the answer has begun."""
        self._transport.write(request)
        await self._begun

    async def pieces(self) -> AsyncIterator[bytes]:
        """Yield the pieces of the body.

        Raises
        ------
        BrokenError
            If the connection ended before the answer was complete.
        """
        while (piece := await self._pieces.get()) is not None:
            if isinstance(piece, BrokenError):
                raise piece
            if self._pieces.qsize() < _PIECES_AHEAD:
                self._transport.resume_reading()
            yield piece

    def close(self) -> None:
        """End the connection, even if the model has more to send."""
        self._ended = True
        self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Implement asyncio.Protocol."""
        self._transport = transport

    def connection_lost(self, error: Exception | None) -> None:
        """Implement asyncio.Protocol."""
        self._break(BrokenError(f"the model server ended the connection ({error})"))

    def data_received(self, data: bytes) -> None:
        """Implement asyncio.Protocol."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._break(BrokenError(f"the answer is not HTTP: {error}"))
        if self._pieces.qsize() >= _PIECES_AHEAD:
            self._transport.pause_reading()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Handle a callback of the parser."""
        self.headers[name.lower()] = value

    def on_headers_complete(self) -> None:
        """Handle a callback of the parser."""
        if not self._begun.done():
            self._begun.set_result(None)

    def on_body(self, piece: bytes) -> None:
        """Handle a callback of the parser."""
        self._pieces.put_nowait(piece)

    def on_message_complete(self) -> None:
        """Handle a callback of the parser."""
        self._ended = True
        self._pieces.put_nowait(None)

    def _break(self, error: BrokenError) -> None:
        if self._ended:
            return
        self._ended = True
        self._pieces.put_nowait(error)
        if not self._begun.done():
            self._begun.set_exception(error)


async def open_stream(port: int, headers: Headers, body: bytes) -> AnswerStream:
    """POST a body to /invocations; return when the answer has begun. The caller closes the stream.

    Raises
    ------
    UnreachableError
        If the server does not accept a connection.
    BrokenError
        If it ended the connection before it answered.
    """
    try:
        _, stream = await asyncio.get_running_loop().create_connection(AnswerStream, "127.0.0.1", port)
    except OSError as error:
        raise UnreachableError(str(error)) from error
    try:
        await stream.ask(request_bytes(port, headers, body))
    except BaseException:
        stream.close()
        raise
    return stream

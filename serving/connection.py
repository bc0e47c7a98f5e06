"""One HTTP/1.1 connection: bytes in, requests to the application, its answers out, in order.

httptools (Node's parser) takes the bytes apart; asyncio on uvloop moves them. What a connection must bear, beside the
good case: requests in pieces or several at once, callers that send for ever or not at all, bodies that are too large,
and answers made while the caller goes away. A sweep, each second, ends what is overdue.

A client that keeps its connection repeats the same head, byte for byte, with every request. So heads that were parsed
once are remembered: a whole request under a known head costs one look into a dictionary instead of a parse.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import httptools

from serving.board import Field, Row
from serving.errors import BadRequestError, HeadTooLargeError, PayloadTooLargeError, RequestError, RequestTimeoutError
from serving.media import parse_accept, parse_content_type
from serving.message import Head, Response, first_lines, refusal, start_of
from serving.pages import is_loopback, refuse_pages
from serving.settings import Settings

Handle = Callable[[Head, bytes, "Connection"], None]
"""The application: takes a request and answers it, then or later, by the connection's `respond`."""

# Longer than the idle time of what may stand in front (an Application Load Balancer: 60 s), so that it is
# never this server which closes a connection on which the next request is already under way.
_KEEP_ALIVE_SECONDS = 75
_MAX_HEAD_BYTES = 65_536
# A refused body is read to its end, so that the caller, who reads no answer while it sends, gets one; up to here.
_MAX_DISCARDED_BYTES = 64 * 1024 * 1024
_MAX_KNOWN_HEADS = 512
_MAX_KNOWN_HEAD_BYTES = 2048
_LONG_BODY_BYTES = 512 * 1024
# Above it, joining head and body costs more than handing them over apart.
_JOINED_BYTES = 65_536

_UNREADABLE = Head("", "", "", (), parse_content_type(""), parse_accept(""), 0, keep_alive=False, chunks=False)


class Connections:
    """What the connections of one worker share.

    Parameters
    ----------
    handle : callable(Head, bytes, Connection)
    settings : Settings
    row : Row
        The worker's numbers.
    """

    def __init__(self, handle: Handle, settings: Settings, row: Row) -> None:
        self.handle = handle
        self.timeout = settings.timeout
        self.max_bytes = settings.max_payload_bytes
        self.default_accept = settings.default_accept
        self.listens_on_loopback = is_loopback(settings.host)
        self.row = row
        self.open: set[Connection] = set()
        self.draining = False
        self.known_heads: dict[bytes, Head] = {}

    def new(self) -> "Connection":
        """Return a protocol for asyncio."""
        return Connection(self)

    def sweep(self) -> None:
        """Called each second: end the connections that are overdue."""
        for connection in list(self.open):
            connection.second_passed()

    def drain(self) -> None:
        """Answer what was asked, then close; idle connections close at once."""
        self.draining = True
        for connection in list(self.open):
            connection.close_if_idle()

    def too_large(self) -> PayloadTooLargeError:
        """Return the refusal of a body over the limit."""
        return PayloadTooLargeError(
            f"The body is larger than {self.max_bytes} bytes (SAGEMAKER_MAX_PAYLOAD_IN_MB): "
            "send fewer records at a time."
        )


class Connection(asyncio.Protocol):
    """The protocol of one connection.

    Parameters
    ----------
    shared : Connections
    """

    def __init__(self, shared: Connections) -> None:
        self._shared = shared
        self._transport: Any = None
        self._parser = httptools.HttpRequestParser(self)
        self._requests: deque[tuple[Head, bytes, RequestError | None]] = deque()  # whole, not yet handled
        self._current: Head | None = None  # the request that is being answered
        self._receiving = False  # between a request's first byte and its last
        self._seconds = 0  # whole ones since its first byte, or since the connection became idle
        self._handling = False
        self._ended = False  # the caller will send no more
        self.gone = False
        self.writable = threading.Event()  # for the thread that makes a stream
        self.writable.set()
        self._refused: RequestError | None = None
        self._chunks: list[bytes] = []
        self._start_message()

    # What asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = transport
        self._shared.open.add(self)
        self._shared.row[Field.OPEN_CONNECTIONS] += 1

    def connection_lost(self, _error: Exception | None) -> None:
        """Forget the connection, which either side has closed."""
        self.gone = True
        self.writable.set()
        self._shared.open.discard(self)
        self._shared.row[Field.OPEN_CONNECTIONS] -= 1
        self._shared.row[Field.CLOSED_CONNECTIONS] += 1

    def eof_received(self) -> bool:
        """Note that the caller sends no more; it may still wait for its answers."""
        self._ended = True
        return self._current is not None

    def pause_writing(self) -> None:
        """Hold back streams: the caller reads more slowly than the model writes."""
        self.writable.clear()

    def resume_writing(self) -> None:
        """Let streams go on: the caller has caught up."""
        self.writable.set()

    def data_received(self, data: bytes) -> None:
        """Take the caller's bytes."""
        if not self._receiving and self._current is None:
            self._seconds = 0
            end = data.find(b"\r\n\r\n") + 4
            head = self._shared.known_heads.get(data[:end])
            if head is not None and len(data) - end == head.length:
                self._current = head
                self._shared.handle(head, data[end:], self)
                return
        if self._missing:
            data = self._take(data)
        if data:
            self._parse(data)
        self._handle_requests()

    # What httptools calls

    def on_message_begin(self) -> None:
        """Begin a request."""
        self._start_message()
        self._receiving = True

    def on_url(self, url: bytes) -> None:
        """Take in part of its target."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take in one of its headers."""
        self._headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """Read its headers, now complete."""
        try:
            self._head = self._read_head()
        except RequestError as error:
            self._head, self._refused = _UNREADABLE, error
            return
        limit = self._shared.max_bytes
        if limit is not None and (self._head.length or 0) > limit:
            self._refused = self._shared.too_large()
        self._expects = self._head.header(b"expect").lower() == "100-continue"
        if self._expects and self._refused is None:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, chunk: bytes) -> None:
        """Take in part of its body."""
        self._size += len(chunk)
        limit = self._shared.max_bytes
        if self._refused is None and limit is not None and self._size > limit:
            self._refused = self._shared.too_large()
        if self._refused is None:
            self._chunks.append(chunk)
        else:
            self._chunks.clear()

    def on_message_complete(self) -> None:
        """Queue the request, now complete."""
        self._receiving = False
        self._seconds = 0
        self._requests.append((self._head, b"".join(self._chunks), self._refused))
        self._chunks = []

    # What the application calls

    def respond(self, response: Response) -> None:
        """Answer the request that is being handled, wholly."""
        keep_alive = self._keeps_alive()
        # RFC 9110 (8.6): no length with 204, which has no body.
        bodiless = response.status == HTTPStatus.NO_CONTENT
        framing = b"" if bodiless else b"content-length: %d\r\n" % len(response.body)
        start = start_of(response, keep_alive, framing)
        self._write(start, response.body)
        self._answered(keep_alive)

    def succeed(self, body: bytes, content_type: str) -> None:
        """Answer with what most requests are answered with, at once: 200, a body, its type."""
        if self._requests or not self._keeps_alive():
            self.respond(Response(body, content_type))
            return
        self._write(b"%bcontent-length: %d\r\n\r\n" % (first_lines(200, content_type), len(body)), body)
        self._current = None

    def begin(self, response: Response) -> None:
        """Begin an answer whose body comes by `send`."""
        chunks = self._current is not None and self._current.chunks
        keep_alive = chunks and self._keeps_alive()
        framing = b"transfer-encoding: chunked\r\n" if chunks else b""
        self._transport.write(start_of(response, keep_alive, framing))

    def send(self, chunk: bytes) -> None:
        """Send a part of the body of the answer that has begun."""
        if self.gone or not chunk:  # an empty chunk would end the body
            return
        chunks = self._current is not None and self._current.chunks
        self._transport.write(b"%x\r\n%b\r\n" % (len(chunk), chunk) if chunks else chunk)

    def finish(self) -> None:
        """End the answer that has begun."""
        if self.gone:
            return
        chunks = self._current is not None and self._current.chunks
        if chunks:
            self._transport.write(b"0\r\n\r\n")
        self._answered(chunks and self._keeps_alive())

    def abort(self) -> None:
        """Break off: the only way to say, in the middle of a body, that it will never be whole."""
        self._transport.abort()

    # What the sweep calls

    def second_passed(self) -> None:
        """End this connection if it is overdue."""
        if self._current is not None and not self._receiving:
            return  # the application has a time-out of its own
        self._seconds += 1
        if self._receiving and self._seconds > self._shared.timeout:
            sentence = f"The request was not whole within {self._shared.timeout} seconds of its first byte."
            self._refuse(RequestTimeoutError(sentence))
        elif not self._receiving and self._seconds > _KEEP_ALIVE_SECONDS:
            self._transport.abort()  # close would wait for a caller that does not read

    def close_if_idle(self) -> None:
        """Close, unless a request is on its way or being answered."""
        if self._current is None and not self._receiving:
            self._transport.close()

    # The rest

    def _write(self, start: bytes, body: bytes) -> None:
        if len(body) > _JOINED_BYTES:
            self._transport.writelines([start, body])
        else:
            self._transport.write(start + body)

    def _start_message(self) -> None:
        self._url = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._head = _UNREADABLE
        self._chunks = []
        self._size = 0
        self._received = 0
        self._expects = False
        self._missing = 0  # bytes of a long body that have not come yet
        self._refused = None

    def _parse(self, data: bytes) -> None:
        alone = not self._receiving and not self._requests
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            pass  # another protocol is offered, not demanded: the answer is in this one, and the last
        except httptools.HttpParserError as error:
            self._refuse(BadRequestError(f"This is not HTTP/1.1: {error}."))
            return
        if self._receiving:
            self._received += len(data)
            self._check_received()
            if self._refused is None and (self._head.length or 0) > _LONG_BODY_BYTES:
                self._missing = (self._head.length or 0) - self._size
        elif alone and len(self._requests) == 1:
            self._remember(data)

    def _take(self, data: bytes) -> bytes:
        """Keep what belongs to a long body, which the parser would only copy; return the rest, for a new one."""
        part = data[: self._missing]
        self._missing -= len(part)
        self.on_body(part)
        if not self._missing:
            self._parser = httptools.HttpRequestParser(self)
            self.on_message_complete()
        return data[len(part) :]

    def _read_head(self) -> Head:
        refuse_pages(self._headers, listens_on_loopback=self._shared.listens_on_loopback)
        headers = dict(self._headers)
        length = headers.get(b"content-length", b"0")
        chunked = b"transfer-encoding" in headers
        version = self._parser.get_http_version()
        path, _, query = self._url.partition(b"?")
        return Head(
            method=self._parser.get_method().decode("latin-1"),
            path=path.decode("latin-1"),
            query=query.decode("latin-1"),
            headers=tuple(self._headers),
            media=parse_content_type(headers.get(b"content-type", b"").decode("latin-1")),
            accept=parse_accept(headers.get(b"accept", b"").decode("latin-1"), self._shared.default_accept),
            length=None if chunked else int(length),
            keep_alive=self._parser.should_keep_alive() and not self._parser.should_upgrade(),
            chunks=version != "1.0",
        )

    def _remember(self, data: bytes) -> None:
        """Keep the head of a request that came whole, alone, and without anything that needs a parser's care."""
        head, body, refused = self._requests[0]
        known = self._shared.known_heads
        end = data.find(b"\r\n\r\n") + 4
        plain = refused is None and head.length == len(body) == len(data) - end and not head.header(b"expect")
        if plain and head.keep_alive and end <= _MAX_KNOWN_HEAD_BYTES:
            if len(known) >= _MAX_KNOWN_HEADS:
                known.clear()
            known[data[:end]] = head

    def _check_received(self) -> None:
        if self._head is _UNREADABLE and self._refused is None and self._received > _MAX_HEAD_BYTES:
            self._refuse(HeadTooLargeError(f"The request's head is larger than {_MAX_HEAD_BYTES} bytes."))
        elif self._refused is not None and (self._expects or self._rest_is_too_long()):
            self._refuse(self._refused)

    def _rest_is_too_long(self) -> bool:
        return max(self._size, self._head.length or 0) > _MAX_DISCARDED_BYTES

    def _handle_requests(self) -> None:
        if self._handling:
            return
        self._handling = True
        while self._requests and self._current is None and not self.gone:
            head, body, refused = self._requests.popleft()
            self._current = head
            if refused is None:
                self._shared.handle(head, body, self)
            else:
                self.respond(refusal(refused))
        self._handling = False
        if self.gone or self._transport.is_closing():
            return
        # Who sends several requests at once gets them answered one after the other, and no more of them are read.
        if self._requests:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    def _refuse(self, error: RequestError) -> None:
        """Answer what cannot be read to its end, and close."""
        self._receiving = False
        if self._current is None and not self._transport.is_closing():
            self._current = _UNREADABLE
            self.respond(refusal(error))
        else:
            self._ended = True  # after the answer that is being made

    def _keeps_alive(self) -> bool:
        if self._current is None or self._shared.draining:
            return False
        return self._current.keep_alive and (not self._ended or bool(self._requests))

    def _answered(self, keep_alive: bool) -> None:
        self._current = None
        self._seconds = 0
        if not keep_alive:
            self._requests.clear()
            self._transport.close()
        elif self._requests:
            self._handle_requests()

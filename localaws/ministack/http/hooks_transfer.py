"""MiniStack's HTTP: large bodies that come and go."""

import asyncio
import importlib
from collections.abc import Awaitable, Callable
from typing import Any

from localaws.ministack.pieces import LARGE_BYTES
from localaws.ministack.private import private
from localaws.protocol.asgi import Message, Receive, Send

_PIECE_BYTES = 256 * 1024


def read_large_bodies() -> None:
    """Put the pieces of a large body together outside of the event loop.

    Hook ``ministack.app._read_request_body``, which joins what it receives; one piece is taken as it is. It unpacks
    ``_decode_aws_chunked_body`` afterwards.
    """
    app: Any = importlib.import_module("ministack.app")
    read = private(app.__name__, "_read_request_body")

    async def read_joined(receive: Receive, method: str, headers: Any) -> Any:
        return await read(_joining(receive), method, headers)

    app._read_request_body = read_joined


def _joining(receive: Receive) -> Receive:
    """Return the whole body in the first message that has any of it."""

    async def receive_whole() -> Message:
        message = await receive()
        pieces = [message.get("body", b"")]
        while message["type"] == "http.request" and message.get("more_body"):
            message = await receive()
            pieces.append(message.get("body", b""))
        if message["type"] != "http.request":
            return message
        is_large = sum(map(len, pieces)) > LARGE_BYTES
        body = await asyncio.to_thread(b"".join, pieces) if is_large else b"".join(pieces)
        return {**message, "body": body}

    return receive_whole


def in_small_pieces(send: Send) -> Callable[[Message], Awaitable[None]]:
    """Return a `send` that hands a large body over bit by bit, as fast as the client takes it."""

    async def send_pieces(message: Message) -> None:
        body = message.get("body", b"")
        if message["type"] != "http.response.body" or len(body) <= LARGE_BYTES:
            await send(message)
            return
        view = memoryview(body)
        for start in range(0, len(body), _PIECE_BYTES):
            more = start + _PIECE_BYTES < len(body) or message.get("more_body", False)
            await send({**message, "body": bytes(view[start : start + _PIECE_BYTES]), "more_body": more})

    return send_pieces

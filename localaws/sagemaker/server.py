"""SageMaker's HTTP front: JSON 1.1 over POST, one thread of a pool for each request.

Errors are answered as AWS does: ``{"__type": "ValidationException", "message": "..."}`` with the code in a header too.
"""

import asyncio
import logging
import os
import uuid
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import orjson

from localaws.sagemaker.api import Api
from localaws.sagemaker.errors import ApiError, InternalFailure, SerializationError, UnsupportedOperation
from localaws.sagemaker.runtime.service import PREFIX, Runtime

logger = logging.getLogger(__name__)

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

_TARGET = b"SageMaker."
_THREADS = 16


class Server:
    """The ASGI application.

    Parameters
    ----------
    api : Api
    runtime : Runtime
        Answers what is asked of endpoints.
    on_shutdown : callable
        Called when the HTTP server ends.
    """

    def __init__(self, api: Api, runtime: Runtime, on_shutdown: Callable[[], None]) -> None:
        self._api, self._runtime, self._on_shutdown = api, runtime, on_shutdown
        self._pool = ThreadPoolExecutor(max_workers=_THREADS, thread_name_prefix="api")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or take part in the server's start and end."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
            return
        if scope["method"] == "GET" and scope["path"] == "/health":
            await _send(send, 200, {"status": "ok", "pid": os.getpid()})
            return
        headers = dict(scope["headers"])
        body = await _body(receive)
        if scope["path"].startswith(PREFIX):
            await self._runtime(scope["path"], headers, body, send)
            return
        loop = asyncio.get_running_loop()
        status, answer = await loop.run_in_executor(
            self._pool, self._answer, scope["path"], headers.get(b"x-amz-target", b""), body
        )
        await _send(send, status, answer)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await self._runtime.start()
            await send({"type": f"{message['type']}.complete"})
            if message["type"] == "lifespan.shutdown":
                self._on_shutdown()
                return

    def _answer(self, path: str, target: bytes, body: bytes) -> tuple[int, Any]:
        try:
            if not target.startswith(_TARGET):
                raise UnsupportedOperation(f"{path}: the local SageMaker has no such route")
            return 200, self._api.call(target.removeprefix(_TARGET).decode(), _parsed(body))
        except ApiError as error:
            return error.http_status, _error(error)
        except Exception:
            logger.exception("A defect of the local SageMaker in %s", target.decode())
            return 500, _error(InternalFailure("A defect of the local SageMaker: its log has the traceback"))


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        request = orjson.loads(body or b"{}")
    except ValueError as error:
        raise SerializationError(f"The request's body is not JSON: {error}") from error
    if not isinstance(request, dict):
        raise SerializationError("The request's body is not a JSON object")
    return request


def _error(error: ApiError) -> dict[str, str]:
    return {"__type": error.code, "message": error.message, "Message": error.message}


async def _body(receive: Receive) -> bytes:
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


async def _send(send: Send, status: int, answer: Any) -> None:
    body = orjson.dumps(answer)
    headers = [
        (b"content-type", b"application/x-amz-json-1.1"),
        (b"content-length", str(len(body)).encode()),
        (b"x-amzn-requestid", str(uuid.uuid4()).encode()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})

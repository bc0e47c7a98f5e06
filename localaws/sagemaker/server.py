"""SageMaker's HTTP front: JSON 1.1 over POST, one thread of a pool for each request."""

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from localaws.document import Document
from localaws.protocol.asgi import Receive, Scope, Send, read_body
from localaws.protocol.json_api import answered, parsed, send_document
from localaws.sagemaker.errors import UnsupportedOperation
from localaws.sagemaker.runtime.service import PREFIX, Runtime
from localaws.sagemaker.service import Api

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
    state_dir : Path
        Where everything is kept.
    """

    def __init__(self, api: Api, runtime: Runtime, on_shutdown: Callable[[], None], state_dir: Path) -> None:
        self._api, self._runtime, self._on_shutdown, self._state_dir = api, runtime, on_shutdown, state_dir
        self._pool = ThreadPoolExecutor(max_workers=_THREADS, thread_name_prefix="api")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or take part in the server's start and end."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
            return
        if scope["method"] == "GET" and scope["path"] == "/health":
            await send_document(send, 200, {"status": "ok", "pid": os.getpid()})
            return
        headers = dict(scope["headers"])
        body = await read_body(receive)
        if body is None:
            return
        if scope["path"].startswith(PREFIX):
            await self._runtime(scope["path"], headers, body, send)
            return
        loop = asyncio.get_running_loop()
        status, answer = await loop.run_in_executor(
            self._pool, self._answer, scope["path"], headers.get(b"x-amz-target", b""), body
        )
        await send_document(send, status, answer)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await self._runtime.start()
            await send({"type": f"{message['type']}.complete"})
            if message["type"] == "lifespan.shutdown":
                self._on_shutdown()
                return

    def _answer(self, path: str, target: bytes, body: bytes) -> tuple[int, Document]:
        def call() -> Document:
            if not target.startswith(_TARGET):
                raise UnsupportedOperation(f"{path}: the local SageMaker has no such route")
            return self._api.call(target.removeprefix(_TARGET).decode(), parsed(body))

        return answered(call, target.decode("latin-1"), self._state_dir)

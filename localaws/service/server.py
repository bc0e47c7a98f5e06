"""The HTTP front of services: JSON 1.1 over POST, one thread of a pool per request."""

import asyncio
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from localaws.api_errors import UnsupportedOperation
from localaws.document import Document
from localaws.protocol.asgi import Receive, Response, Scope, Send, read_body
from localaws.protocol.json_api import answered, document_response, parsed
from localaws.service.service import Service

_THREADS = 16


class Server:
    """The ASGI application.

    Parameters
    ----------
    services : sequence of Service
    on_shutdown : callable
        Called when the HTTP server shuts down.
    state_dir : Path
        Where everything is kept.
    """

    def __init__(self, services: Sequence[Service], on_shutdown: Callable[[], None], state_dir: Path) -> None:
        self._services = services
        # This loads the models now, not in the first caller's time.
        self._by_prefix = {str(service.model.metadata["targetPrefix"]): service for service in services}
        self._on_shutdown, self._state_dir = on_shutdown, state_dir
        self._routes = {path: answers for service in services for path, answers in service.routes().items()}
        self._pool = ThreadPoolExecutor(max_workers=_THREADS, thread_name_prefix="api")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or take part in the server's startup and shutdown."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["method"] == "GET" and scope["path"] == "/health":
            await document_response({"status": "ok", "pid": os.getpid()}).send(send)
        elif route := next((self._routes[path] for path in self._routes if scope["path"].startswith(path)), None):
            await route(scope, receive, send)
        elif (body := await read_body(receive)) is not None:
            target = dict(scope["headers"]).get(b"x-amz-target", b"").decode("latin-1")
            loop = asyncio.get_running_loop()
            response = await loop.run_in_executor(self._pool, self._answer, target, body)
            await response.send(send)

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                for service in self._services:
                    await service.start()
            elif message["type"] == "lifespan.shutdown":
                self._on_shutdown()
            await send({"type": f"{message['type']}.complete"})
            if message["type"] == "lifespan.shutdown":
                return

    def _answer(self, target: str, body: bytes) -> Response:
        def call() -> Document:
            prefix, _, operation = target.partition(".")
            if prefix not in self._by_prefix:
                there = ", ".join(sorted(self._by_prefix))
                raise UnsupportedOperation(f"X-Amz-Target '{target}' is not of a service of this server: {there}")
            return self._by_prefix[prefix].call(operation, parsed(body))

        return answered(call, target, self._state_dir)

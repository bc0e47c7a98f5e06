"""One endpoint URL for every service: ours have servers of their own, the rest is MiniStack's.

`localaws.protocol.routing` says which requests are for a service of ours. With IAM enforcement on, its server asks here
whether a request is allowed.
"""

import os
import re
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from urllib.parse import urlsplit

from localaws.account.caller import access_key_of, is_root_key
from localaws.account.guard import Authorize
from localaws.account.roles import SERVICE_HEADER
from localaws.ministack.clock import Clock
from localaws.ministack.http.hooks_transfer import in_small_pieces
from localaws.ministack.state.snapshot import NOT_SAVED, SnapshotLoop
from localaws.ministack.unsupported_service import readable
from localaws.protocol import routing
from localaws.protocol.asgi import Application, Message, Receive, Response, Scope, Send, read_body
from localaws.protocol.forward import ask
from localaws.protocol.stalls import watch_loop
from localaws.settings import iam_enforced
from localaws.supervision.servers import GATEWAY_HEALTH_PATH

_READING = re.compile(rb"(?:Describe|List|Get|BatchGet|Filter|Query|Scan|Lookup)")
# Metric data are in a store of their own.
_KEPT_ELSEWHERE = (b"PutMetricData",)

asking_service: ContextVar[str] = ContextVar("asking_service", default="")
"""What `SERVICE_HEADER` says, in the request that is being answered; empty when it comes from a user."""


def may_change_state(scope: Scope) -> bool:
    """Return whether MiniStack may have something new to save after this request."""
    if scope["type"] != "http":
        return True
    if scope["method"] in ("GET", "HEAD", "OPTIONS"):
        return False
    operation = _operation(scope)
    return not _READING.match(operation) and operation not in _KEPT_ELSEWHERE


def _operation(scope: Scope) -> bytes:
    """Return the operation that a request names outside of its body; empty when it names none."""
    headers = dict(scope["headers"])
    if b"smithy-protocol" in headers:
        path: bytes = scope["path"].encode()
        return path.rpartition(b"/operation/")[2]
    target: bytes = headers.get(b"x-amz-target", b"")
    return target.rpartition(b".")[2]


def _makes_room(scope: Scope) -> bool:
    return scope["method"] == "DELETE" or _operation(scope).startswith((b"Delete", b"Purge", b"Stop"))


class Gateway:
    """The ASGI application before MiniStack.

    Parameters
    ----------
    ministack : Application
        Answers what the others do not.
    servers : mapping of str to str
        The URLs of the servers behind the gateway, by name, such as ``http://127.0.0.1:4567``.
    snapshots : SnapshotLoop
        Saves MiniStack's state; runs between the start and the stop of the application.
    clock : Clock
        Decides the alarms; runs as long.
    resume : callable
        Resumes what an earlier process left, once MiniStack has its state again.
    answers : mapping of str to callable
        What the other servers ask, such as whether a request is allowed, by path.
    """

    def __init__(
        self,
        ministack: Application,
        servers: Mapping[str, str],
        snapshots: SnapshotLoop,
        clock: Clock,
        resume: Callable[[], None],
        answers: Mapping[str, Authorize],
    ) -> None:
        self._answers = answers
        self._ministack = ministack
        self._servers = servers
        self._snapshots = snapshots
        self._clock = clock
        self._resume = resume

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection's worth of events (ASGI)."""
        if scope["type"] == "lifespan":
            await self._live(scope, receive, send)
        elif scope["type"] == "http" and scope["path"] == GATEWAY_HEALTH_PATH:
            await Response.json(200, {"status": "ok", "pid": os.getpid()}).dated().send(send)
        elif scope["type"] == "http" and (answer := self._answers.get(scope["path"])):
            if (body := await read_body(receive)) is not None:
                await answer(scope, body).send(send)
        elif scope["type"] == "http" and (route := routing.of_request(scope)):
            await _forward(urlsplit(self._servers[route.server]).netloc, scope, receive, send)
        elif not self._snapshots.is_saving and may_change_state(scope) and not _makes_room(scope):
            await Response.aws_error(507, "InsufficientStorage", NOT_SAVED).dated().send(send)
        else:
            asking_service.set(_asking_service(scope))
            try:
                await self._ministack(scope, receive, in_small_pieces(readable(scope, send)))
            finally:
                if may_change_state(scope):
                    self._snapshots.note_change()

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Save from MiniStack's start to its stop; its own, last save must find no other at work."""

        async def receive_and_stop() -> Message:
            message = await receive()
            if message["type"] == "lifespan.shutdown":
                await self._clock.stop()
                await self._snapshots.stop()
            return message

        async def send_and_start(message: Message) -> None:
            if message["type"] == "lifespan.startup.complete":
                self._snapshots.start()
                self._clock.start()
                self._resume()
                watch_loop()
            await send(message)

        await self._ministack(scope, receive_and_stop, send_and_start)


async def _forward(address: str, scope: Scope, receive: Receive, send: Send) -> None:
    if (body := await read_body(receive)) is not None:
        response = await ask(address, scope, body)
        await response.dated().send(send)


def _asking_service(scope: Scope) -> str:
    """Return what the header says; nothing of a caller who is not the root user, where IAM is enforced."""
    given: bytes = dict(scope.get("headers", ())).get(SERVICE_HEADER.lower().encode(), b"")
    is_known = not given or not iam_enforced() or is_root_key(access_key_of(scope))
    return given.decode("latin-1") if is_known else ""

"""The ASGI application: SageMaker's three paths, and an answer to everything that goes wrong on the way.

There is no framework between the HTTP parser and the model: three paths need no router, and each layer left
out is latency that every prediction would pay.

Sources: "Use Your Own Inference Code with Hosting Services" and "... with Batch Transform" in the SageMaker
Developer Guide; the ASGI specification 3.0.
"""

import asyncio
import json
import logging
import uuid
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import orjson

from serving.errors import (
    MethodNotAllowedError,
    ModelTimeoutError,
    NotFoundError,
    PayloadTooLargeError,
    RequestError,
)
from serving.media import JSON, parse_accept, parse_content_type
from serving.model import Model
from serving.settings import Settings
from serving.worker import Worker

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Headers = dict[bytes, bytes]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Response:
    """An HTTP response: status, media type, body, and further headers."""

    body: bytes
    content_type: str = JSON
    status: HTTPStatus = HTTPStatus.OK
    headers: tuple[tuple[bytes, bytes], ...] = ()


class DisconnectedError(Exception):
    """The caller went away before its body was complete; nobody is left to answer."""


class App:
    """The server's application.

    Parameters
    ----------
    model : Model
        Loaded before the application is made: /ping says 200 from its first answer on.
    worker : Worker
        Runs the model's code.
    settings : Settings
        Size limit and time-out.
    """

    def __init__(self, model: Model, worker: Worker, settings: Settings) -> None:
        self._model = model
        self._worker = worker
        self._timeout = settings.timeout
        self._max_payload_mb = settings.max_payload_mb
        self._max_bytes = settings.max_payload_bytes
        self._routes = {
            "/ping": ("GET", self._ping),
            "/invocations": ("POST", self._invocations),
            "/execution-parameters": ("GET", self._execution_parameters),
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        headers: Headers = dict(scope["headers"])
        try:
            response = await self._respond(scope, headers, receive)
        except RequestError as error:
            response = _refused(error, scope)
        except DisconnectedError:
            return
        # The model's code may raise anything, SystemExit too; one request's failure must not end the others'.
        except (Exception, SystemExit) as error:
            response = _failed(error, scope, headers)
        await _send(response, send)

    async def _respond(self, scope: Scope, headers: Headers, receive: Receive) -> Response:
        path = scope["path"]
        if path not in self._routes:
            raise NotFoundError(f"There is no {path}: the paths are {', '.join(self._routes)}.")
        method, handler = self._routes[path]
        if scope["method"] != method:
            raise MethodNotAllowedError(f"{path} takes {method}, not {scope['method']}.", allow=method)
        return await handler(headers, receive)

    async def _ping(self, _headers: Headers, _receive: Receive) -> Response:
        return Response(b"")

    async def _execution_parameters(self, _headers: Headers, _receive: Receive) -> Response:
        parameters = {
            "MaxConcurrentTransforms": 1,  # one call at a time: more requests in flight would only wait
            "BatchStrategy": "MULTI_RECORD",  # the Developer Guide's spelling; the API says MultiRecord
            "MaxPayloadInMB": self._max_payload_mb,
        }
        return Response(orjson.dumps(parameters))

    async def _invocations(self, headers: Headers, receive: Receive) -> Response:
        media = parse_content_type(headers.get(b"content-type", b"").decode("latin-1"))
        accepts = parse_accept(headers.get(b"accept", b"").decode("latin-1"))
        self._check_size(int(headers.get(b"content-length", b"0")))
        body = await self._read_body(receive)
        try:
            async with asyncio.timeout(self._timeout) as limit:
                answer = await self._worker.run(self._model.invoke, body, media, accepts)
        except TimeoutError as error:
            if not limit.expired():  # the model's own
                raise
            sentence = f"No answer within {self._timeout} seconds (SAGEMAKER_MODEL_SERVER_TIMEOUT)."
            raise ModelTimeoutError(sentence) from error
        return Response(answer.body, answer.content_type)

    async def _read_body(self, receive: Receive) -> bytes:
        chunks = []
        size = 0
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise DisconnectedError
            chunks.append(message.get("body", b""))
            size += len(chunks[-1])
            self._check_size(size)
            more = message.get("more_body", False)
        return b"".join(chunks)

    def _check_size(self, size: int) -> None:
        if self._max_bytes is not None and size > self._max_bytes:
            raise PayloadTooLargeError(
                f"The body is larger than {self._max_bytes} bytes "
                f"(SAGEMAKER_MAX_PAYLOAD_IN_MB={self._max_payload_mb}): send fewer records at a time."
            )


def _refused(error: RequestError, scope: Scope) -> Response:
    fields = {"status": int(error.status), "method": scope["method"], "path": scope["path"]}
    # The cause is the script's own exception, if it was the script that refused.
    log.info("refused: %s", error, extra={"fields": fields}, exc_info=error.__cause__)
    headers = ((b"allow", error.allow.encode()),) if isinstance(error, MethodNotAllowedError) else ()
    return Response(_error_body(str(error)), status=error.status, headers=headers)


def _failed(error: BaseException, scope: Scope, headers: Headers) -> Response:
    request_id = headers.get(b"x-request-id", b"").decode("latin-1") or uuid.uuid4().hex
    fields = {"status": 500, "method": scope["method"], "path": scope["path"], "request_id": request_id}
    log.error("the model failed", extra={"fields": fields}, exc_info=error)
    sentence = f"The model failed on this request; the log has the reason under request id {request_id}."
    return Response(_error_body(sentence), status=HTTPStatus.INTERNAL_SERVER_ERROR)


def _error_body(sentence: str) -> bytes:
    # Not orjson, which refuses the lone surrogates that a script may quote from a caller's body.
    return json.dumps({"error": sentence}).encode()


async def _send(response: Response, send: Send) -> None:
    headers = [
        (b"content-type", response.content_type.encode("latin-1")),
        (b"content-length", b"%d" % len(response.body)),
        *response.headers,
    ]
    await send({"type": "http.response.start", "status": int(response.status), "headers": headers})
    await send({"type": "http.response.body", "body": response.body})

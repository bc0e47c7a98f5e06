"""InvokeEndpointWithResponseStream: a model's answer as events, each piece as soon as the model has written it.

Before the answer has begun, a failure is an error like InvokeEndpoint's. After that, the stream ends with the event
ModelStreamError, whose ErrorCode says whether the model took too long or went away.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from localaws.sagemaker.hosting.routes import Route, Variant
from localaws.sagemaker.runtime import event_stream
from localaws.sagemaker.runtime.client import Answer, BrokenError, Headers
from localaws.sagemaker.runtime.dispatch import Dispatcher, no_answer
from localaws.sagemaker.runtime.errors import ModelError, RuntimeFault
from localaws.sagemaker.runtime.invocation import CUSTOM_ATTRIBUTES, Invocation, Request
from localaws.sagemaker.runtime.stream_client import AnswerStream

Send = Callable[[dict[str, Any]], Awaitable[None]]

_STREAM_SECONDS = 480.0  # "Invoke your model for real-time inference": eight minutes for the whole stream
_KEPT_BYTES = 6_291_456  # how much of a stream data capture records at most


class Streaming:
    """Answers with streams.

    Parameters
    ----------
    dispatcher : Dispatcher
    """

    def __init__(self, dispatcher: Dispatcher) -> None:
        self._dispatcher = dispatcher

    async def answer(self, request: Request, send: Send, answered: Callable[[Invocation], None]) -> None:
        """Answer a request.

        Raises
        ------
        RuntimeFault
            If the answer did not begin.
        """
        route, fleet, variant = self._dispatcher.synchronous_target(request)
        started = time.monotonic()

        def done(answer: Answer, fault: RuntimeFault | None) -> None:
            took = time.monotonic() - started
            answered(Invocation(route, fleet, variant, request, answer, took, fault))

        try:
            async with self._dispatcher.serving(route, fleet, variant) as ready:
                instance, stream = await self._dispatcher.open_stream(route, ready, request)
                try:
                    await self._refuse_error(route, stream)
                    headers = _headers(stream, variant, request)
                    await send({"type": "http.response.start", "status": 200, "headers": headers})
                    answer, fault = await self._relay(route, stream, send)
                finally:
                    self._dispatcher.close_stream(instance, stream)
        except RuntimeFault as error:
            done(no_answer(error), error)
            raise
        done(answer, fault)

    async def _refuse_error(self, route: Route, stream: AnswerStream) -> None:
        if stream.status == 200:
            return
        body = bytearray()
        with suppress(BrokenError, TimeoutError):  # the part that arrived describes the error
            async with asyncio.timeout(_STREAM_SECONDS):
                async for piece in stream.pieces():
                    body += piece
        raise self._dispatcher.model_error(route, _answer(stream, bytes(body)))

    async def _relay(self, route: Route, stream: AnswerStream, send: Send) -> tuple[Answer, RuntimeFault | None]:
        kept = bytearray()
        last, fault = b"", None
        try:
            async with asyncio.timeout(_STREAM_SECONDS):
                async for piece in stream.pieces():
                    kept += piece[: _KEPT_BYTES - len(kept)]
                    events = event_stream.payload_parts(piece)
                    await send({"type": "http.response.body", "body": events, "more_body": True})
        except (BrokenError, TimeoutError) as error:
            last, fault = self._broken(route, stream, error)
        await send({"type": "http.response.body", "body": last})
        return _answer(stream, bytes(kept)), fault

    def _broken(self, route: Route, stream: AnswerStream, error: Exception) -> tuple[bytes, ModelError]:
        broken = isinstance(error, BrokenError)
        code = "StreamBroken" if broken else "ModelInvocationTimeExceeded"
        sentence = f"The model's stream broke off: {error}" if broken else f"No end within {_STREAM_SECONDS:g} seconds."
        fault = self._dispatcher.model_error(route, Answer(0, stream.content_type, {}, sentence.encode()))
        return event_stream.exception("ModelStreamError", sentence, ErrorCode=code), fault


def _answer(stream: AnswerStream, body: bytes) -> Answer:
    return Answer(stream.status, stream.content_type, stream.headers, body)


def _headers(stream: AnswerStream, variant: Variant, request: Request) -> Headers:
    headers = [
        (b"content-type", event_stream.CONTENT_TYPE),
        (b"x-amzn-sagemaker-content-type", stream.content_type.encode("latin-1")),
        (b"x-amzn-invoked-production-variant", variant.name.encode()),
        (b"x-amzn-requestid", request.event_id.encode()),
    ]
    attributes = stream.headers.get(CUSTOM_ATTRIBUTES)
    return headers + ([(CUSTOM_ATTRIBUTES, attributes)] if attributes else [])

"""SageMaker Runtime's API over HTTP: its three routes, its answers and its errors.

Source: the API reference of SageMaker Runtime, and botocore's model of ``sagemaker-runtime``.
"""

import asyncio
import logging
import re
import time
import uuid
from dataclasses import replace
from typing import Self
from urllib.parse import unquote

from localaws.protocol.asgi import Receive, Response, Scope, Send, read_body
from localaws.sagemaker.hosting.routes import Routes, Variant
from localaws.sagemaker.parts import Parts
from localaws.sagemaker.runtime.asynchronous import AsyncInvocations
from localaws.sagemaker.runtime.capture import DataCapture
from localaws.sagemaker.runtime.dispatch import Dispatcher
from localaws.sagemaker.runtime.errors import RuntimeFault, ValidationError
from localaws.sagemaker.runtime.gauges import Gauges
from localaws.sagemaker.runtime.invocation import CUSTOM_ATTRIBUTES, Invocation, Request
from localaws.sagemaker.runtime.metrics import EndpointMetrics
from localaws.sagemaker.runtime.sessions import CLOSED_SESSION_ID, NEW_SESSION_ID
from localaws.sagemaker.runtime.shadow import Shadows
from localaws.sagemaker.runtime.streaming import Streaming
from localaws.sagemaker.runtime.usage import UsageMeter
from localaws.settings import time_scale

logger = logging.getLogger(__name__)

PREFIX = "/endpoints/"
_PATH = re.compile(r"/endpoints/([^/]+)/([a-z-]+)")
_FROM_MODEL = (CUSTOM_ATTRIBUTES, NEW_SESSION_ID, CLOSED_SESSION_ID)


class Runtime:
    """SageMaker Runtime's API, an ASGI application.

    Parameters
    ----------
    dispatcher : Dispatcher
    asynchronous : AsyncInvocations
        Takes invocations that need not be answered immediately.
    gauges : Gauges
        Look up metrics of the endpoints while this serves.
    capture : DataCapture
    metrics : EndpointMetrics
    usage : UsageMeter
    """

    def __init__(
        self,
        dispatcher: Dispatcher,
        asynchronous: AsyncInvocations,
        gauges: Gauges,
        capture: DataCapture,
        metrics: EndpointMetrics,
        usage: UsageMeter,
    ) -> None:
        self._gauges = gauges
        self._looking: asyncio.Task[None] | None = None
        self._dispatcher = dispatcher
        self._asynchronous = asynchronous
        self._capture, self._metrics, self._usage = capture, metrics, usage
        self._shadows = Shadows(self._repeat, self._answered)
        self._streaming = Streaming(dispatcher)
        self._operations = {
            "invocations": self._invoke,
            "invocations-response-stream": self._stream,
            "async-invocations": self._accept,
        }

    @classmethod
    def made_of(cls, parts: Parts, routes: Routes) -> Self:
        """Return the runtime of one local SageMaker."""
        aws = parts.aws
        capture, metrics, usage = DataCapture(aws), EndpointMetrics(aws), UsageMeter(aws, routes)
        dispatcher = Dispatcher(routes, aws.account_id, aws.region)
        asynchronous = AsyncInvocations(parts.store, aws, routes, dispatcher, metrics, capture.record)
        gauges = Gauges(routes, dispatcher, asynchronous, metrics, time_scale())
        return cls(dispatcher, asynchronous, gauges, capture, metrics, usage)

    async def start(self) -> None:
        """Resume the asynchronous invocations that the last server did not finish."""
        await self._asynchronous.start()
        self._looking = asyncio.get_running_loop().create_task(self._gauges.look())

    def close(self) -> None:
        """Send everything that was captured and counted."""
        self._capture.close()
        self._metrics.close()
        self._usage.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        body = await read_body(receive)
        if body is None:
            return
        path, request_id = scope["path"], str(uuid.uuid4())
        try:
            match = _PATH.fullmatch(path)
            operation = self._operations.get(match[2]) if match else None
            if match is None or operation is None:
                raise ValidationError(f"The local SageMaker Runtime has no {path}")
            await operation(Request(unquote(match[1]), dict(scope["headers"]), body, request_id), send)
        except Exception as error:
            fault = error if isinstance(error, RuntimeFault) else _defect(path)
            await _fault_response(fault, request_id).send(send)

    def _answered(self, invocation: Invocation) -> None:
        """Count and capture an invocation that reached a variant, successful or not."""
        self._metrics.record(invocation)
        self._capture.record(invocation)

    async def _invoke(self, request: Request, send: Send) -> None:
        done = await self._dispatcher.invoke(*self._dispatcher.synchronous_target(request), request)
        if done.fault is not None:
            self._answered(done)
            raise done.fault
        await _answer_response(done).send(send)
        self._answered(done)
        self._shadows.follow(done)

    async def _accept(self, request: Request, send: Send) -> None:
        pending = await self._asynchronous.accept(request)
        headers = {
            "x-amzn-sagemaker-outputlocation": pending.output_location,
            "x-amzn-requestid": request.event_id,
        }
        if pending.failure_location:
            headers["x-amzn-sagemaker-failurelocation"] = pending.failure_location
        await Response.json(202, {"InferenceId": pending.inference_id}, headers).send(send)

    async def _stream(self, request: Request, send: Send) -> None:
        request.headers[b"accept"] = request.headers.get(b"x-amzn-sagemaker-accept", b"*/*")
        await self._streaming.answer(request, send, self._answered)

    async def _repeat(self, invocation: Invocation, variant: Variant) -> Invocation:
        request = replace(invocation.request, received=time.monotonic())
        return await self._dispatcher.invoke(invocation.route, invocation.fleet, variant, request)


def _answer_response(done: Invocation) -> Response:
    given = done.answer.headers
    headers = {
        "x-amzn-invoked-production-variant": done.variant.name,
        "x-amzn-requestid": done.request.event_id,
        **{name.decode(): given[name].decode("latin-1") for name in _FROM_MODEL if name in given},
    }
    return Response.of(200, done.answer.content_type, done.answer.body, headers)


def _defect(path: str) -> RuntimeFault:
    logger.exception("Unexpected error in %s", path)
    return RuntimeFault("A defect in the local SageMaker: its log has the traceback")


def _fault_response(fault: RuntimeFault, request_id: str) -> Response:
    headers = {"x-amzn-requestid": request_id}
    return Response.aws_error(
        fault.status, fault.code, str(fault), fault.members, headers, content_type="application/json"
    )

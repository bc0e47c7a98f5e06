"""InvokeEndpointAsync: requests that wait in a queue, and answers that are written to S3.

::

    accept     the request is stored, then acknowledged: a kill -9 does not lose it
    queue      each endpoint's requests in order of arrival; as many at a time as its instances accept
    run        input from S3, the model server, the answer to S3, the notification to SNS
    end        the request is deleted from the store

What the last server did not finish is queued again by `start`; an answer may then be written twice, to the same place.
A request waits as long as its endpoint has no instance, but no longer than its RequestTTLSeconds. When its endpoint is
deleted, it is dropped.
"""

import asyncio
import base64
import logging
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from localaws.containers.s3 import Location, encryption
from localaws.document import Document
from localaws.sagemaker.aws import SageMakerAws
from localaws.sagemaker.hosting.routes import Route, Routes, Variant
from localaws.sagemaker.runtime.async_request import AsyncRequest, read_request
from localaws.sagemaker.runtime.dispatch import Dispatcher
from localaws.sagemaker.runtime.errors import ModelNotReady, RuntimeFault, Unavailable, ValidationError
from localaws.sagemaker.runtime.invocation import Invocation, Request
from localaws.sagemaker.runtime.metrics import EndpointMetrics
from localaws.sagemaker.runtime.notification import publish
from localaws.storage.store import Resource, Store

logger = logging.getLogger(__name__)

_T = TypeVar("_T")

_KIND = "async-invocation"
_THREADS = 16
_CONCURRENT_PER_INSTANCE = 4  # "if you do not provide a value, SageMaker chooses an optimal value for you"
_LOOK_SECONDS = 0.2


class _Failed(Exception):
    """An invocation failed; the text is the notification's ``failureReason``."""

    def __init__(self, reason: str, metric: str, content: bytes = b"") -> None:
        super().__init__(reason)
        self.metric = metric
        self.content = content or reason.encode()


@dataclass
class _Queue:
    """An endpoint's requests."""

    waiting: deque[AsyncRequest] = field(default_factory=deque)
    running: dict[str, AsyncRequest] = field(default_factory=dict)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def oldest(self) -> float:
        """When the oldest request arrived."""
        return min((pending.received for pending in (*self.waiting, *self.running.values())), default=time.time())


class AsyncInvocations:
    """The asynchronous invocations of all endpoints.

    Parameters
    ----------
    store : Store
        Stores the requests.
    aws : SageMakerAws
    routes : Routes
    dispatcher : Dispatcher
    metrics : EndpointMetrics
    captured : callable(Invocation)
        Called with each invocation that reached a variant.
    """

    def __init__(
        self,
        store: Store,
        aws: SageMakerAws,
        routes: Routes,
        dispatcher: Dispatcher,
        metrics: EndpointMetrics,
        captured: Callable[[Invocation], None],
    ) -> None:
        self._store, self._aws, self._routes = store, aws, routes
        self._dispatcher, self._metrics, self._captured = dispatcher, metrics, captured
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="async")
        self._queues: dict[str, _Queue] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Resume what the last server did not finish. Called once, on the event loop."""
        for resource in await self._in_thread(lambda: self._store.every(_KIND)):
            self._enqueue(AsyncRequest(**resource.document))

    async def accept(self, request: Request) -> AsyncRequest:
        """Accept a request; return when it is stored.

        Raises
        ------
        ValidationError
            If it cannot be carried out.
        """
        route = self._dispatcher.route(request.endpoint_name)
        pending = read_request(replace(request, endpoint_name=route.endpoint_name), _config(route))
        arn = self._aws.arn(_KIND, pending.request_id)
        resource = Resource(_KIND, pending.request_id, arn, pending.document, parent=route.endpoint_arn)
        await self._in_thread(lambda: self._store.add(resource))
        self._enqueue(pending)
        return pending

    def backlog(self, route: Route) -> Document:
        """Return the metrics of an endpoint's queue."""
        return _backlog(self._queues.get(route.endpoint_name) or _Queue(), _instances(route))

    def _enqueue(self, pending: AsyncRequest) -> None:
        queue = self._queues.get(pending.endpoint_name)
        if queue is None:
            queue = self._queues[pending.endpoint_name] = _Queue()
            self._spawn(self._serve(pending.endpoint_name, queue))
        queue.waiting.append(pending)
        queue.changed.set()

    async def _serve(self, endpoint_name: str, queue: _Queue) -> None:
        """Run an endpoint's requests until none are left."""
        while queue.waiting or queue.running:
            queue.changed.clear()
            route = self._routes.get(endpoint_name)
            if route is None and await self._is_gone(endpoint_name):
                await self._drop(queue)
            while route and queue.waiting and len(queue.running) < _capacity(route):
                pending = queue.waiting.popleft()
                queue.running[pending.request_id] = pending
                self._spawn(self._run(route, queue, pending))
            with suppress(TimeoutError):
                await asyncio.wait_for(queue.changed.wait(), _LOOK_SECONDS)
        del self._queues[endpoint_name]

    async def _is_gone(self, endpoint_name: str) -> bool:
        arn = self._aws.arn("endpoint", endpoint_name)
        resource = await self._in_thread(lambda: self._store.by_arn(arn))
        return resource is None or resource.status == "Deleting"

    async def _drop(self, queue: _Queue) -> None:
        while queue.waiting:
            await self._forget(queue.waiting.popleft())

    async def _run(self, route: Route, queue: _Queue, pending: AsyncRequest) -> None:
        again = False
        try:
            again = not await self._carry_out(route, pending)
            if not again:
                await self._forget(pending)
        except Exception:
            logger.exception("Unexpected error in an asynchronous invocation of %s", pending.endpoint_name)
            await self._forget(pending)
        finally:
            del queue.running[pending.request_id]
            if again:
                queue.waiting.appendleft(pending)
                await asyncio.sleep(_LOOK_SECONDS)
            queue.changed.set()

    async def _carry_out(self, route: Route, pending: AsyncRequest) -> bool:
        """Return whether it is done, successful or not; otherwise no instance could take it now."""
        config, started = _config(route), time.time()
        fleet = route.choose_fleet(0.0)
        variant, content_type, failure = fleet.variants[0], "", None
        try:
            if started - pending.received > pending.ttl_seconds:
                raise _Failed(f"The request waited longer than {pending.ttl_seconds} seconds.", "ExpiredRequests")
            invocation = await self._invoke(await self._request(pending, variant))
            variant, content_type = invocation.variant, invocation.answer.content_type
            if isinstance(invocation.fault, ModelNotReady | Unavailable):
                return False
            await self._output(pending, invocation, config)
        except _Failed as error:
            failure = str(error)
            self._count(pending, variant, {error.metric: 1.0} | {"InvocationFailures": 1.0})
            await self._keep_failure(pending, variant, error, config)
        await self._notify(pending, variant, config, content_type, failure)
        values = {
            "InvocationsProcessed": 1.0,
            "TimeInBacklog": (started - pending.received) * 1e6,
            "TotalProcessingTime": (time.time() - pending.received) * 1e3,
        }
        self._count(pending, variant, values)
        return True

    async def _request(self, pending: AsyncRequest, variant: Variant) -> Request:
        """Return the invocation with its input, which is of its object's type where the caller named none.

        SDK v2's AsyncPredictor names none, and writes it to the object.
        """
        if not pending.input_location:
            return pending.request(base64.b64decode(pending.body))
        location, started = Location.of(pending.input_location), time.monotonic()

        def download() -> Request:
            s3 = self._aws_of(variant).client("s3")
            found = s3.get_object(Bucket=location.bucket, Key=location.key)
            content_type = pending.content_type or found["ContentType"]
            return replace(pending, content_type=content_type).request(found["Body"].read())

        try:
            request = await self._in_thread(download)
        except (ClientError, BotoCoreError) as error:
            reason = f"ClientError: Failed to download the input from {location}: {error}"
            raise _Failed(reason, "RequestDownloadFailures") from error
        self._count(pending, variant, {"RequestDownloadLatency": (time.monotonic() - started) * 1e6})
        return request

    async def _invoke(self, request: Request) -> Invocation:
        try:
            invocation = await self._dispatcher.invoke(*self._dispatcher.target(request), request)
        except RuntimeFault as fault:
            raise _Failed(str(fault), "InvocationFailures") from fault
        if not isinstance(invocation.fault, ModelNotReady | Unavailable):
            self._captured(invocation)
            self._metrics.record_model(invocation)
        return invocation

    async def _output(self, pending: AsyncRequest, invocation: Invocation, config: Document) -> None:
        answer, started = invocation.answer, time.monotonic()
        if invocation.fault is not None:
            raise _Failed(str(invocation.fault), "InvocationFailures", answer.body)
        try:
            aws = self._aws_of(invocation.variant)
            text = answer.content_type
            await self._in_thread(lambda: _put(aws, pending.output_location, answer.body, text, config))
        except (ClientError, BotoCoreError) as error:
            reason = f"ClientError: Failed to upload the answer to {pending.output_location}: {error}"
            raise _Failed(reason, "ResponseUploadFailures") from error
        elapsed = (time.monotonic() - started) * 1e6
        self._count(pending, invocation.variant, {"ResponseUploadLatency": elapsed})

    async def _keep_failure(self, pending: AsyncRequest, variant: Variant, failure: _Failed, config: Document) -> None:
        if not pending.failure_location:
            return
        try:
            aws = self._aws_of(variant)
            await self._in_thread(lambda: _put(aws, pending.failure_location, failure.content, "text/plain", config))
        except (ClientError, BotoCoreError) as error:
            logger.warning("The failure could not be written to %s: %s", pending.failure_location, error)

    def _aws_of(self, variant: Variant) -> SageMakerAws:
        return self._aws.acting_as(variant.role_arn, "sagemaker")

    async def _notify(
        self, pending: AsyncRequest, variant: Variant, config: Document, content_type: str, failure: str | None
    ) -> None:
        try:
            await self._in_thread(lambda: publish(self._aws_of(variant), config, pending, content_type, failure))
        except (ClientError, BotoCoreError) as error:
            logger.warning("A notification of endpoint %s was not sent: %s", pending.endpoint_name, error)
            self._count(pending, variant, {"NotificationFailures": 1})

    async def _forget(self, pending: AsyncRequest) -> None:
        await self._in_thread(lambda: self._store.remove(self._aws.arn(_KIND, pending.request_id)))

    def _count(self, pending: AsyncRequest, variant: Variant, values: Document) -> None:
        self._metrics.add(pending.endpoint_name, variant.name, values)

    async def _in_thread(self, work: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)

    def _spawn(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _put(aws: SageMakerAws, uri: str, body: bytes, content_type: str, config: Document) -> None:
    target, sealed = Location.of(uri), encryption(config["OutputConfig"].get("KmsKeyId"))
    aws.client("s3").put_object(Bucket=target.bucket, Key=target.key, Body=body, ContentType=content_type, **sealed)


def _config(route: Route) -> Document:
    config = route.choose_fleet(0.0).async_config
    if config is None:
        raise ValidationError(
            f"Endpoint {route.endpoint_name} is not asynchronous: its EndpointConfig has no AsyncInferenceConfig."
        )
    return config


def _instances(route: Route) -> int:
    return sum(len(variant.instances) for fleet in route.fleets for variant in fleet.variants)


def _capacity(route: Route) -> int:
    client = _config(route).get("ClientConfig") or {}
    per_instance: int = client.get("MaxConcurrentInvocationsPerInstance", _CONCURRENT_PER_INSTANCE)
    return per_instance * _instances(route)


def _backlog(queue: _Queue, instances: int) -> Document:
    size = len(queue.waiting) + len(queue.running)
    return {
        "ApproximateBacklogSize": size,
        "ApproximateBacklogSizePerInstance": size / max(1, instances),
        "ApproximateAgeOfOldestRequest": round(time.time() - queue.oldest),
        "HasBacklogWithoutCapacity": int(size > 0 and not instances),
    }

"""From a request to the model server that answers it.

A route is looked up (`hosting.routes`), a fleet drawn by its share of the traffic, a variant by its weight or as named
in the request, then the instance with the fewest requests under way. An instance that cannot be reached is skipped and
reported; a request that reached one is never sent twice.
"""

import asyncio
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TypeVar

from localaws.containers.errors import JobFailure
from localaws.sagemaker.hosting.model_cache import ModelCache, NotLoadedError
from localaws.sagemaker.hosting.routes import Fleet, Instance, Route, Routes, Variant
from localaws.sagemaker.runtime.admission import admitted, awake
from localaws.sagemaker.runtime.client import Answer, BrokenError, Headers, ModelClient, UnreachableError
from localaws.sagemaker.runtime.errors import (
    ModelError,
    ModelNotReady,
    RuntimeFault,
    Unavailable,
    ValidationError,
)
from localaws.sagemaker.runtime.invocation import CUSTOM_ATTRIBUTES, INFERENCE_ID, Invocation, Request
from localaws.sagemaker.runtime.sessions import SESSION_ID, Sessions, place_of
from localaws.sagemaker.runtime.stream_client import AnswerStream, open_stream

_T = TypeVar("_T")

_LARGEST_BODY = 6_291_456  # botocore's BodyBlob
_LARGEST_SERVERLESS_BODY = 4 * 1024 * 1024
_SHOWN_MESSAGE = 2000
_LOADING_SECONDS = 900.0
_TO_MODEL = (b"content-type", b"accept", CUSTOM_ATTRIBUTES, INFERENCE_ID, SESSION_ID)
_TARGET_MODEL = b"x-amzn-sagemaker-target-model"
_UNSUPPORTED = {
    b"x-amzn-sagemaker-target-container-hostname": "TargetContainerHostname",
    b"x-amzn-sagemaker-inference-component": "InferenceComponentName",
    b"x-amzn-sagemaker-enable-explanations": "EnableExplanations",
}


class Dispatcher:
    """Sends requests to model servers.

    Parameters
    ----------
    routes : Routes
    account_id, region : str
        For the messages of errors.
    """

    def __init__(self, routes: Routes, account_id: str, region: str) -> None:
        self._routes = routes
        self._account_id = account_id
        self._region = region
        self._client = ModelClient()
        self._outstanding: Counter[str] = Counter()
        self._sessions = Sessions()

    def route(self, endpoint_name: str) -> Route:
        """Return the endpoint's fleets.

        Raises
        ------
        ValidationError
            If no endpoint with this name is in service.
        """
        route = self._routes.get(endpoint_name)
        if route is None or not route.fleets:
            raise ValidationError(f"Endpoint {endpoint_name} of account {self._account_id} not found.")
        return route

    def target(self, request: Request) -> tuple[Route, Fleet, Variant]:
        """Choose the fleet and the variant that answer a request.

        Raises
        ------
        ValidationError
            If the endpoint, variant or session does not exist, the body is too large, or a feature is not supported.
        """
        route = self.route(request.endpoint_name)
        _refuse_unsupported(request)
        instance_id = self._sessions.instance_of(request)
        if instance_id is None:
            fleet = route.choose_fleet(random.random())  # noqa: S311 -- a share of the traffic, no secret
            variant = _variant(fleet, request)
        else:
            fleet, variant = place_of(route, instance_id, request)
        _check_size(variant, request)
        _check_target_model(variant, request)
        return route, fleet, variant

    def synchronous_target(self, request: Request) -> tuple[Route, Fleet, Variant]:
        """Return the target of a request whose caller waits for the answer.

        Raises
        ------
        ValidationError
            Like `target`, and if the endpoint is asynchronous.
        """
        route, fleet, variant = self.target(request)
        if fleet.async_config is not None:
            raise ValidationError(f"Endpoint {request.endpoint_name} is asynchronous: call InvokeEndpointAsync.")
        return route, fleet, variant

    async def invoke(self, route: Route, fleet: Fleet, variant: Variant, request: Request) -> Invocation:
        """Have a variant answer a request. A failure becomes the invocation's fault; it is not raised."""
        started = time.monotonic()
        fault: RuntimeFault | None = None
        try:
            async with self.serving(route, fleet, variant) as ready:
                answer = await self._at_an_instance(route, ready, request, self._ask)
            if answer.status != 200:
                fault = self.model_error(route, answer)
        except RuntimeFault as error:
            fault, answer = error, no_answer(error)
        return Invocation(route, fleet, variant, request, answer, time.monotonic() - started, fault)

    def under_way(self, variant: Variant) -> int:
        """Return how many requests the variant's instances have at this moment."""
        return sum(self._outstanding[instance.instance_id] for instance in variant.instances)

    @asynccontextmanager
    async def serving(self, route: Route, fleet: Fleet, variant: Variant) -> AsyncIterator[Variant]:
        """Reserve a variant for one request: admitted, and awake if it is serverless.

        Raises
        ------
        RuntimeFault
            If it has too many requests, or its server does not start, or not in time.
        """
        with admitted(variant):
            try:
                ready = await awake(self._routes, route, fleet, variant)
            except JobFailure as error:
                raise self.model_error(route, _failed(0, str(error))) from error
            yield ready

    async def open_stream(self, route: Route, variant: Variant, request: Request) -> tuple[Instance, AnswerStream]:
        """Have a variant that is `serving` begin to answer a request; end the stream with `close_stream`.

        Raises
        ------
        RuntimeFault
            If it does not.
        """
        return await self._at_an_instance(route, variant, request, self._open)

    def close_stream(self, instance: Instance, stream: AnswerStream) -> None:
        """End a stream, complete or not."""
        stream.close()
        self._leave(instance)

    def model_error(self, route: Route, answer: Answer) -> ModelError:
        """Return AWS's error for a model server's error."""
        message = answer.body.decode("utf-8", "replace")[:_SHOWN_MESSAGE]
        group = f"/aws/sagemaker/Endpoints/{route.endpoint_name}"
        return ModelError(answer.status, message, group, self._account_id, self._region)

    async def _at_an_instance(
        self,
        route: Route,
        variant: Variant,
        request: Request,
        ask: Callable[[Instance, Headers, Request], Awaitable[_T]],
    ) -> _T:
        given = [(key, request.headers[key]) for key in _TO_MODEL if key in request.headers]
        tried: set[str] = set()
        session = self._sessions.instance_of(request)
        while (instance := self._choose(variant, tried, session)) is not None:
            try:
                return await ask(instance, given, request)
            except UnreachableError:
                tried.add(instance.instance_id)
                self._client.forget(instance.port)
                self._routes.on_failure(route.endpoint_name, instance.instance_id)
            except BrokenError as error:
                self._routes.on_failure(route.endpoint_name, instance.instance_id)
                raise self.model_error(route, _failed(0, f"The model server did not answer: {error}")) from error
            except TimeoutError as error:
                sentence = "Your invocation timed out while waiting for a response from container primary."
                raise self.model_error(route, _failed(0, sentence)) from error
        if not tried:
            raise ModelNotReady(
                f"Variant {variant.name} of endpoint {route.endpoint_name} has no server that is ready."
            )
        raise Unavailable(f"No server of variant {variant.name} of endpoint {route.endpoint_name} could be reached.")

    def _choose(self, variant: Variant, tried: set[str], session: str | None) -> Instance | None:
        ready = [
            instance
            for instance in variant.instances
            if instance.instance_id not in tried and session in (None, instance.instance_id)
        ]
        if not ready:
            return None
        if variant.routing == "RANDOM":
            return random.choice(ready)  # noqa: S311
        return min(ready, key=lambda instance: (self._outstanding[instance.instance_id], random.random()))  # noqa: S311

    async def _ask(self, instance: Instance, given: Headers, request: Request) -> Answer:
        """Return an instance's answer: each of its containers in the chain gets the answer of the one before."""
        self._outstanding[instance.instance_id] += 1
        try:
            if instance.models is not None:
                return await self._ask_one_of_many(instance, instance.models, given, request)
            answer = await self._client.ask(instance.port, given, request.body, request.seconds)
            for port in instance.ports[1:]:
                if answer.status != 200:
                    break
                answer = await self._client.ask(port, _after(answer, given), answer.body, request.seconds)
            self._sessions.note(instance.instance_id, answer)
            return answer
        finally:
            self._leave(instance)

    async def _ask_one_of_many(
        self, instance: Instance, models: ModelCache, given: Headers, request: Request
    ) -> Answer:
        """Return the answer of the model that a request to a multi-model endpoint names, loaded if it is not yet."""

        async def ask(method: str, path: str, body: bytes) -> tuple[int, bytes]:
            headers = [(b"content-type", b"application/json")]
            answer = await self._client.ask(instance.port, headers, body, _LOADING_SECONDS, method, path)
            return answer.status, answer.body

        target_model = request.headers[_TARGET_MODEL].decode("latin-1")
        try:
            async with models.use(ask, target_model) as model:
                path = model.path
                answer = await self._client.ask(instance.port, given, request.body, request.seconds, path=path)
        except JobFailure as error:
            raise ValidationError(str(error).removeprefix("ClientError: ")) from error
        except NotLoadedError as error:
            return _failed(error.status, str(error))
        return replace(answer, metrics=model.metrics)

    async def _open(self, instance: Instance, given: Headers, request: Request) -> tuple[Instance, AnswerStream]:
        """Return the beginning of an instance's answer, from the last container in the chain."""
        self._outstanding[instance.instance_id] += 1
        try:
            body = request.body
            for port in instance.ports[:-1]:
                answer = await self._client.ask(port, given, body, request.seconds)
                given, body = _after(answer, given), answer.body
            async with asyncio.timeout(request.seconds):
                return instance, await open_stream(instance.ports[-1], given, body)
        except BaseException:
            self._leave(instance)
            raise

    def _leave(self, instance: Instance) -> None:
        self._outstanding[instance.instance_id] -= 1
        if not self._outstanding[instance.instance_id]:
            del self._outstanding[instance.instance_id]


def no_answer(fault: RuntimeFault) -> Answer:
    """Return a substitute for the model server's answer if there is none."""
    return _failed(0 if isinstance(fault, ModelError) else fault.status, str(fault))


def _failed(status: int, sentence: str) -> Answer:
    return Answer(status, "text/plain", {}, sentence.encode())


def _after(answer: Answer, given: Headers) -> Headers:
    """Return the headers for the next container in the chain."""
    others = [header for header in given if header[0] != b"content-type"]
    return [(b"content-type", answer.content_type.encode("latin-1")), *others]


def _refuse_unsupported(request: Request) -> None:
    for header, member in _UNSUPPORTED.items():
        if header in request.headers:
            value = request.headers[header].decode("latin-1")
            raise ValidationError(
                f"{member} = {value!r} is not supported by the local SageMaker Runtime: there are no direct container"
                " invocations, inference components or explainers. Leave it out."
            )


def _variant(fleet: Fleet, request: Request) -> Variant:
    target = request.headers.get(b"x-amzn-sagemaker-target-variant", b"").decode("latin-1")
    if not target:
        return fleet.choose_variant(random.random())  # noqa: S311
    variant = fleet.variant(target)
    if variant is None:
        raise ValidationError(f"Variant {target} is not found for endpoint {request.endpoint_name}.")
    return variant


def _check_target_model(variant: Variant, request: Request) -> None:
    has_many = any(instance.models is not None for instance in variant.instances)
    if has_many and _TARGET_MODEL not in request.headers:
        raise ValidationError(
            f"Endpoint {request.endpoint_name} is a multi-model endpoint: name one of its models by TargetModel."
        )
    if _TARGET_MODEL in request.headers and variant.instances and not has_many:
        raise ValidationError(
            f"Endpoint {request.endpoint_name} is not a multi-model endpoint, but TargetModel is given: leave it out."
        )


def _check_size(variant: Variant, request: Request) -> None:
    limit = request.largest_body or (_LARGEST_BODY if variant.max_concurrency is None else _LARGEST_SERVERLESS_BODY)
    if len(request.body) > limit:
        raise ValidationError(
            f"1 validation error detected: Value at 'body' failed to satisfy constraint: Member must have length less"
            f" than or equal to {limit}; it has {len(request.body)}"
        )

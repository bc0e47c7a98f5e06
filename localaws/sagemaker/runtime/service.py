"""InvokeEndpoint: from an HTTP request to the model server that is to answer it, and back.

A route is looked up (`hosting.routes`), a fleet drawn by its share of the traffic, a variant by its weight or as the
request names it, then the instance with the fewest requests under way. An instance which cannot be reached is passed
over, and reported; a request that reached one is never sent twice.

Source: the API reference of InvokeEndpoint, and botocore's model of ``sagemaker-runtime``.
"""

import random
import re
import time
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import orjson

from localaws.sagemaker.errors import JobFailure
from localaws.sagemaker.hosting.routes import Fleet, Instance, Route, Routes, Variant
from localaws.sagemaker.runtime.client import Answer, BrokenError, Headers, ModelClient, UnreachableError
from localaws.sagemaker.runtime.errors import (
    ModelError,
    ModelNotReady,
    RuntimeFault,
    Unavailable,
    ValidationError,
)
from localaws.sagemaker.runtime.serverless import awake

Send = Callable[[dict[str, Any]], Awaitable[None]]

PREFIX = "/endpoints/"
_PATH = re.compile(r"/endpoints/([^/]+)/invocations")
_LARGEST_BODY = 6_291_456  # botocore's BodyBlob
_LARGEST_SERVERLESS_BODY = 4 * 1024 * 1024
_MODEL_SECONDS = 60.0
_SHOWN_MESSAGE = 2000
_CUSTOM_ATTRIBUTES = b"x-amzn-sagemaker-custom-attributes"
_TO_MODEL = (b"content-type", b"accept", _CUSTOM_ATTRIBUTES, b"x-amzn-sagemaker-inference-id")


@dataclass(frozen=True, slots=True)
class Invocation:
    """One invocation that a model server has answered: what capture and metrics are made of.

    Attributes
    ----------
    headers : dict
        The caller's, by lower-case name.
    model_seconds, overhead_seconds : float
        What the server took; what was added here.
    """

    route: Route
    fleet: Fleet
    variant: Variant
    headers: dict[bytes, bytes]
    body: bytes
    answer: Answer
    event_id: str
    model_seconds: float
    overhead_seconds: float


class Runtime:
    """SageMaker Runtime's API.

    Parameters
    ----------
    routes : Routes
    account_id, region : str
        For the sentences of errors.
    answered : callable(Invocation)
        Called after each invocation that a model server has answered, right or wrong.
    """

    def __init__(self, routes: Routes, account_id: str, region: str, answered: Callable[[Invocation], None]) -> None:
        self._routes = routes
        self._account_id = account_id
        self._region = region
        self._answered = answered
        self._client = ModelClient()
        self._outstanding: Counter[str] = Counter()

    async def __call__(self, path: str, headers: dict[bytes, bytes], body: bytes, send: Send) -> None:
        """Answer one HTTP request."""
        request_id = str(uuid.uuid4())
        try:
            match = _PATH.fullmatch(path)
            if match is None:
                raise ValidationError(f"The local SageMaker Runtime has no {path}")
            done = await self._invoke(unquote(match[1]), headers, body, request_id)
        except RuntimeFault as fault:
            await _respond(send, fault.status, _fault_headers(fault, request_id), orjson.dumps(fault.members))
            return
        await _respond(send, 200, _answer_headers(done, request_id), done.answer.body)
        self._answered(done)

    async def _invoke(self, name: str, headers: dict[bytes, bytes], body: bytes, request_id: str) -> Invocation:
        started = time.monotonic()
        route = self._routes.get(name)
        if route is None or not route.fleets:
            raise ValidationError(f"Endpoint {name} of account {self._account_id} not found.")
        fleet = route.choose_fleet(random.random())  # noqa: S311 -- a share of the traffic, no secret
        variant = _variant(fleet, headers, name)
        _check_size(variant, body)
        asked = time.monotonic()
        try:
            async with awake(self._routes, route, fleet, variant) as ready:
                answer = await self._ask(route, ready, headers, body)
        except JobFailure as error:
            raise self._model_error(route, _failed(0, str(error))) from error
        ended = time.monotonic()
        done = Invocation(route, fleet, variant, headers, body, answer, request_id, ended - asked, asked - started)
        if answer.status != 200:
            self._answered(done)
            raise self._model_error(route, answer)
        return done

    async def _ask(self, route: Route, variant: Variant, headers: dict[bytes, bytes], body: bytes) -> Answer:
        given = [(key, headers[key]) for key in _TO_MODEL if key in headers]
        tried: set[str] = set()
        while (instance := self._choose(variant, tried)) is not None:
            try:
                return await self._through(instance, given, body)
            except UnreachableError:
                tried.add(instance.instance_id)
                self._client.forget(instance.port)
                self._routes.on_failure(route.endpoint_name, instance.instance_id)
            except BrokenError as error:
                self._routes.on_failure(route.endpoint_name, instance.instance_id)
                raise self._model_error(route, _failed(0, f"The model server did not answer: {error}")) from error
            except TimeoutError as error:
                sentence = "Your invocation timed out while waiting for a response from container primary."
                raise self._model_error(route, _failed(0, sentence)) from error
        if not tried:
            raise ModelNotReady(
                f"Variant {variant.name} of endpoint {route.endpoint_name} has no server that is ready."
            )
        raise Unavailable(f"No server of variant {variant.name} of endpoint {route.endpoint_name} could be reached.")

    def _choose(self, variant: Variant, tried: set[str]) -> Instance | None:
        ready = [instance for instance in variant.instances if instance.instance_id not in tried]
        if not ready:
            return None
        if variant.routing == "RANDOM":
            return random.choice(ready)  # noqa: S311
        return min(ready, key=lambda instance: (self._outstanding[instance.instance_id], random.random()))  # noqa: S311

    async def _through(self, instance: Instance, given: Headers, body: bytes) -> Answer:
        """An instance's answer: of its containers in a row, each with the answer of the one before."""
        self._outstanding[instance.instance_id] += 1
        try:
            answer = await self._client.ask(instance.port, given, body, _MODEL_SECONDS)
            for port in instance.ports[1:]:
                if answer.status != 200:
                    break
                headers = [(b"content-type", answer.content_type.encode("latin-1"))]
                headers += [header for header in given if header[0] != b"content-type"]
                answer = await self._client.ask(port, headers, answer.body, _MODEL_SECONDS)
            return answer
        finally:
            self._outstanding[instance.instance_id] -= 1
            if not self._outstanding[instance.instance_id]:
                del self._outstanding[instance.instance_id]

    def _model_error(self, route: Route, answer: Answer) -> ModelError:
        message = answer.body.decode("utf-8", "replace")[:_SHOWN_MESSAGE]
        group = f"/aws/sagemaker/Endpoints/{route.endpoint_name}"
        return ModelError(answer.status, message, group, self._account_id, self._region)


def _variant(fleet: Fleet, headers: dict[bytes, bytes], endpoint_name: str) -> Variant:
    target = headers.get(b"x-amzn-sagemaker-target-variant", b"").decode("latin-1")
    if not target:
        return fleet.choose_variant(random.random())  # noqa: S311
    variant = fleet.variant(target)
    if variant is None:
        raise ValidationError(f"Variant {target} is not found for endpoint {endpoint_name}.")
    return variant


def _check_size(variant: Variant, body: bytes) -> None:
    limit = _LARGEST_BODY if variant.max_concurrency is None else _LARGEST_SERVERLESS_BODY
    if len(body) > limit:
        raise ValidationError(
            f"1 validation error detected: Value at 'body' failed to satisfy constraint: Member must have length less"
            f" than or equal to {limit}; it has {len(body)}"
        )


def _failed(status: int, sentence: str) -> Answer:
    return Answer(status, "text/plain", {}, sentence.encode())


def _answer_headers(done: Invocation, request_id: str) -> Headers:
    headers = [
        (b"content-type", done.answer.content_type.encode("latin-1")),
        (b"x-amzn-invoked-production-variant", done.variant.name.encode()),
        (b"x-amzn-requestid", request_id.encode()),
    ]
    attributes = done.answer.headers.get(_CUSTOM_ATTRIBUTES)
    return headers + ([(_CUSTOM_ATTRIBUTES, attributes)] if attributes else [])


def _fault_headers(fault: RuntimeFault, request_id: str) -> Headers:
    return [
        (b"content-type", b"application/json"),
        (b"x-amzn-errortype", fault.code.encode()),
        (b"x-amzn-requestid", request_id.encode()),
    ]


async def _respond(send: Send, status: int, headers: Headers, body: bytes) -> None:
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [*headers, length]})
    await send({"type": "http.response.body", "body": body})

"""Invocations of serverless variants: so many at once, and a server is brought up when there is none."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from localaws.sagemaker.hosting.routes import Fleet, Route, Routes, Variant
from localaws.sagemaker.runtime.errors import ModelNotReady, Throttled

_COLD_START_SECONDS = 60.0  # the longest that a caller waits; the server goes on starting


@contextmanager
def admitted(variant: Variant) -> Iterator[None]:
    """Be one of a variant's requests, those that wait for a cold start included; any number where it has instances.

    Raises
    ------
    Throttled
        It has all the requests that it may have.
    """
    if variant.demand is None or variant.max_concurrency is None:
        yield
        return
    if variant.demand.under_way >= variant.max_concurrency:
        raise Throttled(f"Variant {variant.name} has all the {variant.max_concurrency} requests that it may have.")
    with variant.demand.request():
        yield


async def awake(routes: Routes, route: Route, fleet: Fleet, variant: Variant) -> Variant:
    """The variant, with a server if it is a serverless one.

    Raises
    ------
    ModelNotReady
        The server takes too long.
    JobFailure
        The server does not start.
    """
    if variant.demand is None or variant.instances:
        return variant
    waking = asyncio.wrap_future(routes.on_wake(route.endpoint_name, fleet.config_name, variant.name))
    try:
        instance = await asyncio.wait_for(waking, _COLD_START_SECONDS)
    except TimeoutError as error:
        raise ModelNotReady(
            f"The server of variant {variant.name} of endpoint {route.endpoint_name} is still starting."
            " Wait and try again."
        ) from error
    return replace(variant, instances=(instance,))

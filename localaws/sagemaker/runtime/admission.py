"""Invocations of serverless variants: limits their concurrency, and starts a server if there is none."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from localaws.sagemaker.hosting.routes import Fleet, Route, Routes, Variant
from localaws.sagemaker.runtime.errors import ModelNotReady, Throttled

_COLD_START_SECONDS = 60.0  # how long a caller waits; the server continues to start


@contextmanager
def admitted(variant: Variant) -> Iterator[None]:
    """Count one of a variant's requests, including those that wait for a cold start; instances have no limit.

    Raises
    ------
    Throttled
        If the variant has reached its limit of concurrent requests.
    """
    if variant.demand is None or variant.max_concurrency is None:
        yield
        return
    if variant.demand.under_way >= variant.max_concurrency:
        raise Throttled(
            f"Variant {variant.name} has reached its limit of {variant.max_concurrency} concurrent requests."
        )
    with variant.demand.request():
        yield


async def awake(routes: Routes, route: Route, fleet: Fleet, variant: Variant) -> Variant:
    """Return the variant, with a server if it is serverless.

    Raises
    ------
    ModelNotReady
        If the server takes too long.
    JobFailure
        If the server does not start.
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

"""Invocations of serverless variants: so many at once, and a server is brought up when there is none."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from localaws.sagemaker.hosting.routes import Fleet, Route, Routes, Variant
from localaws.sagemaker.runtime.errors import ModelNotReady, Throttled

_COLD_START_SECONDS = 60.0  # the longest that a caller waits; the server goes on starting


@asynccontextmanager
async def awake(routes: Routes, route: Route, fleet: Fleet, variant: Variant) -> AsyncIterator[Variant]:
    """A variant for the time of one request, with a server when it is serverless.

    Raises
    ------
    Throttled
        It has all the requests that it may have.
    ModelNotReady
        Its server takes too long.
    JobFailure
        Its server does not start.
    """
    if variant.demand is None or variant.max_concurrency is None:
        yield variant
        return
    if variant.demand.under_way >= variant.max_concurrency:
        raise Throttled(f"Variant {variant.name} has all the {variant.max_concurrency} requests that it may have.")
    with variant.demand.request():
        if not variant.instances:
            waking = asyncio.wrap_future(routes.on_wake(route.endpoint_name, fleet.config_name, variant.name))
            try:
                instance = await asyncio.wait_for(waking, _COLD_START_SECONDS)
            except TimeoutError as error:
                raise ModelNotReady(
                    f"The server of variant {variant.name} of endpoint {route.endpoint_name} is still starting."
                    " Wait and try again."
                ) from error
            variant = replace(variant, instances=(instance,))
        yield variant

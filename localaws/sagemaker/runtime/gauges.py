"""Metrics that are not counted but looked up: once a second, and once in ten seconds where there is nothing to see.

Those zeros are needed: what scales in looks for them.
"""

import asyncio
import itertools
from typing import Any

from localaws.sagemaker.hosting.routes import Route, Routes
from localaws.sagemaker.runtime.asynchronous import AsyncInvocations
from localaws.sagemaker.runtime.dispatch import Dispatcher
from localaws.sagemaker.runtime.metrics import EndpointMetrics

Document = dict[str, Any]

_EVERY_SECONDS = 1.0
_ZERO_EVERY = 10


class Gauges:
    """Looks at the endpoints.

    Parameters
    ----------
    routes : Routes
    dispatcher : Dispatcher
    asynchronous : AsyncInvocations
    metrics : EndpointMetrics
    """

    def __init__(
        self, routes: Routes, dispatcher: Dispatcher, asynchronous: AsyncInvocations, metrics: EndpointMetrics
    ) -> None:
        self._routes, self._dispatcher = routes, dispatcher
        self._asynchronous, self._metrics = asynchronous, metrics

    async def look(self) -> None:
        """Look as long as the event loop runs."""
        for number in itertools.count():
            for route in self._routes.every():
                self._look_at(route, zeros_too=number % _ZERO_EVERY == 0)
            await asyncio.sleep(_EVERY_SECONDS)

    def _look_at(self, route: Route, *, zeros_too: bool) -> None:
        found: dict[str, Document] = {}
        for fleet in route.fleets:
            if fleet.async_config is not None:
                found[""] = self._asynchronous.backlog(route)
            for variant in (*fleet.variants, *fleet.shadows):
                # Two fleets have a variant of the same name during an update.
                before = found.get(variant.name, {}).get("ConcurrentRequestsPerModel", 0)
                found[variant.name] = {"ConcurrentRequestsPerModel": before + self._dispatcher.under_way(variant)}
        for variant_name, values in found.items():
            if zeros_too or any(values.values()):
                self._metrics.add(route.endpoint_name, variant_name, values)

"""Metrics that are looked up instead of counted: once a second, and from time to time even while they are zero.

Scale-in needs those zeros.
"""

import asyncio
import itertools

from localaws.document import Document
from localaws.sagemaker.hosting.routes import Route, Routes
from localaws.sagemaker.runtime.asynchronous import AsyncInvocations
from localaws.sagemaker.runtime.dispatch import Dispatcher
from localaws.sagemaker.runtime.metrics import EndpointMetrics

_EVERY_SECONDS = 1.0
_ZERO_EVERY_SECONDS = 10.0
_PERIOD_SECONDS = 60.0


class Gauges:
    """Measures the endpoints.

    Parameters
    ----------
    routes : Routes
    dispatcher : Dispatcher
    asynchronous : AsyncInvocations
    metrics : EndpointMetrics
    scale : float, default=1
        How many seconds one second of an alarm's period takes here: there is a zero in each period of a minute.
    """

    def __init__(
        self,
        routes: Routes,
        dispatcher: Dispatcher,
        asynchronous: AsyncInvocations,
        metrics: EndpointMetrics,
        scale: float = 1.0,
    ) -> None:
        self._routes, self._dispatcher = routes, dispatcher
        self._asynchronous, self._metrics = asynchronous, metrics
        self._zero_every = max(1, int(min(_ZERO_EVERY_SECONDS, _PERIOD_SECONDS * scale / 2) / _EVERY_SECONDS))

    async def look(self) -> None:
        """Measure as long as the event loop runs."""
        for number in itertools.count():
            for route in self._routes.every():
                self._look_at(route, zeros_too=number % self._zero_every == 0)
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
            if zeros_too and variant_name:
                self._metrics.add(route.endpoint_name, variant_name, {"InvocationsPerInstance": 0.0})

"""Where an endpoint's requests go: immutable snapshots, written by hosting and read by the runtime.

A route is replaced as a whole whenever an instance comes or goes or the traffic shifts; reading it takes no lock.
"""

import random
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass

from localaws.document import Document
from localaws.sagemaker.hosting.demand import Demand
from localaws.sagemaker.hosting.model_cache import ModelCache


@dataclass(frozen=True)
class Instance:
    """A model server.

    Attributes
    ----------
    instance_id : str
        An ID such as ``i-0123456789abcdef0``.
    ports : tuple of int
        The ports of its containers on 127.0.0.1, in the order of the chain; most instances have one.
    pids : tuple of int
        The processes that its containers descend from.
    models : ModelCache or None
        What it has loaded, if it is of a multi-model endpoint.
    """

    instance_id: str
    ports: tuple[int, ...]
    pids: tuple[int, ...] = ()
    models: ModelCache | None = None

    @property
    def port(self) -> int:
        """The port of the first container."""
        return self.ports[0]


@dataclass(frozen=True)
class Variant:
    """A production or shadow variant.

    Attributes
    ----------
    weight : float
        Its share of the traffic among its fleet's variants; for a shadow, the share of requests that it gets.
    instances : tuple of Instance
        The instances that are ready.
    routing : str
        ``LEAST_OUTSTANDING_REQUESTS`` or ``RANDOM``.
    max_concurrency, demand : int or None, Demand or None
        For a serverless variant: the limit of concurrent requests, and the counter of its requests.
    role_arn : str or None
        The model's role: it writes captured data, and transfers input and output of asynchronous requests.
    """

    name: str
    weight: float
    instances: tuple[Instance, ...]
    routing: str = "LEAST_OUTSTANDING_REQUESTS"
    max_concurrency: int | None = None
    demand: Demand | None = None
    role_arn: str | None = None


@dataclass(frozen=True)
class Fleet:
    """The variants of one EndpointConfig.

    Attributes
    ----------
    share : float
        The share of the endpoint's traffic, 0 to 1: blue and green share it during a shift.
    data_capture, async_config : dict or None
        DataCaptureConfig and AsyncInferenceConfig of the EndpointConfig.
    """

    config_name: str
    share: float
    variants: tuple[Variant, ...]
    shadows: tuple[Variant, ...] = ()
    data_capture: Document | None = None
    async_config: Document | None = None

    def choose_variant(self, chance: float) -> Variant:
        """Return the variant that a number from 0 to 1 falls on."""
        total = sum(variant.weight for variant in self.variants)
        mark = chance * total
        for variant in self.variants:
            mark -= variant.weight
            if mark < 0:
                return variant
        return self.variants[-1]

    def variant(self, name: str) -> Variant | None:
        """Return the variant with that name."""
        return next((variant for variant in self.variants if variant.name == name), None)


@dataclass(frozen=True)
class Route:
    """An endpoint's fleets."""

    endpoint_name: str
    endpoint_arn: str
    fleets: tuple[Fleet, ...]

    def choose_fleet(self, chance: float) -> Fleet:
        """Return the fleet that a number from 0 to 1 falls on."""
        for fleet in self.fleets:
            chance -= fleet.share
            if chance < 0:
                return fleet
        return max(self.fleets, key=lambda fleet: fleet.share)


class Routes:
    """All routes, by endpoint name.

    Attributes
    ----------
    on_wake : callable(endpoint_name, config_name, variant_name) -> Future
        Set by hosting: starts the instance of a serverless variant. The future's exception is a JobFailure.
    on_failure : callable(endpoint_name, instance_id)
        Set by hosting: called when an instance refused a connection.
    """

    def __init__(self) -> None:
        self._routes: dict[str, Route] = {}
        self.on_wake: Callable[[str, str, str], Future[Instance]] = _no_one_to_wake
        self.on_failure: Callable[[str, str], None] = lambda _endpoint, _instance: None

    def get(self, endpoint_name: str) -> Route | None:
        """Return the route of an endpoint that is in service."""
        return self._routes.get(endpoint_name.lower())

    def put(self, route: Route) -> None:
        """Set an endpoint's route, replacing the present one."""
        self._routes[route.endpoint_name.lower()] = route

    def remove(self, endpoint_name: str) -> None:
        """Remove an endpoint's route."""
        self._routes.pop(endpoint_name.lower(), None)

    def every(self) -> list[Route]:
        """Return all routes."""
        return list(self._routes.values())


def _no_one_to_wake(endpoint_name: str, _config_name: str, variant_name: str) -> Future[Instance]:
    raise LookupError(f"The variant {variant_name} of the endpoint {endpoint_name} has no host here")


def new_instance_id() -> str:
    """Return an ID in the format of EC2."""
    return f"i-{random.getrandbits(68):017x}"

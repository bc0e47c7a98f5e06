"""The instances of one EndpointConfig: a group for each variant, which grows and shrinks."""

import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

from localaws.document import Document
from localaws.sagemaker.hosting import routes
from localaws.sagemaker.hosting.group import Group
from localaws.sagemaker.hosting.serverless import ServerlessGroup
from localaws.sagemaker.parts import Parts
from localaws.settings import serverless_idle_seconds

_HOME = "endpoints"


@dataclass
class Capacity:
    """The size of a variant, and its share of the traffic."""

    weight: float
    count: int


class LiveFleet:
    """All variants of one EndpointConfig, up and running.

    Parameters
    ----------
    parts : Parts
    endpoint_name : str
    config : dict
        The EndpointConfig's document.
    capacities : mapping of str to Capacity
        By variant name; variants that are absent are as the configuration says.
    changed : callable()
        Called when the routes have to be rebuilt.

    Attributes
    ----------
    share : float
        Of the endpoint's traffic.
    began : float
        When its deployment began, in seconds since the epoch.
    stage : dict, optional
        The ``ProductionVariantStatus`` that its deployment has reached.
    """

    def __init__(
        self,
        parts: Parts,
        endpoint_name: str,
        config: Document,
        capacities: Mapping[str, Capacity],
        changed: Callable[[], None],
    ) -> None:
        self.config = config
        self.share = 0.0
        self.began = time.time()
        self.stage: Document | None = None
        self.capacities = {
            variant["VariantName"]: capacities.get(variant["VariantName"]) or initial_capacity(variant)
            for variant in variants_of(config)
        }
        home = parts.account_dir / _HOME
        home.mkdir(parents=True, exist_ok=True)
        self._folder = Path(tempfile.mkdtemp(prefix=f"{endpoint_name[:40]}-", dir=home))
        self._folder.chmod(0o755)
        self._stop = threading.Event()
        self.groups: dict[str, Group] = {}
        for variant in variants_of(config):
            name = variant["VariantName"]
            of_variant = (parts, endpoint_name, variant, self._folder / name, changed)
            if "ServerlessConfig" in variant:
                self.groups[name] = ServerlessGroup(*of_variant, serverless_idle_seconds())
            else:
                self.groups[name] = Group(*of_variant)

    def start(self) -> None:
        """Start all instances; return when they are ready. A serverless variant's instance is ended again.

        Raises
        ------
        JobFailure
            If one does not start.
        """
        for name, group in self.groups.items():
            group.start(self.capacities[name].count, self._stop)

    def scale(self, capacities: Mapping[str, Capacity]) -> None:
        """Set new weights and counts."""
        for name, capacity in capacities.items():
            self.capacities[name] = capacity
            self.groups[name].resize(capacity.count, self._stop)

    def wake(self, variant_name: str) -> "Future[routes.Instance]":
        """Return the server of a serverless variant, as soon as it is ready."""
        group = self.groups[variant_name]
        if not isinstance(group, ServerlessGroup):
            raise LookupError(f"The variant {variant_name} is not serverless")
        return group.wake(self._stop)

    def suspect(self, instance_id: str) -> None:
        """Check an instance that could not be reached."""
        for group in self.groups.values():
            for instance in group.instances:
                if instance.instance_id == instance_id:
                    instance.suspect()

    def end(self) -> None:
        """Drain all instances; return when they have ended and their files are deleted."""
        self._stop.set()
        for group in self.groups.values():
            group.settle()
        instances = [instance for group in self.groups.values() for instance in group.instances]
        for instance in instances:
            instance.drain()
        for instance in instances:
            instance.join(70)
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def route(self) -> routes.Fleet:
        """What the runtime has to know about it."""
        production = [variant["VariantName"] for variant in self.config["ProductionVariants"]]
        return routes.Fleet(
            config_name=self.config["EndpointConfigName"],
            share=self.share,
            variants=tuple(self._route(name) for name in production),
            shadows=tuple(self._route(name) for name in self.groups if name not in production),
            data_capture=self.config.get("DataCaptureConfig"),
            async_config=self.config.get("AsyncInferenceConfig"),
        )

    def _route(self, name: str) -> routes.Variant:
        group = self.groups[name]
        routing = group.variant.get("RoutingConfig", {}).get("RoutingStrategy", "LEAST_OUTSTANDING_REQUESTS")
        serverless = group.variant.get("ServerlessConfig")
        return routes.Variant(
            name=name,
            weight=self.capacities[name].weight,
            instances=group.ready,
            routing=routing,
            max_concurrency=serverless["MaxConcurrency"] if serverless else None,
            demand=group.demand if isinstance(group, ServerlessGroup) else None,
            role_arn=group.containers[0].get("ExecutionRoleArn"),
        )


def folders_of_fleets(account_dir: Path) -> list[Path]:
    """Return the folders of all existing fleets."""
    home = account_dir / _HOME
    return list(home.iterdir()) if home.is_dir() else []


def variants_of(config: Document) -> list[Document]:
    """Return the production and shadow variants of an EndpointConfig."""
    return [*config["ProductionVariants"], *config.get("ShadowProductionVariants", [])]


def retained(current: Mapping[str, Capacity], config: Document, options: Document) -> dict[str, Capacity]:
    """Return the capacities that an update starts the variants of the next EndpointConfig with.

    Parameters
    ----------
    current : mapping of str to Capacity
        The present ones, by variant name.
    config : dict
        The next EndpointConfig.
    options : dict
        With RetainAllVariantProperties, and ExcludeRetainedVariantProperties, which names the exceptions to it.
    """
    if not options.get("RetainAllVariantProperties"):
        return {}
    excluded = {item["VariantPropertyType"] for item in options.get("ExcludeRetainedVariantProperties") or []}
    found = {}
    for variant in variants_of(config):
        name, initial = variant["VariantName"], initial_capacity(variant)
        if name in current:
            weight = initial.weight if "DesiredWeight" in excluded else current[name].weight
            count = initial.count if "DesiredInstanceCount" in excluded else current[name].count
            found[name] = Capacity(weight, count)
    return found


def initial_capacity(variant: Document) -> Capacity:
    """Return the capacity in the EndpointConfig; a serverless variant is one process here."""
    return Capacity(variant.get("InitialVariantWeight", 1.0), variant.get("InitialInstanceCount", 1))

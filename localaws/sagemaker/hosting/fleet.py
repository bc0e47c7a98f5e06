"""The instances of one EndpointConfig: a group of them for each variant, which grows and shrinks."""

import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localaws.sagemaker.control import Control
from localaws.sagemaker.errors import JobFailure
from localaws.sagemaker.hosting import routes
from localaws.sagemaker.hosting.instance import Plan, ServerInstance
from localaws.sagemaker.model_server import containers_of, stage

Document = dict[str, Any]

_START_SECONDS = 60.0  # ContainerStartupHealthCheckTimeoutInSeconds, when the variant says nothing


@dataclass
class Capacity:
    """How much of a variant there is to be, and how much of the traffic it gets."""

    weight: float
    count: int


class Group:
    """The instances of one variant.

    Parameters
    ----------
    control : Control
    endpoint_name : str
    variant : dict
        A ProductionVariant of the EndpointConfig.
    folder : Path
        Where they have their files.
    changed : callable()
        Called when an instance has become ready, or is not any more.
    """

    def __init__(
        self, control: Control, endpoint_name: str, variant: Document, folder: Path, changed: Callable[[], None]
    ) -> None:
        self.variant = variant
        self.instances: list[ServerInstance] = []
        self._changed = changed
        self.containers = containers_of(control.store, control.aws.arn("model", variant["ModelName"]))
        models = []
        for number, container in enumerate(self.containers):
            stage(control.aws.client("s3"), container, folder / f"staged-{number}")
            models.append(folder / f"staged-{number}" / "model")
        self._plan = Plan(
            aws=control.aws,
            state_dir=control.state_dir,
            folder=folder,
            log_group=f"/aws/sagemaker/Endpoints/{endpoint_name}",
            stream_prefix=variant["VariantName"],
            containers=tuple(self.containers),
            models=tuple(models),
            start_seconds=variant.get("ContainerStartupHealthCheckTimeoutInSeconds", _START_SECONDS),
        )

    @property
    def ready(self) -> tuple[routes.Instance, ...]:
        """The instances that take requests."""
        return tuple(route for instance in self.instances if (route := instance.route) is not None)

    def scale_to(self, count: int, stop: threading.Event) -> None:
        """Start or drain instances; return when there are so many ready ones.

        Raises
        ------
        JobFailure
            A new one does not start; then those that are new are ended.
        """
        new = [ServerInstance(self._plan, self._changed) for _ in range(count - len(self.instances))]
        try:
            for instance in new:
                self._wait(instance, stop)
        except JobFailure:
            for instance in new:
                instance.drain()
            raise
        self.instances += new
        surplus = self.instances[count:]
        self.instances = self.instances[:count]
        self._changed()  # before the surplus ends: it leaves the routes first
        for instance in surplus:
            instance.drain()

    def _wait(self, instance: ServerInstance, stop: threading.Event) -> None:
        deadline = time.monotonic() + self._plan.start_seconds
        while not instance.wait_until_started(0.1):
            if stop.is_set() or time.monotonic() > deadline:
                break
        if instance.route is None:
            name = self.variant["VariantName"]
            raise JobFailure(
                f"The primary container for production variant {name} did not pass the ping health check. Please check"
                f" CloudWatch logs for this endpoint. {instance.failure or ''}".strip()
            )


class LiveFleet:
    """All variants of one EndpointConfig, up and running.

    Parameters
    ----------
    control : Control
    endpoint_name : str
    config : dict
        The EndpointConfig's document.
    capacities : mapping of str to Capacity
        By variant's name; what is not in it is as the config says.
    changed : callable()
        Called when the routes have to be made anew.
    """

    def __init__(
        self,
        control: Control,
        endpoint_name: str,
        config: Document,
        capacities: Mapping[str, Capacity],
        changed: Callable[[], None],
    ) -> None:
        self.config = config
        self.share = 0.0
        self.capacities = {
            variant["VariantName"]: capacities.get(variant["VariantName"]) or initial_capacity(variant)
            for variant in variants_of(config)
        }
        home = control.state_dir / "endpoints"
        home.mkdir(parents=True, exist_ok=True)
        self._folder = Path(tempfile.mkdtemp(prefix=f"{endpoint_name[:40]}-", dir=home))
        self._folder.chmod(0o755)
        self._stop = threading.Event()
        self.groups: dict[str, Group] = {}
        for variant in variants_of(config):
            name = variant["VariantName"]
            self.groups[name] = Group(control, endpoint_name, variant, self._folder / name, changed)

    def start(self) -> None:
        """Bring up all instances; return when they are ready.

        Raises
        ------
        JobFailure
            One does not start.
        """
        for name, group in self.groups.items():
            group.scale_to(self.capacities[name].count, self._stop)

    def scale(self, capacities: Mapping[str, Capacity]) -> None:
        """Take new weights and counts."""
        for name, capacity in capacities.items():
            self.capacities[name] = capacity
            self.groups[name].scale_to(capacity.count, self._stop)

    def suspect(self, instance_id: str) -> None:
        """Look after an instance that could not be reached."""
        for group in self.groups.values():
            for instance in group.instances:
                if instance.instance_id == instance_id:
                    instance.suspect()

    def end(self) -> None:
        """Drain all instances; return when they have ended and their files are gone."""
        self._stop.set()
        instances = [instance for group in self.groups.values() for instance in group.instances]
        for instance in instances:
            instance.drain()
        for instance in instances:
            instance.join(70)
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def route(self) -> routes.Fleet:
        """What the runtime has to know of it."""
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
        )


def variants_of(config: Document) -> list[Document]:
    """Production and shadow variants of an EndpointConfig."""
    return [*config["ProductionVariants"], *config.get("ShadowProductionVariants", [])]


def initial_capacity(variant: Document) -> Capacity:
    """What the EndpointConfig says of a variant; a serverless one is one process here."""
    return Capacity(variant.get("InitialVariantWeight", 1.0), variant.get("InitialInstanceCount", 1))

"""The instances of one variant: as many as requested, each kept alive."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

from localaws.containers.errors import JobFailure
from localaws.document import Document
from localaws.sagemaker.hosting import routes
from localaws.sagemaker.hosting.instance import Plan, ServerInstance
from localaws.sagemaker.jobs import images
from localaws.sagemaker.jobs.instance_types import limits_of
from localaws.sagemaker.jobs.model_server import aws_of, containers_of, stage
from localaws.sagemaker.parts import Parts


def _memory_bytes(variant: Document) -> int | None:
    size = limits_of(variant["InstanceType"]) if "InstanceType" in variant else None
    return size.memory_bytes if size else None


class Group:
    """The instances of one variant.

    Parameters
    ----------
    parts : Parts
    endpoint_name : str
    variant : dict
        A ProductionVariant of the EndpointConfig.
    folder : Path
        The folder of their files.
    changed : callable()
        Called when an instance has become ready, or no longer is.
    """

    def __init__(
        self, parts: Parts, endpoint_name: str, variant: Document, folder: Path, changed: Callable[[], None]
    ) -> None:
        self.variant = variant
        self.instances: list[ServerInstance] = []
        self._changed = changed
        self.containers = containers_of(parts.store, parts.aws.arn("model", variant["ModelName"]))
        models = []
        for number, container in enumerate(self.containers):
            stage(aws_of(parts.aws, container).client("s3"), container, folder / f"staged-{number}")
            models.append(folder / f"staged-{number}" / "model")
        self._plan = Plan(
            aws=parts.aws,
            state_dir=parts.state_dir,
            folder=folder,
            log_group=f"/aws/sagemaker/Endpoints/{endpoint_name}",
            stream_prefix=variant["VariantName"],
            containers=tuple(self.containers),
            models=tuple(models),
            start_seconds=variant.get("ContainerStartupHealthCheckTimeoutInSeconds") or self._start_seconds(parts),
            memory_bytes=_memory_bytes(variant),
        )

    def _start_seconds(self, parts: Parts) -> float:
        return max(images.find(container["Image"], parts.state_dir).start_seconds for container in self.containers)

    @property
    def ready(self) -> tuple[routes.Instance, ...]:
        """The instances that take requests."""
        return tuple(route for instance in self.instances if (route := instance.route) is not None)

    def start(self, count: int, stop: threading.Event) -> None:
        """Start the first instances."""
        self.scale_to(count, stop)

    def resize(self, count: int, stop: threading.Event) -> None:
        """Change the number of instances."""
        self.scale_to(count, stop)

    def settle(self) -> None:
        """Do nothing: instances only start on request."""

    def scale_to(self, count: int, stop: threading.Event) -> None:
        """Start or drain instances; return when this many are ready.

        Raises
        ------
        JobFailure
            If a new one does not start; then all new ones are ended.
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

"""How much CPU and memory the instances of each variant use, sent to CloudWatch every ten seconds.

CPUUtilization is the sum over the cores, as on AWS: a program that keeps two of them busy uses 200 percent.
MemoryUtilization is a percentage of this host's memory, whatever the instance type.
"""

import logging
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from localaws.containers.memory import family, used_bytes
from localaws.document import Document
from localaws.metrics.namespace import Metric, Namespace
from localaws.sagemaker.aws import SageMakerAws
from localaws.sagemaker.hosting.routes import Instance, Routes
from localaws.sagemaker.runtime.metrics import dimensions, put

logger = logging.getLogger(__name__)

_OF_VARIANT = (("EndpointName", "VariantName"),)
ENDPOINT_USAGE = Namespace(
    "/aws/sagemaker/Endpoints",
    {
        "CPUUtilization": Metric("Percent", _OF_VARIANT),
        "MemoryUtilization": Metric("Percent", _OF_VARIANT),
        "LoadedModelCount": Metric("None", _OF_VARIANT),
    },
)
INTERVAL_SECONDS = 10.0
_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
_HOST_BYTES = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


class UsageMeter:
    """Measures the processes of all instances.

    Parameters
    ----------
    aws : SageMakerAws
    routes : Routes
        Provide the instances.
    interval : float, default=10
        Seconds between two measurements.
    """

    def __init__(self, aws: SageMakerAws, routes: Routes, interval: float = INTERVAL_SECONDS) -> None:
        self._aws, self._routes, self._interval = aws, routes, interval
        self._before: dict[str, tuple[float, float]] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look_regularly, name="endpoint usage", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop measuring."""
        self._stop.set()
        self._thread.join()

    def _look_regularly(self) -> None:
        while not self._stop.wait(self._interval):
            try:
                if data := list(self._data()):
                    put(self._aws, ENDPOINT_USAGE.name, data)
            except (ClientError, BotoCoreError) as error:
                logger.warning("The usage of endpoints was not sent to CloudWatch: %s", error)

    def _data(self) -> Iterator[Document]:
        seen: dict[str, tuple[float, float]] = {}
        for route in self._routes.every():
            for fleet in route.fleets:
                for variant in (*fleet.variants, *fleet.shadows):
                    cpu = [share for one in variant.instances if (share := self._cpu(one, seen)) is not None]
                    memory = [_memory(one) for one in variant.instances]
                    loaded = [float(len(one.models)) for one in variant.instances if one.models is not None]
                    for metric, values in zip(ENDPOINT_USAGE.metrics, (cpu, memory, loaded), strict=True):
                        if values:
                            yield _datum(metric, dimensions(route.endpoint_name, variant.name), values)
        self._before = seen

    def _cpu(self, instance: Instance, seen: dict[str, tuple[float, float]]) -> float | None:
        """Return the percentage of a core used since the last measurement; None at the first one."""
        spent, now = sum(map(_cpu_seconds, _processes(instance))), time.monotonic()
        seen[instance.instance_id] = (spent, now)
        if instance.instance_id not in self._before:
            return None
        spent_before, then = self._before[instance.instance_id]
        return max(0.0, 100 * (spent - spent_before) / (now - then))  # a server that was replaced starts again at zero


def _processes(instance: Instance) -> Iterator[int]:
    for pid in instance.pids:
        yield from family(pid)


def _cpu_seconds(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_SECOND


def _memory(instance: Instance) -> float:
    return 100 * sum(map(used_bytes, instance.pids)) / _HOST_BYTES


def _datum(metric: str, named: list[Document], values: list[float]) -> Document:
    unit = ENDPOINT_USAGE.metrics[metric].unit
    return {"MetricName": metric, "Dimensions": named, "Values": values, "Unit": unit, "StorageResolution": 1}

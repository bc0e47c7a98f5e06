"""One instance of a variant: its model server, kept alive.

A thread starts the server, reports when it is ready, monitors it, and restarts it when it ends or no longer answers
/ping. The death of that thread would end the server (`container`), so it lives as long as the instance.
"""

import shutil
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from localaws.containers.container import Container
from localaws.containers.errors import JobFailure, JobStopped
from localaws.containers.logs import LogShipper
from localaws.containers.memory import uses_more_than
from localaws.document import Document
from localaws.sagemaker.aws import SageMakerAws
from localaws.sagemaker.errors import ApiError
from localaws.sagemaker.hosting import routes
from localaws.sagemaker.hosting.model_cache import ModelCache
from localaws.sagemaker.jobs import images
from localaws.sagemaker.jobs.model_server import (
    aws_of,
    free_port,
    is_healthy,
    is_multi_model,
    server_command,
    stage_target,
    wait_until_ready,
)

_LOOK_SECONDS = 0.1
_PING_EVERY_SECONDS = 5.0
_MISSED_PINGS = 3
_DRAIN_SECONDS = 0.3  # after leaving the routes, for a request that had its address already
_GRACE_SECONDS = 65.0
_LONGEST_PAUSE_SECONDS = 5.0


@dataclass(frozen=True)
class Plan:
    """What an instance runs.

    Attributes
    ----------
    log_group, stream_prefix : str
        The log's destination, such as ``/aws/sagemaker/Endpoints/name`` and ``AllTraffic``.
    containers : tuple of dict
        Container definitions, in the order of the chain.
    models : tuple of Path
        The staged folder of each.
    start_seconds : float
        How long a server may take to become ready.
    memory_bytes : int or None
        How much memory a container of many models may use before it unloads some; None for all of this host's.
    """

    aws: SageMakerAws
    state_dir: Path
    folder: Path
    log_group: str
    stream_prefix: str
    containers: tuple[Document, ...]
    models: tuple[Path, ...]
    start_seconds: float
    memory_bytes: int | None


class ServerInstance:
    """A running instance.

    Parameters
    ----------
    plan : Plan
    changed : callable()
        Called when it has become ready, or no longer is.
    """

    def __init__(self, plan: Plan, changed: Callable[[], None]) -> None:
        self.instance_id = routes.new_instance_id()
        self._plan = plan
        self._changed = changed
        self._folder = plan.folder / self.instance_id
        self._ports: tuple[int, ...] | None = None
        self._pids: tuple[int, ...] = ()
        self._models: ModelCache | None = None
        self._stop = threading.Event()
        self._suspect = threading.Event()
        self._first = threading.Event()  # set once ready or failed for the first time
        self.failure: str | None = None
        self._thread = threading.Thread(target=self._live, name=f"instance {self.instance_id}", daemon=True)
        self._thread.start()

    @property
    def route(self) -> routes.Instance | None:
        """The address for its requests; None while it is not ready."""
        ports = self._ports
        return routes.Instance(self.instance_id, ports, self._pids, self._models) if ports else None

    def wait_until_started(self, seconds: float) -> bool:
        """Return whether the server has become ready, or failed, within this time."""
        return self._first.wait(seconds)

    def suspect(self) -> None:
        """Check the server now: a request could not reach it."""
        self._suspect.set()

    def drain(self) -> None:
        """Accept no more requests, finish those under way, end. Returns immediately."""
        self._ports = None
        self._stop.set()

    def join(self, seconds: float) -> None:
        """Wait for the end of the instance."""
        self._thread.join(seconds)

    def _live(self) -> None:
        pause = 0.0
        try:
            while not self._stop.wait(pause):
                started = time.monotonic()
                self._run_once()
                self._lost()
                pause = (
                    0.0
                    if time.monotonic() - started > _PING_EVERY_SECONDS
                    else min(pause * 2 + 0.1, _LONGEST_PAUSE_SECONDS)
                )
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _run_once(self) -> None:
        try:
            self._serve()
        except JobStopped:
            return
        except (JobFailure, ApiError, OSError) as error:
            self.failure = str(error)
            self._first.set()

    def _lost(self) -> None:
        if self._ports is not None:
            self._ports = None
            self._changed()

    def _serve(self) -> None:
        ports = tuple(free_port() for _ in self._plan.containers)
        with ExitStack() as stack:
            running = [self._start(stack, number, port) for number, port in enumerate(ports)]
            for (container, log), port in zip(running, ports, strict=True):
                wait_until_ready(container, port, log, self._plan.start_seconds, self._stop)
            self._pids = tuple(container.pid for container, _ in running)
            self._models = self._cache(self._pids[0])
            self._ports, self.failure = ports, None
            self._first.set()
            self._changed()
            self._watch([container for container, _ in running], ports)
            if self._stop.is_set():
                time.sleep(_DRAIN_SECONDS)
                for container, _ in running:
                    container.end(_GRACE_SECONDS)

    def _start(self, stack: ExitStack, number: int, port: int) -> tuple[Container, Path]:
        folder = self._folder / str(number)
        shutil.rmtree(folder, ignore_errors=True)
        # Linked, not copied: a server that writes to its model replaces files, it does not write into them.
        shutil.copytree(self._plan.models[number], folder / "model", copy_function=_link, symlinks=True)
        log = self._folder / f"{number}.log"
        definition = self._plan.containers[number]
        variables = {"SAGEMAKER_MODEL_SERVER_WORKERS": "1"}
        if is_multi_model(definition):
            variables["SAGEMAKER_MULTI_MODEL"] = "true"
            (folder / "models").mkdir()
        image = images.find(definition["Image"], self._plan.state_dir)
        command = server_command(self._plan.aws, image, definition, port, variables | definition.get("Environment", {}))
        chain = f"/{number + 1}" if len(self._plan.containers) > 1 else ""
        stream = f"{self._plan.stream_prefix}/{self.instance_id}{chain}"
        logs = aws_of(self._plan.aws, definition).client("logs")
        # It begins before the container and ends after it: no line of the container is missed.
        stack.callback(LogShipper(logs, self._plan.log_group, stream, log, image.notice, forget=True).close)
        return stack.enter_context(Container(folder, command, log)), log

    def _cache(self, pid: int) -> ModelCache | None:
        """Return the empty cache of a server that has just started; None if it has one model."""
        definition, limit = self._plan.containers[0], self._plan.memory_bytes
        if not is_multi_model(definition):
            return None
        client = aws_of(self._plan.aws, definition).client("s3")
        return ModelCache(
            self._folder / "0" / "models",
            lambda target_model, folder: stage_target(client, definition, target_model, folder),
            lambda: limit is not None and uses_more_than(pid, limit),
            keeps=definition.get("MultiModelConfig", {}).get("ModelCacheSetting") != "Disabled",
        )

    def _watch(self, containers: list[Container], ports: tuple[int, ...]) -> None:
        """Return when the instance has to stop, or a server has ended or does not answer."""
        missed, next_ping = 0, time.monotonic() + _PING_EVERY_SECONDS
        while not self._stop.is_set():
            if any(container.poll() is not None for container in containers):
                return
            if self._suspect.wait(_LOOK_SECONDS) or time.monotonic() > next_ping:
                self._suspect.clear()
                next_ping = time.monotonic() + _PING_EVERY_SECONDS
                missed = 0 if all(map(is_healthy, ports)) else missed + 1
            if missed >= _MISSED_PINGS:
                return


def _link(source: str, target: str) -> None:
    Path(target).hardlink_to(source)

"""A serverless variant: no server until a request needs one, and none again after a while without requests.

::

    start    the server is started once, to check that it can, and ended
    wake     a request finds no server: a thread starts one (the cold start) ...
             ... watches the demand while it runs ...
             ... and ends it after long enough without requests

One server serves all of a variant's requests, where AWS has one for each concurrent request.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from pathlib import Path

from localaws.containers.errors import JobFailure
from localaws.document import Document
from localaws.sagemaker.hosting import routes
from localaws.sagemaker.hosting.demand import Demand
from localaws.sagemaker.hosting.group import Group
from localaws.sagemaker.parts import Parts

_LOOK_SECONDS = 0.02


class ServerlessGroup(Group):
    """The server of a serverless variant, while there is one.

    Parameters
    ----------
    parts, endpoint_name, variant, folder, changed
        As for a group of instances.
    idle_seconds : float
        How long the server is kept without requests.
    """

    def __init__(
        self,
        parts: Parts,
        endpoint_name: str,
        variant: Document,
        folder: Path,
        changed: Callable[[], None],
        idle_seconds: float,
    ) -> None:
        super().__init__(parts, endpoint_name, variant, folder, changed)
        self.demand = Demand()
        self._idle_seconds = idle_seconds
        self._keeps_warm = "ProvisionedConcurrency" in variant["ServerlessConfig"]
        self._lock = threading.Lock()
        self._waiting: list[Future[routes.Instance]] = []
        self._keeper: threading.Thread | None = None

    def start(self, _count: int, stop: threading.Event) -> None:
        """Check that a server starts; it is kept if there is provisioned concurrency."""
        first = self._call(stop, idle_seconds=0.0)
        while not first.done():
            if stop.wait(_LOOK_SECONDS):
                return
        first.result()

    def resize(self, _count: int, _stop: threading.Event) -> None:
        """Do nothing: the demand decides how many servers there are."""

    def settle(self) -> None:
        """Wait until the thread that keeps the server has ended; the fleet's stop is set."""
        keeper = self._keeper
        if keeper is not None:
            keeper.join()

    def wake(self, stop: threading.Event) -> "Future[routes.Instance]":
        """Return the server as soon as it is ready; the future's exception is a JobFailure if it does not start."""
        return self._call(stop, self._idle_seconds)

    def _call(self, stop: threading.Event, idle_seconds: float) -> "Future[routes.Instance]":
        found: Future[routes.Instance] = Future()
        with self._lock:
            self._waiting.append(found)
            if self._keeper is None:
                name = f"serverless {self.variant['VariantName']}"
                self._keeper = threading.Thread(target=self._keep, args=(stop, idle_seconds), name=name, daemon=True)
                self._keeper.start()
        return found

    def _keep(self, stop: threading.Event, idle_seconds: float) -> None:
        """Start a server and keep it while it is needed; start again if a request arrived at the last moment."""
        try:
            while self._is_wanted(stop):
                self.scale_to(1, stop)
                self._look_after(stop, idle_seconds)
                idle_seconds = self._idle_seconds
        except JobFailure as failure:
            with self._lock:
                self._refuse(str(failure))
                self._keeper = None

    def _is_wanted(self, stop: threading.Event) -> bool:
        with self._lock:
            if stop.is_set():
                self._refuse("The endpoint's fleet is being taken down.")
            if not self._waiting:
                self._keeper = None
            return bool(self._waiting)

    def _look_after(self, stop: threading.Event, idle_seconds: float) -> None:
        """Return when the server has ended, or has to."""
        while True:
            with self._lock:
                self._tell()
                if not self._waiting and not self._keeps_warm and self.demand.is_idle(idle_seconds):
                    self.scale_to(0, stop)
                    return
            if stop.wait(_LOOK_SECONDS):
                return

    def _tell(self) -> None:
        """Answer the waiting requests: for a moment after a crash there may be no server that is ready."""
        if ready := self.ready:
            for future in self._waiting:
                with suppress(InvalidStateError):  # the caller has given up waiting
                    future.set_result(ready[0])
            self._waiting.clear()
        elif self._waiting and (failure := self.instances[0].failure):
            self._refuse(failure)

    def _refuse(self, reason: str) -> None:
        for future in self._waiting:
            with suppress(InvalidStateError):
                future.set_exception(JobFailure(reason))
        self._waiting.clear()

"""The supervisor: it keeps the workers alive, hands them their connections, and stops them in order.

It is the process that was started, and does nothing that could fail with a model: it accepts connections, hands each to
the worker with the fewest, and looks after the workers five times a second.

The model is loaded once, here, before the workers are forked: they share its memory until they write to it, which a
model that predicts does not. That cannot be done with a model whose libraries have started threads (ONNX Runtime, an
OpenMP runtime after its first loop), since threads do not survive a fork: such a supervisor starts itself anew, without
the model, and each worker loads its own. A single worker always does.

A worker that dies is replaced. One whose call goes on for longer than the time-out is killed, and replaced.
"""

import contextlib
import gc
import logging
import os
import resource
import selectors
import signal
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from serving.board import Board, Field
from serving.chain import Served
from serving.settings import Settings
from serving.worker import CANNOT_START, READY, run_worker

# Set for the process that takes this one's place when the model cannot be shared.
OWN_MODELS = "SERVING_EACH_WORKER_LOADS_THE_MODEL"

_BACKLOG = 2048
_LOOK_SECONDS = 0.2
_GRACE_SECONDS = 1.0  # beyond the time-out, for a call that ends just then
_LONGEST_PAUSE_SECONDS = 5.0
_QUIET_SECONDS = 10.0  # a worker that lived so long is not part of a row of failures
_MOST_FAILED_LOADS = 5

log = logging.getLogger(__name__)


@dataclass
class _Place:
    """Where a worker is, or was, or will be."""

    number: int
    pid: int = 0
    control: socket.socket | None = None
    ready: bool = False
    given: int = 0  # connections
    born: float = 0.0
    deaths: int = 0  # in a row
    due: float = 0.0  # when to start the next one
    stuck: bool = False

    def take(self, connection: socket.socket) -> None:
        """Hand a connection over to the worker."""
        try:
            socket.send_fds(self.control, [b"C"], [connection.fileno()])  # type: ignore[arg-type]
            self.given += 1
        except OSError:  # it has just died
            self.ready = False


class Supervisor:
    """A server's first process.

    Parameters
    ----------
    listener : socket
        Bound, not listening yet: that is for the first worker that is ready, so that a health check which only
        connects is not misled.
    load : callable() -> Served or None
    settings : Settings
    """

    def __init__(self, listener: socket.socket, load: Callable[[], Served | None], settings: Settings) -> None:
        self._listener = listener
        self._load = load
        self._settings = settings
        self._board = Board(settings.workers)
        self._places = [_Place(number) for number in range(settings.workers)]
        self._selector = selectors.DefaultSelector()
        self._listening = False
        self._stopping = False
        self._failed_loads = 0

    def run(self) -> int:
        """Serve until SIGTERM or SIGINT; return the exit code.

        Raises
        ------
        StartError
            The model cannot be loaded.
        """
        _raise_descriptor_limit()
        if self._settings.workers > 1 and OWN_MODELS not in os.environ:
            self._load = _shared(self._load)
        self._watch_signals()
        self._start(self._places[0])  # alone: a model that cannot be loaded fails once
        while not self._stopping:
            self._hear()
            if not self._look_after_workers():
                return 1
        self._stop()
        return 0

    def _hear(self) -> None:
        for key, _ in self._selector.select(_LOOK_SECONDS):
            key.data()

    # Workers

    def _start(self, place: _Place) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        self._board.clear(place.number)
        sys.stdout.flush()
        pid = os.fork()
        if pid == 0:
            self._become_worker(place, ours, theirs)
        theirs.close()
        place.pid, place.control, place.born = pid, ours, time.monotonic()
        place.ready, place.given, place.stuck = False, 0, False
        self._selector.register(ours, selectors.EVENT_READ, lambda: self._heard(place))

    def _become_worker(self, place: _Place, ours: socket.socket, theirs: socket.socket) -> NoReturn:
        code = 1
        try:
            signal.set_wakeup_fd(-1)
            self._selector.close()
            self._listener.close()
            ours.close()
            for other in self._places:
                if other.control is not None:
                    other.control.close()
            code = run_worker(self._load, theirs, self._board, place.number, self._settings)
        except BaseException:
            log.exception("a defect of the server")
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)  # neither the supervisor's finally clauses nor a model's threads keep it

    def _heard(self, place: _Place) -> None:
        if place.control is None:
            return
        try:
            said = place.control.recv(16)
        except OSError:
            said = b""
        if said == READY:
            place.ready = True
            self._failed_loads = 0
            if not self._listening:
                self._listen()
        elif not said:
            self._selector.unregister(place.control)
            place.control.close()
            place.control = None

    def _look_after_workers(self) -> bool:
        """Replace workers that died, kill those that are stuck; return False when no worker can start."""
        now = time.monotonic()
        self._reap(now)
        if (self._failed_loads and not self._listening) or self._failed_loads >= _MOST_FAILED_LOADS:
            return any(place.ready for place in self._places)
        for place in self._places:
            if place.pid:
                self._end_if_stuck(place, now)
            elif (self._listening or place.number == 0) and now >= place.due:
                self._start(place)
        return True

    def _reap(self, now: float) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not pid:
                return
            for place in self._places:
                if place.pid == pid:
                    self._died(place, os.waitstatus_to_exitcode(status), now)

    def _died(self, place: _Place, code: int, now: float) -> None:
        place.pid, place.ready = 0, False
        place.deaths = place.deaths + 1 if now - place.born < _QUIET_SECONDS else 1
        place.due = now + min(0.1 * 2 ** (place.deaths - 2), _LONGEST_PAUSE_SECONDS) if place.deaths > 1 else now
        if place.control is not None:
            self._selector.unregister(place.control)
            place.control.close()
            place.control = None
        if code == CANNOT_START:
            self._failed_loads += 1
        if self._stopping or (code == CANNOT_START and not self._listening):
            return
        how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        log.error("a worker died and is replaced", extra={"fields": {"worker": place.number, "how": how}})

    def _end_if_stuck(self, place: _Place, now: float) -> None:
        since = self._board.row(place.number)[Field.BUSY_SINCE]
        if since and now - since > self._settings.timeout + _GRACE_SECONDS and not place.stuck:
            place.stuck = True
            fields = {"worker": place.number, "seconds": round(now - since, 1)}
            log.error("a worker's model is stuck in one call: the worker is killed", extra={"fields": fields})
            os.kill(place.pid, signal.SIGKILL)

    # Connections

    def _listen(self) -> None:
        self._listener.listen(_BACKLOG)
        self._listener.setblocking(False)
        self._selector.register(self._listener, selectors.EVENT_READ, self._accept)
        self._listening = True
        host, port = self._listener.getsockname()[:2]
        log.info("ready", extra={"fields": {"host": host, "port": port, "workers": self._settings.workers}})

    def _accept(self) -> None:
        for _ in range(_BACKLOG):
            place = self._least_busy()
            if place is None:
                time.sleep(0.005)  # the callers wait in the backlog until a worker is there
                return
            try:
                connection, _ = self._listener.accept()
            except BlockingIOError:
                return
            except OSError as error:  # no descriptor is left: others will be closed
                log.warning("a connection cannot be accepted", extra={"fields": {"reason": str(error)}})
                time.sleep(0.05)
                return
            with connection:
                place.take(connection)

    def _least_busy(self) -> _Place | None:
        ready = [place for place in self._places if place.ready and place.control is not None]
        now = time.monotonic()
        return min(ready, key=lambda place: self._load_of(place, now), default=None)

    def _load_of(self, place: _Place, now: float) -> tuple[bool, float, int]:
        row = self._board.row(place.number)
        since = row[Field.BUSY_SINCE]
        slow = bool(since) and now - since > _LOOK_SECONDS
        return slow, place.given - row[Field.CLOSED_CONNECTIONS], place.given

    # The end

    def _watch_signals(self) -> None:
        reader, writer = socket.socketpair()
        for end in (reader, writer):
            end.setblocking(False)
        signal.set_wakeup_fd(writer.fileno())
        self._wakeup = writer  # kept open
        self._selector.register(reader, selectors.EVENT_READ, lambda: reader.recv(64))

        def stop(_number: int, _frame: object) -> None:
            self._stopping = True

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
        signal.signal(signal.SIGCHLD, lambda *_: None)  # wakes the loop

    def _stop(self) -> None:
        """Hand over what has connected already, then let the workers finish, at most for one time-out."""
        if self._listening:
            self._accept()
            self._selector.unregister(self._listener)
        self._listener.close()
        for place in self._places:
            if place.control is not None:
                with contextlib.suppress(OSError):
                    place.control.shutdown(socket.SHUT_WR)
        deadline = time.monotonic() + self._settings.timeout + _GRACE_SECONDS
        while any(place.pid for place in self._places) and time.monotonic() < deadline:
            self._hear()
            self._reap(time.monotonic())
        for place in self._places:
            if place.pid:
                os.kill(place.pid, signal.SIGKILL)
        log.info("stopped")


def _shared(load: Callable[[], Served | None]) -> Callable[[], Served | None]:
    """Load the model now, for all workers to come; or start this program anew if it cannot be shared."""
    before = _threads()
    model = load()
    if _threads() > before:
        log.info("the model has threads of its own: each worker loads it")
        os.environ[OWN_MODELS] = "1"
        sys.stdout.flush()
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])
    gc.collect()
    gc.freeze()  # the collector would write to every page that it visits
    return lambda: model


def _threads() -> int:
    return sum(1 for _ in Path("/proc/self/task").iterdir())


def _raise_descriptor_limit() -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))

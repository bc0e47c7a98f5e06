"""Lambda: how many environments stay warm, and what of their output is kept."""

import importlib
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from localaws.containers.memory import used_bytes
from localaws.errors import HookMissingError
from localaws.ministack.private import installed_version, private

# An event of CloudWatch Logs has 256 kB, of which 26 bytes are its own.
_LINE_BYTES = 256 * 1024 - 26
_MOST_BYTES, _LINE_COST_BYTES = 16 * 1024 * 1024, 64
_CHUNK_BYTES, _PAUSE_SECONDS = 65_536, 0.005
_LOOK_SECONDS = 1.0


@dataclass(frozen=True)
class Idle:
    """An environment that is not in use.

    Attributes
    ----------
    last_used : float
        Seconds of a clock.
    size : int
        Bytes of memory.
    worker : object
    """

    last_used: float
    size: int
    worker: Any


def superfluous(idle: Sequence[Idle], in_use: Sequence[int], most: int, most_bytes: int) -> list[Idle]:
    """Return the environments that go: the least recently used first, until the rest are few and small enough.

    Parameters
    ----------
    idle : sequence of Idle
    in_use : sequence of int
        The sizes of those that cannot go.
    most, most_bytes : int
    """
    number, size = len(idle) + len(in_use), sum(in_use) + sum(each.size for each in idle)
    going = []
    for each in sorted(idle, key=lambda each: each.last_used):
        if number <= most and size <= most_bytes:
            break
        going.append(each)
        number, size = number - 1, size - each.size
    return going


def limit_warm_workers(most: int, most_megabytes: int) -> None:
    """Keep so many environments warm, which use so much memory; the least recently used one goes.

    MiniStack keeps one of each function and version for ever.

    Hooks ``ministack.services.lambda_svc.release_worker``, which gives an environment back to ``_workers`` of
    ``ministack.core.lambda_runtime``, guarded by its ``_lock``; ``kill_workers`` ends some.
    """
    functions: Any = importlib.import_module("ministack.services.lambda_svc")
    runtime: Any = importlib.import_module("ministack.core.lambda_runtime")
    release, kill = private(functions.__name__, "release_worker"), private(runtime.__name__, "kill_workers")
    pools, lock = private(runtime.__name__, "_workers"), private(runtime.__name__, "_lock")

    def take() -> list[Any]:
        with lock:
            workers = [worker for pool in pools.values() for worker in pool]
            idle = [Idle(each.last_used, _size(each), each) for each in workers if not each.in_use]
            in_use = [_size(each) for each in workers if each.in_use]
            going = [each.worker for each in superfluous(idle, in_use, most, most_megabytes * 1024**2)]
            for key, pool in list(pools.items()):
                pools[key] = [worker for worker in pool if worker not in going]
                if not pools[key]:
                    del pools[key]
        return going

    look = _at_intervals(take)

    def release_and_look(worker: Any) -> None:
        if worker is not None:
            worker.last_used = time.time()
        release(worker)
        if going := look(len([each for pool in list(pools.values()) for each in pool]) > most):
            threading.Thread(target=kill, args=(going,), name="cold functions", daemon=True).start()

    functions.release_worker = release_and_look


def _at_intervals(take: Callable[[], list[Any]]) -> Callable[[bool], list[Any]]:
    """Call a function when it must be, and else every second at most: the sizes are read from the system."""
    looked = [0.0]

    def look(must: bool) -> list[Any]:
        if not must and time.monotonic() - looked[0] < _LOOK_SECONDS:
            return []
        looked[0] = time.monotonic()
        return take()

    return look


def _size(worker: Any) -> int:
    process = worker._proc
    return used_bytes(process.pid) if process is not None and process.poll() is None else 0


class Lines:
    """The lines that a function has printed and nobody has taken yet; those over the limit are counted only."""

    def __init__(self) -> None:
        self._lines: deque[str] = deque()
        self._cost, self._left_out = 0, 0
        self._lock = threading.Lock()

    @property
    def is_full(self) -> bool:
        """Return whether another line would be left out."""
        return self._cost > _MOST_BYTES

    def put(self, line: str) -> None:
        """Add a line."""
        with self._lock:
            self._lines.append(line)
            self._cost += len(line) + _LINE_COST_BYTES

    def leave_out(self, count: int) -> None:
        """Count lines that are lost."""
        with self._lock:
            self._left_out += count

    def get_nowait(self) -> str:
        """Take the next line; at the end, one that says what was left out. `queue.Empty` without."""
        with self._lock:
            if self._lines:
                line = self._lines.popleft()
                self._cost -= len(line) + _LINE_COST_BYTES
                return line
            if self._left_out:
                count, self._left_out = self._left_out, 0
                limit = f"an invocation's log takes {_MOST_BYTES // 1024**2} MB"
                return f"[local AWS] {count:,} lines are left out here: {limit}"
        raise queue.Empty


def limit_output() -> None:
    """Keep a bounded part of what a function prints, whatever its bytes and however long its lines.

    MiniStack reads lines without a limit into a queue without one, and stops reading at bytes that are no UTF-8: the
    function then waits for ever.

    Hook ``ministack.core.lambda_runtime.Worker._read_stderr``, which fills ``_stderr_queue`` in a thread.
    """
    worker = private("ministack.core.lambda_runtime", "Worker")
    if not callable(getattr(worker, "_read_stderr", None)):
        raise HookMissingError(f"MiniStack {installed_version()}: Worker has no _read_stderr")

    def read(self: Any) -> None:
        self._stderr_queue = lines = Lines()
        source = self._proc.stderr.buffer
        while data := source.read1(_CHUNK_BYTES) if lines.is_full else source.readline(_LINE_BYTES):
            if lines.is_full:
                lines.leave_out(data.count(b"\n"))
                time.sleep(_PAUSE_SECONDS)
            else:
                lines.put(data.decode("utf-8", "replace").rstrip("\n"))

    worker._read_stderr = read

"""Lambda: how many environments stay warm."""

import importlib
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from localaws.containers.memory import used_bytes
from localaws.ministack.private import private

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

"""Several instances: which of them have data, and xgboost's own collective among those.

1. The first instance listens at its own name. Every other one tells it whether it has data, and is answered.
2. Who has none is done. Of those that have, the first writes the model and the log: it is the master.
3. The first instance runs xgboost's tracker, whether it has data or not, and each of those with data joins its
   collective while it trains. One alone trains alone.

An instance that dies takes its connections with it, and SageMaker ends the job: nothing waits for one that is gone.
"Divide the data" in the SageMaker guide says what an instance without data means.
"""

from __future__ import annotations

import importlib
import json
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from .errors import AlgorithmError, ClientError
from .xgboost_module import version

_PORT = 9099
_RETRY_SECONDS = 0.1
_PATIENCE_SECONDS = 900


@dataclass(frozen=True)
class Members:
    """Who trains.

    Attributes
    ----------
    hosts : sequence of str
        The instances with data, in the order of their ranks.
    tracker : mapping or None
        What a worker needs to find the tracker; None if one trains alone.
    """

    hosts: Sequence[str]
    tracker: Mapping[str, Any] | None


def run(xgboost: Any, hosts: Sequence[str], host: str, has_data: bool, train: Callable[[bool], None]) -> None:
    """Train on the instances that have data.

    Parameters
    ----------
    xgboost : module
    hosts : sequence of str
        All instances, sorted.
    host : str
        This one.
    has_data : bool
    train : callable
        Called with whether this instance is the master.

    Raises
    ------
    ClientError
        No instance has data.
    """
    if host == hosts[0]:
        members, wait = _lead(xgboost, hosts, has_data)
    else:
        members, wait = _follow(hosts[0], host, has_data), _nothing
    if not members.hosts:
        raise ClientError("No hosts received training data.")
    if has_data:
        with _collective(xgboost, members, host):
            train(host == members.hosts[0])
    else:
        print(f"WARNING: {host} has no data: it is not used in the training, on {', '.join(members.hosts)}", flush=True)
    wait()


def _lead(xgboost: Any, hosts: Sequence[str], has_data: bool) -> tuple[Members, Callable[[], None]]:
    """Hear all the others, start the tracker, answer them."""
    with socket.create_server((hosts[0], _PORT), backlog=len(hosts)) as server:
        server.settimeout(_PATIENCE_SECONDS)
        peers: list[tuple[socket.socket, dict[str, Any]]] = []
        while len(peers) < len(hosts) - 1:
            peer, _ = server.accept()
            peer.settimeout(_PATIENCE_SECONDS)
            peers.append((peer, _line_of(peer)))
    have = {hosts[0]: has_data, **{heard["host"]: heard["has_data"] for _, heard in peers}}
    chosen = [each for each in hosts if have[each]]
    tracker, wait = _start_tracker(xgboost, hosts[0], len(chosen)) if len(chosen) > 1 else (None, _nothing)
    for peer, _ in peers:
        with peer:
            peer.sendall(json.dumps({"hosts": chosen, "tracker": tracker}).encode() + b"\n")
    return Members(chosen, tracker), wait


def _follow(leader: str, host: str, has_data: bool) -> Members:
    with _connected(leader) as connection:
        connection.sendall(json.dumps({"host": host, "has_data": has_data}).encode() + b"\n")
        return Members(**_line_of(connection))


def _connected(leader: str) -> socket.socket:
    """Return a connection to the first instance, which may be reading its data still."""
    until = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            return socket.create_connection((leader, _PORT), timeout=_PATIENCE_SECONDS)
        except OSError as error:
            if time.monotonic() > until:
                raise AlgorithmError(f"{leader} does not answer: {error}") from error
            time.sleep(_RETRY_SECONDS)


def _line_of(connection: socket.socket) -> dict[str, Any]:
    with connection.makefile("rb") as file:
        line = file.readline()
    if not line:
        raise AlgorithmError("An instance went away before the training began")
    found: dict[str, Any] = json.loads(line)
    return found


def _start_tracker(xgboost: Any, host: str, n_workers: int) -> tuple[dict[str, Any], Callable[[], None]]:
    """Start the tracker; return what workers need to know, and what waits for its end."""
    make = importlib.import_module("xgboost.tracker").RabitTracker
    address = socket.gethostbyname(host)
    if version(xgboost) >= (2, 1):
        tracker = make(n_workers=n_workers, host_ip=address, sortby="task")
        tracker.start()
        return dict(tracker.worker_args()), tracker.wait_for
    if version(xgboost) >= (1, 6):
        tracker = make(host_ip=address, n_workers=n_workers, sortby="task")
        found = tracker.worker_envs()
    else:
        tracker = make(hostIP=address, nslave=n_workers)
        found = tracker.slave_envs()
    tracker.start(n_workers)
    return {**found, "DMLC_NUM_WORKER": n_workers}, tracker.join


@contextmanager
def _collective(xgboost: Any, members: Members, host: str) -> Iterator[None]:
    """Belong to the collective; alone, there is none."""
    if members.tracker is None:
        yield
        return
    rank = f"{members.hosts.index(host):04d}"  # workers are sorted by it as texts
    if version(xgboost) >= (1, 7):
        key = "dmlc_task_id" if version(xgboost) >= (2, 1) else "DMLC_TASK_ID"
        with xgboost.collective.CommunicatorContext(**members.tracker, **{key: rank}):
            yield
        return
    arguments = {**members.tracker, "DMLC_TASK_ID": rank}
    xgboost.rabit.init([f"{name}={value}".encode() for name, value in arguments.items()])
    yield
    xgboost.rabit.finalize()


def mean(xgboost: Any, values: Any, weight: float) -> Any:
    """Return the weighted mean of values over the instances that train; of one alone, its own."""
    import numpy as np  # noqa: PLC0415

    module = xgboost.collective if version(xgboost) >= (1, 7) else xgboost.rabit
    if not module.is_distributed():
        return values
    total = module.allreduce(np.append(np.asarray(values, np.float64) * weight, weight), module.Op.SUM)
    return total[:-1] / total[-1]


def _nothing() -> None:
    """Wait for no tracker."""

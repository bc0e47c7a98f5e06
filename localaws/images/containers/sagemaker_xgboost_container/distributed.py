"""What scripts of AWS's examples import to train on several instances: ``rabit_run``."""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from typing import Any

from .algorithm import distribution, xgboost_module


def wait_hostname_resolution(sm_hosts: Sequence[str]) -> None:
    """Return when all instances' names have addresses: here they have from the beginning."""
    for host in sm_hosts:
        socket.gethostbyname(host)


def rabit_run(
    exec_fun: Callable[..., Any],
    args: dict[str, Any],
    include_in_training: bool,
    hosts: Sequence[str],
    current_host: str,
    update_rabit_args: bool = False,
) -> None:
    """Call a function on all instances that have data, which belong to xgboost's collective meanwhile.

    Parameters
    ----------
    exec_fun : callable
    args : dict
        Its arguments.
    include_in_training : bool
        Whether this instance has data.
    hosts : sequence of str
    current_host : str
    update_rabit_args : bool, default=False
        Whether the function is told if it is the one that saves the model, by ``is_master``.
    """

    def call(is_master: bool) -> None:
        exec_fun(**args, **({"is_master": is_master} if update_rabit_args else {}))

    distribution.run(xgboost_module.load(), sorted(hosts), current_host, include_in_training, call)

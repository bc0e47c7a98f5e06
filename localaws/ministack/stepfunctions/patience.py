"""Calls of services that are away for a moment: one that was killed is there again within seconds."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from botocore.exceptions import ConnectionClosedError, EndpointConnectionError

from localaws.ministack.stepfunctions.task import Task

AWAY = (ConnectionClosedError, EndpointConnectionError)
"""The service does not answer, or has gone while it was answering."""

_SECONDS = 30.0
_PAUSE_SECONDS = 0.2

T = TypeVar("T")


def patiently(make: Callable[[Task], T], task: Task) -> T:
    """Make a call, and make it again while the service is away.

    Parameters
    ----------
    make : callable
    task : Task
        ``again`` in those that follow the first.
    """
    given_up_at = time.monotonic() + _SECONDS
    while True:
        began = time.monotonic()
        try:
            return make(task)
        except AWAY:
            if time.monotonic() - began > _SECONDS:  # it was there until now
                given_up_at = time.monotonic() + _SECONDS
            if not task.is_wanted() or time.monotonic() > given_up_at:
                raise
        time.sleep(_PAUSE_SECONDS)
        task = replace(task, again=True)

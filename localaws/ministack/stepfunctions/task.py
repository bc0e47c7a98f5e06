"""A call that a Task state makes, and how it fails."""

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any


class TaskFailed(Exception):
    """A task has failed.

    Parameters
    ----------
    error : str
        The name that the state's Retry and Catch see.
    cause : str
    """

    def __init__(self, error: str, cause: str) -> None:
        super().__init__(f"{error}: {cause}")
        self.error, self.cause = error, cause


@dataclass(frozen=True)
class Task:
    """A call.

    Attributes
    ----------
    resource : str
        The ARN of the state's ``Resource``.
    arguments : dict
        Of its ``Parameters``, or ``Arguments``.
    token : str
        Which call it is: the same when it is made again.
    began : float
        When it was made for the first time, in seconds since the epoch.
    again : bool
        Whether it may have been made already, by a process that was killed before it knew what came of it.
    is_wanted : callable
        Whether the result is still waited for: false when the execution was stopped or the state has timed out.
    """

    resource: str
    arguments: Any
    token: str
    began: float
    again: bool
    is_wanted: Callable[[], bool]


def refuse(resource: str, why: str) -> TaskFailed:
    """Say that something is not done here; AWS fails a state with this name that cannot be run at all."""
    return TaskFailed("States.Runtime", f"Local AWS does not run {resource}: {why}")


def is_since(began: float, moment: str) -> bool:
    """Say whether a moment, as JSON has it, is not before a call began; such moments are in whole milliseconds."""
    return datetime.fromisoformat(moment).timestamp() >= math.floor(began * 1000) / 1000


def text(value: Any) -> str:
    """Return a document as the JSON text that AWS puts into a Cause."""
    return json.dumps(value, default=str)

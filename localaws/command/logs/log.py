"""A log, wherever it is kept, and the kinds of things that have one."""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

Clients = Callable[[str], Any]
"""Returns the boto3 client of a service such as ``logs``."""

Lines = Callable[[], Iterable[str]]
"""Returns the lines that are new since the last call."""

_POLL_SECONDS = 0.5
# How AWS's services say that there is nothing of this name, or that nothing can be called so.
_MISSING = frozenset(
    {
        *("ResourceNotFound", "ResourceNotFoundException", "ValidationException", "InvalidInputException"),
        *("InvalidParameterValueException", "StateMachineDoesNotExist", "ExecutionDoesNotExist", "InvalidArn"),
        *("StateMachineTypeNotSupported", "PipelineNotFoundException", "PipelineExecutionNotFoundException"),
    }
)


@dataclass(frozen=True)
class Log:
    """A log that exists.

    Attributes
    ----------
    name : str
        Of what wrote it, in full.
    new_lines : callable
    is_over : callable() -> bool
        Whether nothing is added any more.
    """

    name: str
    new_lines: Lines
    is_over: Callable[[], bool]

    def lines(self, follow: bool) -> Iterator[str]:
        """Yield the lines; with ``follow``, go on until it is over."""
        while True:
            # Asked before the lines are read: what was written before the end is then read for certain.
            is_last = not follow or self.is_over()
            yield from self.new_lines()
            if is_last:
                return
            time.sleep(_POLL_SECONDS)


@dataclass(frozen=True)
class Entry:
    """What the list says of something that has a log."""

    created: datetime
    status: str
    name: str


@dataclass(frozen=True)
class Kind:
    """A kind of things that have a log.

    Attributes
    ----------
    name : str
        As ``--type`` has it.
    find : callable(clients, name, since) -> Log or None
        Returns the log of the thing of this name, from a moment on; None if there is none.
    latest : callable(clients, most) -> iterable of Entry
        Returns the latest ones.
    """

    name: str
    find: Callable[[Clients, str, datetime | None], Log | None]
    latest: Callable[[Clients, int], Iterable[Entry]]


def asked(operation: Callable[..., Any], **members: Any) -> Any:
    """Return the answer of an operation; None if it says that there is no such thing."""
    try:
        return operation(**members)
    except ClientError as error:
        if error.response["Error"]["Code"] in _MISSING:
            return None
        raise

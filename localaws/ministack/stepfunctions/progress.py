"""How far an execution is in the state that it is in: what it has asked for, what came of it, what it waits for.

A state that a kill interrupted is entered again, with the input that it had. What it does then is what it did before,
in the same order, so each thing is known by its number: a call that has an outcome is not made again, an event that is
in the history is not told again, a wait ends when it was to end. A call without an outcome is made again, with the
arguments that it had (`Call.again`).
"""

import time
import uuid
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from localaws.document import Document
from localaws.ministack.stepfunctions.journal import Journal
from localaws.ministack.stepfunctions.task import Task, TaskFailed


@dataclass(frozen=True)
class Call:
    """A call of a Task state.

    Attributes
    ----------
    arguments : Any
    token : str
        Which call it is, for those who are called: the same when it is made again.
    began : float
        When it was made for the first time, in seconds since the epoch.
    again : bool
        Whether an earlier process may have made it.
    note : callable
        Keeps what is known of the call.
    known : dict
        What is known of it.
    """

    arguments: Any
    token: str
    began: float
    again: bool
    note: Callable[[Document], None]
    known: Document

    def task(self, resource: str) -> Task:
        """Make the task that it is for a service."""
        return Task(resource, self.arguments, self.token, self.began, self.again, IS_WANTED.get())

    def expect_answer(self) -> None:
        """Note that the outcome comes by the token."""
        self._learn({"Waits": True})

    def expects_answer(self) -> bool:
        """Return whether an answer may still come by the token."""
        return bool(self.known.get("Waits")) and not self.has_ended()

    def sent(self) -> None:
        """Note that the call was made, and only its outcome is missing."""
        self._learn({"Sent": True})

    def is_sent(self) -> bool:
        """Say whether the call was made, and only its outcome is missing."""
        return bool(self.known.get("Sent"))

    def succeed(self, result: Any) -> None:
        """Note the result."""
        self._learn({"Result": result})

    def fail(self, error: str, cause: str) -> None:
        """Note the failure."""
        self._learn({"Error": error, "Cause": cause})

    def has_ended(self) -> bool:
        """Say whether there is an outcome."""
        return "Result" in self.known or "Error" in self.known

    def outcome(self) -> Any:
        """Return the result.

        Raises
        ------
        TaskFailed
        """
        if "Error" in self.known:
            raise TaskFailed(self.known["Error"], self.known["Cause"])
        return self.known["Result"]

    def seconds_left(self, timeout: float) -> float:
        """Return how much is left of a timeout, which began with the first call."""
        return max(0.0, self.began + timeout - time.time())

    def _learn(self, more: Document) -> None:
        self.known.update(more)
        self.note(self.known)


class Visit:
    """A state that an execution is in.

    Parameters
    ----------
    journal : Journal
    arn : str
        The execution's.
    place : str
        Of the state.
    told : int, default=0
        How many events about it are in the history.
    """

    def __init__(self, journal: Journal, arn: str, place: str, told: int = 0) -> None:
        self.arn, self.place = arn, place
        self._journal, self._told = journal, told
        self._numbers: dict[str, int] = {}

    def is_told(self) -> bool:
        """Say whether the event that comes now is in the history."""
        self._told -= 1
        return self._told >= 0

    def call(self, arguments: Any, token: str | None = None) -> Call:
        """Begin the next call, or take it up again."""
        place = self._next("call")
        known = self._journal.read(self.arn, place)
        if known is not None:
            return call_at(self._journal, self.arn, place, known)
        known = {"Arguments": arguments, "Token": token or str(uuid.uuid4()), "Began": time.time()}
        self._journal.write(self.arn, place, known)
        return call_at(self._journal, self.arn, place, known, again=False)

    def seconds_to_sleep(self, seconds: float) -> float:
        """Return what is left of a wait."""
        place = self._next("sleep")
        known = self._journal.read(self.arn, place)
        if known is None:
            self._journal.write(self.arn, place, {"End": time.time() + seconds})
            return seconds
        return max(0.0, float(known["End"]) - time.time())

    def fork(self) -> str:
        """Return the place of the next attempt of a Parallel or Map state."""
        return self._next("try")

    def _next(self, kind: str) -> str:
        number = self._numbers.get(kind, 0)
        self._numbers[kind] = number + 1
        return f"{self.place}/{kind}{number}"


def call_at(journal: Journal, arn: str, place: str, known: Document, *, again: bool = True) -> Call:
    """Make a call of what is known of it."""

    def note(now_known: Document) -> None:
        journal.write(arn, place, now_known)

    return Call(known["Arguments"], known["Token"], known["Began"], again, note, known)


def call_alone(arguments: Any) -> Call:
    """Make a call that no execution makes, such as TestState's."""
    return Call(arguments, str(uuid.uuid4()), time.time(), again=False, note=lambda _: None, known={})


VISIT: ContextVar[Visit | None] = ContextVar("VISIT", default=None)
"""The state in which this thread is."""

CALL: ContextVar[Call | None] = ContextVar("CALL", default=None)
"""The call that this thread makes."""

IS_WANTED: ContextVar[Callable[[], bool]] = ContextVar("IS_WANTED", default=lambda: True)
"""Whether what this thread does is still waited for."""

"""Asking AWS from several threads: the clients, and answers that more than one check looks at."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from threading import Lock, RLock
from typing import Any, TypeVar

_Answer = TypeVar("_Answer")
# Gives the client of a service; the same one every time.
Clients = Callable[[str], Any]


@dataclass(frozen=True, kw_only=True)
class Asking:
    """What is examined as a whole: it asks AWS once for what several checks look at.

    Attributes
    ----------
    answers : dict of str to Any
        What AWS has answered already.
    """

    answers: dict[str, Any] = field(default_factory=dict)
    _lock: RLock = field(default_factory=RLock, repr=False, compare=False)

    def once(self, key: str, ask: Callable[[], _Answer]) -> _Answer:
        """Ask AWS, unless the answer is known already; the others wait for it."""
        with self._lock:
            if key not in self.answers:
                self.answers[key] = ask()
            answer: _Answer = self.answers[key]
            return answer


def shared_clients(make: Clients) -> Clients:
    """Return a maker of clients that several threads use: boto3's can be shared, but not made concurrently."""
    made, lock = cache(make), Lock()

    def client(service: str) -> Any:
        with lock:
            return made(service)

    return client

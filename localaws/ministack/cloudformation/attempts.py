"""What stacks' operations have begun to make, on disk before it is begun.

After a kill an operation is carried out again, from its beginning. What it makes in other services is there already, or
not, and its answer is lost. It is found again by its name, which an attempt's seed decides where the template does not,
and told from what others made by its time: it was made after the attempt began.
"""

import json
import secrets
import threading
import time
from collections.abc import Collection
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from localaws.document import Document
from localaws.storage.sqlite_file import connect

_SCHEMA = """
CREATE TABLE IF NOT EXISTS attempt (
    operation  TEXT NOT NULL,
    stack      TEXT NOT NULL,
    resource   TEXT NOT NULL,
    type       TEXT NOT NULL,
    properties TEXT NOT NULL,
    seed       TEXT NOT NULL,
    began      REAL NOT NULL,
    PRIMARY KEY (operation, stack, resource)
) WITHOUT ROWID;
"""


@dataclass(frozen=True)
class Attempt:
    """An attempt to make or change a resource.

    Attributes
    ----------
    seed : str
        Of the names that CloudFormation makes.
    began : float
        In seconds since the epoch.
    again : bool
        Whether a process before this one may have carried it out.
    """

    seed: str
    began: float
    again: bool

    def has_made(self, created: datetime | float) -> bool:
        """Say whether what was created then was created by this attempt, in the process before."""
        seconds = created if isinstance(created, float | int) else created.timestamp()
        return self.again and seconds >= int(self.began)  # some services leave the fraction out


@dataclass(frozen=True)
class Begun:
    """An attempt of an earlier process.

    Attributes
    ----------
    resource : str
        The logical id.
    resource_type : str
    properties : dict
    attempt : Attempt
    """

    resource: str
    resource_type: str
    properties: Document
    attempt: Attempt


ATTEMPT: ContextVar[Attempt | None] = ContextVar("ATTEMPT", default=None)
"""The attempt that this thread carries out; None outside a stack's operation."""

OPERATION: ContextVar[str] = ContextVar("OPERATION", default="")
"""The operation that this thread is a part of; empty outside."""


def has_made(created: datetime | float) -> bool:
    """Say whether what was created then was created by this very attempt, before a kill."""
    attempt = ATTEMPT.get()
    return attempt is not None and attempt.has_made(created)


class Attempts:
    """The file.

    Parameters
    ----------
    path : Path
        A SQLite file; made when it is absent.
    """

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._connection = connect(path, shared=True)
        self._connection.executescript(_SCHEMA)
        self._own: set[tuple[str, str, str]] = set()

    def begin(self, stack_id: str, resource: str, resource_type: str, properties: Document) -> Attempt:
        """Begin an attempt of the operation under way, or return the one that was begun before a kill."""
        operation = OPERATION.get()
        if not operation:
            return Attempt(_seed(), time.time(), again=False)
        with self._lock:
            place = (operation, stack_id, resource)
            query = "SELECT seed, began FROM attempt WHERE operation = ? AND stack = ? AND resource = ?"
            found = self._connection.execute(query, place).fetchone()
            again = place not in self._own
            self._own.add(place)
            if found is not None:
                return Attempt(found[0], found[1], again)
            attempt = Attempt(_seed(), time.time(), again=False)
            row = (*place, resource_type, json.dumps(properties, default=str), attempt.seed, attempt.began)
            self._connection.execute("INSERT INTO attempt VALUES (?, ?, ?, ?, ?, ?, ?)", row)
        return attempt

    def is_begun(self, stack_id: str, resource: str) -> bool:
        """Say whether the operation under way had begun with a resource before a kill."""
        place = (OPERATION.get(), stack_id, resource)
        with self._lock:
            query = "SELECT 1 FROM attempt WHERE operation = ? AND stack = ? AND resource = ?"
            return place not in self._own and self._connection.execute(query, place).fetchone() is not None

    def of_stack(self, stack_id: str) -> list[Begun]:
        """Return what was begun for a stack before a kill, and not begun again since."""
        with self._lock:
            query = "SELECT operation, resource, type, properties, seed, began FROM attempt WHERE stack = ?"
            rows = self._connection.execute(query, (stack_id,)).fetchall()
            return [
                Begun(resource, type_, json.loads(properties), Attempt(seed, began, again=True))
                for operation, resource, type_, properties, seed, began in rows
                if (operation, stack_id, resource) not in self._own
            ]

    def forget(self, operation: str) -> None:
        """Forget the attempts of an operation that has ended."""
        with self._lock:
            self._connection.execute("DELETE FROM attempt WHERE operation = ?", (operation,))
            self._own = {place for place in self._own if place[0] != operation}

    def forget_others(self, stack_ids: Collection[str]) -> None:
        """Forget the attempts for all stacks but these."""
        with self._lock:
            for (stack_id,) in self._connection.execute("SELECT DISTINCT stack FROM attempt").fetchall():
                if stack_id not in stack_ids:
                    self._connection.execute("DELETE FROM attempt WHERE stack = ?", (stack_id,))


def _seed() -> str:
    return secrets.token_hex(6)

"""The deliveries that are not made yet, on disk: a kill loses none of them."""

import json
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from localaws.ministack.eventbridge.targets import Delivery
from localaws.storage.sqlite_file import connect

_SCHEMA = """
CREATE TABLE IF NOT EXISTS delivery (
    number   INTEGER PRIMARY KEY,
    taken    REAL NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    content  TEXT NOT NULL
)
"""


@dataclass(frozen=True)
class Entry:
    """A delivery in the queue.

    Attributes
    ----------
    number : int
    taken : float
        When, in seconds since the epoch.
    attempts : int
        How many have failed.
    delivery : Delivery
    """

    number: int
    taken: float
    attempts: int
    delivery: Delivery


class Spool:
    """The queue.

    Parameters
    ----------
    path : Path
        A SQLite file; made when it is absent.
    """

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._connection = connect(path, shared=True)
        self._connection.executescript(_SCHEMA)

    def add(self, delivery: Delivery) -> Entry:
        """Keep a delivery until it is made."""
        taken, content = time.time(), json.dumps(asdict(delivery))
        with self._lock:
            cursor = self._connection.execute("INSERT INTO delivery (taken, content) VALUES (?, ?)", (taken, content))
            return Entry(int(cursor.lastrowid or 0), taken, 0, delivery)

    def failed(self, entry: Entry) -> Entry:
        """Count a failed attempt."""
        with self._lock:
            self._connection.execute("UPDATE delivery SET attempts = attempts + 1 WHERE number = ?", (entry.number,))
        return Entry(entry.number, entry.taken, entry.attempts + 1, entry.delivery)

    def remove(self, entry: Entry) -> None:
        """Forget a delivery: it was made, or given up."""
        with self._lock:
            self._connection.execute("DELETE FROM delivery WHERE number = ?", (entry.number,))

    def entries(self) -> list[Entry]:
        """Return what an earlier process left, oldest first."""
        with self._lock:
            rows = self._connection.execute("SELECT number, taken, attempts, content FROM delivery ORDER BY number")
            return [Entry(number, taken, n, Delivery(**json.loads(content))) for number, taken, n, content in rows]

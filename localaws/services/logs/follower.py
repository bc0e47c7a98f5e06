"""What reacts to events: it follows the file from a position, which is stored with what it did.

PutLogEvents only wakes it. After a kill it goes on where it was: an event is reacted to at least once. Of groups that
nobody is interested in, no event is read.
"""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence

from localaws.services.logs.event_file import Event, EventFile
from localaws.storage.store import Store

logger = logging.getLogger(__name__)

_SCHEMA = "CREATE TABLE IF NOT EXISTS logs_follower (name TEXT PRIMARY KEY, position INTEGER NOT NULL)"
_EVENTS = (
    "SELECT event.number, stream, timestamp, event.ingested, message FROM event"
    " JOIN stream ON stream.number = event.stream WHERE event.number > ? AND event.number <= ?"
    " AND owner IN ({marks}) ORDER BY event.number LIMIT ?"
)
_MOST_EVENTS = 1_000
_MOST_NUMBERS = 100_000
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.2, 5.0

React = Callable[[Mapping[int, Sequence[Event]]], Callable[[], None]]
"""Takes new events by the number of their stream; returns what has to be stored with the position."""


class Follower:
    """Follows the events of some groups.

    Parameters
    ----------
    name : str
        What its position is stored under.
    store : Store
    file : EventFile
    owners : callable() -> sequence of str
        The keys of the groups whose events it takes.
    react : callable(events by stream) -> callable()
    """

    def __init__(
        self, name: str, store: Store, file: EventFile, owners: Callable[[], Sequence[str]], react: React
    ) -> None:
        self._name, self._store, self._file, self._owners, self._react = name, store, file, owners, react
        store.define(_SCHEMA)
        self._wake, self._closed = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"logs {name}", daemon=True)

    def start(self) -> None:
        """Begin, with what came since the last server ended."""
        self._thread.start()

    def wake(self) -> None:
        """Say that there are events."""
        self._wake.set()

    def close(self) -> None:
        """End after what is being done; the rest is done after the next start."""
        self._closed.set()
        self._wake.set()

    def _run(self) -> None:
        pause = _FIRST_PAUSE_SECONDS
        while not self._closed.is_set():
            self._wake.clear()
            try:
                while self.step() and not self._closed.is_set():
                    pause = _FIRST_PAUSE_SECONDS
            except Exception as error:
                logger.warning("%s of log events wait: %s", self._name, error)
                self._closed.wait(pause)
                pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
            else:
                self._wake.wait()

    def begin_here(self) -> None:
        """Leave out what came until now, if nobody was interested before; within the transaction of the first one."""
        if not self._owners():
            self._remember(self._file.last_number())

    def step(self) -> bool:
        """React to the next events; return whether there may be more."""
        owners = self._owners()
        if not owners:
            return False
        last, position = self._file.last_number(), self._position()
        if position >= last:
            return False
        end = min(last, position + _MOST_NUMBERS)
        rows = self._file.connection.execute(
            _EVENTS.format(marks=",".join("?" * len(owners))), (position, end, *owners, _MOST_EVENTS)
        ).fetchall()
        by_stream: dict[int, list[Event]] = {}
        for row in rows:
            by_stream.setdefault(row[1], []).append(Event(*row))
        done = self._react(by_stream) if by_stream else _nothing
        with self._store.transaction():
            done()
            self._remember(rows[-1][0] if len(rows) == _MOST_EVENTS else end)
        return True

    def _position(self) -> int:
        found = self._store.rows("SELECT position FROM logs_follower WHERE name = ?", self._name)
        return int(found[0][0]) if found else 0

    def _remember(self, position: int) -> None:
        with self._store.transaction() as connection:
            connection.execute("INSERT OR REPLACE INTO logs_follower VALUES (?, ?)", (self._name, position))


def _nothing() -> None:
    pass

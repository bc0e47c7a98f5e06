"""The events of one account in a SQLite file: appended in order, read by stream and time.

A row is appended at the file's end, so that an append costs the same at 10 million rows as at one; the one index, of
stream, timestamp and number, is what every read goes along. Numbers are given in the order of the commits and never
twice: `localaws.services.logs.follower` relies on it.
"""

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from localaws.storage.sqlite_file import connect, transaction

_SCHEMA = """
CREATE TABLE IF NOT EXISTS stream (
    number   INTEGER PRIMARY KEY AUTOINCREMENT,
    owner    TEXT NOT NULL,
    name     TEXT NOT NULL,
    created  INTEGER NOT NULL,
    first    INTEGER,
    last     INTEGER,
    ingested INTEGER,
    bytes    INTEGER NOT NULL DEFAULT 0,
    UNIQUE (owner, name)
);
CREATE INDEX IF NOT EXISTS stream_by_last_event ON stream (owner, ifnull(last, 0), number);
CREATE TABLE IF NOT EXISTS event (
    number    INTEGER PRIMARY KEY,
    stream    INTEGER NOT NULL,
    timestamp INTEGER NOT NULL,
    ingested  INTEGER NOT NULL,
    message   TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS event_in_order ON event (stream, timestamp, number);
CREATE TABLE IF NOT EXISTS gone (stream INTEGER PRIMARY KEY);
CREATE TABLE IF NOT EXISTS counter (last INTEGER NOT NULL);
INSERT INTO counter SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM counter);
"""
_STREAM_COLUMNS = "number, owner, name, created, first, last, ingested, bytes"
OVERHEAD_BYTES = 26
"""What AWS counts for an event beside its message."""

Key = tuple[int, int]
"""Timestamp and number: the order of events."""


@dataclass(frozen=True)
class Stream:
    """A log stream; times are milliseconds since the epoch.

    Attributes
    ----------
    owner : str
        The key of its group.
    first, last, ingested : int or None
        The earliest and the latest timestamp, and when the last event came; None before the first event.
    """

    number: int
    owner: str
    name: str
    created: int
    first: int | None
    last: int | None
    ingested: int | None
    bytes: int


@dataclass(frozen=True)
class Event:
    """A log event.

    Attributes
    ----------
    stream : int
        The number of its stream.
    """

    number: int
    stream: int
    timestamp: int
    ingested: int
    message: str

    @property
    def key(self) -> Key:
        """Return its place in the order of events."""
        return self.timestamp, self.number

    @property
    def size(self) -> int:
        """Return what AWS counts for it, roughly: characters instead of bytes."""
        return len(self.message) + OVERHEAD_BYTES


@dataclass(frozen=True)
class Range:
    """What to read of a stream.

    Attributes
    ----------
    start, end : Key
        Both exclusive.
    newest_first : bool
    contains : sequence of sequence of str
        Only events that contain at least one text of each.
    """

    start: Key
    end: Key
    newest_first: bool = False
    contains: Sequence[Sequence[str]] = ()


class EventFile:
    """Streams and events.

    Parameters
    ----------
    path : Path
        Created with its folder if absent.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._local = threading.local()
        self._lock = threading.Lock()
        path.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(path)) as first:
            # What is deleted can be given back to the disk in small steps; to be said before the first table is made.
            first.execute("PRAGMA auto_vacuum = INCREMENTAL")
            first.executescript(_SCHEMA)

    @property
    def connection(self) -> sqlite3.Connection:
        """The calling thread's connection."""
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = connect(self.path, shared=False)
            self._local.connection = connection
        return connection

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Run several reads and writes as one transaction; the threads take turns."""
        connection = self.connection
        with self._lock, transaction(connection):
            yield connection

    def create_stream(self, owner: str, name: str, created: int) -> bool:
        """Create a stream; return False if the group has one of the name."""
        with self.writing() as connection:
            made = connection.execute(
                "INSERT OR IGNORE INTO stream (owner, name, created) VALUES (?, ?, ?)", (owner, name, created)
            )
            return made.rowcount == 1

    def stream(self, owner: str, name: str) -> Stream | None:
        """Return a group's stream of a name, or None."""
        found = self.streams("owner = ? AND name = ?", owner, name)
        return found[0] if found else None

    def streams(self, condition: str, *values: str | int) -> list[Stream]:
        """Return the streams for which an SQL condition, the code's own, holds; an order and a limit may follow."""
        rows = self.connection.execute(f"SELECT {_STREAM_COLUMNS} FROM stream WHERE {condition}", values)  # noqa: S608
        return [Stream(*row) for row in rows]

    def bytes_of(self, owner: str) -> int:
        """Return what a group's streams hold."""
        row = self.connection.execute("SELECT total(bytes) FROM stream WHERE owner = ?", (owner,)).fetchone()
        return int(row[0])

    def remove_streams(self, owner: str, name: str | None = None) -> bool:
        """Remove a group's streams, or one of them; `sweeper` deletes their events. Return whether there were any."""
        named, values = ("owner = ?", (owner,)) if name is None else ("owner = ? AND name = ?", (owner, name))
        with self.writing() as connection:
            connection.execute(f"INSERT INTO gone SELECT number FROM stream WHERE {named}", values)  # noqa: S608
            return connection.execute(f"DELETE FROM stream WHERE {named}", values).rowcount > 0  # noqa: S608

    def append(self, stream: Stream, events: Sequence[tuple[int, str]], now: int, size: int) -> bool:
        """Append events, ordered by time; return False if the stream is no longer there.

        Parameters
        ----------
        stream : Stream
        events : sequence of (timestamp, message)
        now : int
            When they came.
        size : int
            Their bytes, as AWS counts them.
        """
        with self.writing() as connection:
            changed = connection.execute(
                "UPDATE stream SET first = min(ifnull(first, ?1), ?1), last = max(ifnull(last, ?2), ?2),"
                " ingested = ?3, bytes = bytes + ?4 WHERE number = ?5",
                (events[0][0], events[-1][0], now, size, stream.number),
            )
            if changed.rowcount == 0:
                return False
            last = self.last_number()
            connection.execute("UPDATE counter SET last = ?", (last + len(events),))
            connection.executemany(
                "INSERT INTO event VALUES (?, ?, ?, ?, ?)",
                [(number, stream.number, at, now, text) for number, (at, text) in enumerate(events, start=last + 1)],
            )
        return True

    def last_number(self) -> int:
        """Return the highest number that an event ever had."""
        return int(self.connection.execute("SELECT last FROM counter").fetchone()[0])

    def event(self, number: int) -> Event | None:
        """Return an event by its number, or None."""
        row = self.connection.execute(
            "SELECT number, stream, timestamp, ingested, message FROM event WHERE number = ?", (number,)
        ).fetchone()
        return Event(*row) if row else None

    def boundary(self, stream: int, wanted: Range, rows: int) -> Key | None:
        """Return the key of the event at which so many of a range have been read; None if there are not so many."""
        for within, values in _parts(stream, wanted):
            found = self.connection.execute(
                f"SELECT timestamp, number FROM event WHERE {within} {_order(wanted)} LIMIT 1 OFFSET ?",  # noqa: S608
                (*values, rows - 1),
            ).fetchone()
            if found is not None:
                return found[0], found[1]
            count = self.connection.execute(f"SELECT count(*) FROM event WHERE {within}", values)  # noqa: S608
            rows -= count.fetchone()[0]
        return None

    def read(self, stream: int, wanted: Range) -> Iterator[Event]:
        """Yield a stream's events within a range; stop early rather than read a long one to its end."""
        contains = "".join(f" AND ({' OR '.join(['instr(message, ?)'] * len(texts))})" for texts in wanted.contains)
        wanted_texts = [text for texts in wanted.contains for text in texts]
        for within, values in _parts(stream, wanted):
            rows = self.connection.execute(
                "SELECT number, stream, timestamp, ingested, message"  # noqa: S608 - the conditions are the code's own
                f" FROM event WHERE {within}{contains} {_order(wanted)}",
                (*values, *wanted_texts),
            )
            try:
                for row in rows:
                    yield Event(*row)
            finally:
                rows.close()


def _parts(stream: int, wanted: Range) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Yield the conditions of a range in the order of reading, each a stretch of the index.

    One for the events of the first timestamp, one for those of the last, one for those between: SQLite goes along an
    index by its first two columns only where these are equal, and a job may write thousands in a millisecond.
    """
    (first, after), (last, before) = wanted.start, wanted.end
    if first == last:
        yield "stream = ? AND timestamp = ? AND number > ? AND number < ?", (stream, first, after, before)
        return
    parts: list[tuple[str, tuple[int, ...]]] = [
        ("stream = ? AND timestamp = ? AND number > ?", (stream, first, after)),
        ("stream = ? AND timestamp > ? AND timestamp < ?", (stream, first, last)),
        ("stream = ? AND timestamp = ? AND number < ?", (stream, last, before)),
    ]
    yield from reversed(parts) if wanted.newest_first else parts


def _order(wanted: Range) -> str:
    direction = "DESC" if wanted.newest_first else "ASC"
    return f"ORDER BY timestamp {direction}, number {direction}"

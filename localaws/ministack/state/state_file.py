"""The state of all services in a SQLite file, in which a save writes what has changed, all of it or nothing."""

import hashlib
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from localaws.ministack.state.entries import Entry
from localaws.storage.sqlite_file import connect

_SCHEMA = """
CREATE TABLE IF NOT EXISTS entry (
    service TEXT NOT NULL,
    store   TEXT NOT NULL,
    place   BLOB NOT NULL,
    kind    TEXT NOT NULL,
    digest  BLOB NOT NULL,
    value   BLOB NOT NULL,
    PRIMARY KEY (service, store, place)
) WITHOUT ROWID;
"""
_DIGEST_BYTES = 16


class Save:
    """A transaction that is under way."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def replace(self, service: str, entries: Iterable[Entry]) -> None:
        """Make a service's entries these; when they raise an exception, they stay as they were."""
        self._connection.execute("SAVEPOINT before")
        try:
            self._replace(service, entries)
        except sqlite3.Error:
            raise  # the save has failed as a whole
        except Exception:
            self._connection.execute("ROLLBACK TO before")
            raise
        self._connection.execute("RELEASE before")

    def _replace(self, service: str, entries: Iterable[Entry]) -> None:
        rows = self._connection.execute("SELECT store, place, kind, digest FROM entry WHERE service = ?", (service,))
        known = {(store, place): (kind, digest) for store, place, kind, digest in rows}
        for store, kind, place, value in entries:
            digest = hashlib.blake2b(value, digest_size=_DIGEST_BYTES).digest()
            if known.pop((store, place), None) != (kind, digest):
                row = (service, store, place, kind, digest, value)
                self._connection.execute("INSERT OR REPLACE INTO entry VALUES (?, ?, ?, ?, ?, ?)", row)
        gone = [(service, store, place) for store, place in known]
        self._connection.executemany("DELETE FROM entry WHERE service = ? AND store = ? AND place = ?", gone)


class StateFile:
    """The file; a process has it open only while it reads or writes, so that a fork is free to.

    Parameters
    ----------
    path : Path
        Made when it is absent.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self, service: str) -> Iterator[Entry]:
        """Return a service's entries; each store's own comes first."""
        with closing(self._connect()) as connection:
            rows = "SELECT store, kind, place, value FROM entry WHERE service = ? ORDER BY store, place"
            for row in connection.execute(rows, (service,)):
                yield Entry(*row)

    @contextmanager
    def save(self) -> Iterator[Save]:
        """Begin a save, which takes effect as a whole when the block ends."""
        with closing(self._connect()) as connection, connection:
            connection.execute("BEGIN IMMEDIATE")
            yield Save(connection)

    def _connect(self) -> sqlite3.Connection:
        connection = connect(self._path, shared=False)
        connection.executescript(_SCHEMA)
        return connection

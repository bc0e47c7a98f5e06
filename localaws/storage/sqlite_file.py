"""A SQLite file whose writes survive a kill."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PATIENCE_SECONDS = 30


def connect(path: Path, *, shared: bool) -> sqlite3.Connection:
    """Open a file, creating it and its folder if absent; each statement is a transaction unless one is begun.

    Parameters
    ----------
    path : Path
    shared : bool
        Usable by all threads, which must take turns; otherwise only by the calling thread.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path, isolation_level=None, timeout=_PATIENCE_SECONDS, check_same_thread=not shared)
    # In WAL mode a write survives the death of the process, though not that of the machine.
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    return connection


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Run the context's reads and writes as one; an exception, a COMMIT that fails too, leaves nothing of it."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # SQLite itself rolls back when the disk is full
            connection.execute("ROLLBACK")
        raise

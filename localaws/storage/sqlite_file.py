"""A SQLite file of which a kill takes nothing back that was written."""

import sqlite3
from pathlib import Path

_PATIENCE_SECONDS = 30


def connect(path: Path, *, shared: bool) -> sqlite3.Connection:
    """Open a file, made with its folder when it is absent; each statement is a transaction unless one is begun.

    Parameters
    ----------
    path : Path
    shared : bool
        For all threads, which have to take turns; otherwise for the one that calls.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path, isolation_level=None, timeout=_PATIENCE_SECONDS, check_same_thread=not shared)
    # In WAL mode a write survives the death of the process, if not that of the machine.
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    return connection

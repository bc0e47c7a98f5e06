"""A SQLite file of which a kill takes nothing back that was written."""

import sqlite3
from pathlib import Path


def open_file(path: Path, schema: str) -> sqlite3.Connection:
    """Open a file, made when it is absent; for all threads, which have to take turns.

    Parameters
    ----------
    path : Path
    schema : str
        Statements that make what is not there yet.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    # In WAL mode a write survives the death of the process, if not that of the machine.
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.executescript(schema)
    return connection

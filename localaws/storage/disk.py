"""A full disk, told apart from a defect: nothing here is broken, and the user can fix it.

The operating system reports it with an error number, SQLite with a result code of its own, and `shutil` with a list
of both.
"""

import errno
import os
import shutil
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

_PAUSE_SECONDS = 1.0
_LEAST_BYTES = 64 * 1024
_NUMBERS = (errno.ENOSPC, errno.EDQUOT)
_SAID = os.strerror(errno.ENOSPC)
# SQLite says the second of the file that its processes share, when it cannot grow.
_CODES = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_SHMSIZE, sqlite3.SQLITE_IOERR_WRITE)


def is_full(error: BaseException) -> bool:
    """Return whether an error says that there was no room for a write."""
    if isinstance(error, sqlite3.OperationalError):
        return getattr(error, "sqlite_errorcode", None) in _CODES
    return isinstance(error, OSError) and (error.errno in _NUMBERS or _SAID in str(error))


def has_room(folder: Path) -> bool:
    """Return whether the disk of a folder has room for more than a last line."""
    return shutil.disk_usage(folder).free >= _LEAST_BYTES


def full(folder: Path) -> str:
    """Return a message that the disk of a folder is full, and what to do about it."""
    free = shutil.disk_usage(folder).free
    return (
        f"{_SAID}: the disk of local AWS's state folder, {folder}, has {free:,} bytes left. Make room there, or start "
        "local AWS with a LOCALAWS_STATE_DIR on another disk"
    )


def patiently(write: Callable[[], None]) -> None:
    """Write the final record of something as soon as there is room for it: without it, a caller would wait forever."""
    while True:
        try:
            write()
        except Exception as error:
            if not is_full(error):
                raise
            time.sleep(_PAUSE_SECONDS)
        else:
            return

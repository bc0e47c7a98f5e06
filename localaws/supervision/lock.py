"""The lock that makes one supervisor per state folder.

A POSIX record lock: the kernel frees it when its process ends, however it ends, so it is never stale;
children do not inherit it; and the kernel tells everyone the pid that holds it, so no pid file has to be
believed.
"""

import fcntl
import os
import struct
from pathlib import Path

# struct flock of fcntl(2) on Linux: l_type, l_whence, l_start, l_len, l_pid.
_FLOCK = struct.Struct("hhqqi4x")


def acquire(path: Path) -> bool:
    """Take the lock until this process ends; False when another process has it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return False
    return True  # The file stays open: closing it would free the lock.


def holder(path: Path) -> int | None:
    """Return the pid of the process that holds the lock, None if it is free, without touching the lock."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        question = _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
        answer = _FLOCK.unpack(fcntl.fcntl(descriptor, fcntl.F_GETLK, question))
    finally:
        os.close(descriptor)
    return None if answer[0] == fcntl.F_UNLCK else int(answer[4])

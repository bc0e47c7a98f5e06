"""Saves the state of a running server every second, at almost no cost to its event loop.

The state lives in Python objects that change with every request. Writing them from the event loop stalls it
for 1.5 s at 100,000 log events; writing them from a thread meets them half changed. So the process is forked:
the child holds a frozen copy of everything, writes it and ends, while the parent goes on after 1 to 3 ms.
(Redis saves in this way.) The child does nothing but read objects and write files, so it does not need the
threads that a fork loses.
"""

import asyncio
import logging
import os
import signal
import time
import warnings
from collections.abc import Callable

from localaws.ministack.loop_task import LoopTask
from localaws.supervision.process import die_with_parent

logger = logging.getLogger(__name__)

INTERVAL_SECONDS = 1.0
# Changes which no request announces, such as the log lines of a scheduled function, wait this long at most.
QUIET_INTERVAL_SECONDS = 30.0
# A state so large that saving it is slow is saved less often: a quarter of one core at most.
_REST_PER_SECOND_OF_WRITING = 3.0
_WRITE_TIMEOUT_SECONDS = 30.0


class SnapshotLoop(LoopTask):
    """Calls ``write`` in a forked child, a second after a change, one at a time. The child ends with it.

    Parameters
    ----------
    write : callable
        Writes the state, atomically. It runs in a process of its own.
    """

    def __init__(self, write: Callable[[], None]) -> None:
        super().__init__()
        self._write = write
        self._changed = False
        # Python 3.12 and later warn of a fork while threads run. The module's docstring says why it is safe.
        warnings.filterwarnings("ignore", r"This process .* is multi-threaded", DeprecationWarning)

    def note_change(self) -> None:
        """Say that there may be something to save."""
        self._changed = True

    async def _run(self) -> None:
        last_save = time.monotonic()
        while True:
            await asyncio.sleep(INTERVAL_SECONDS)
            if not self._changed and time.monotonic() - last_save < QUIET_INTERVAL_SECONDS:
                continue
            self._changed = False
            last_save = time.monotonic()
            await self._save()
            await asyncio.sleep(_REST_PER_SECOND_OF_WRITING * (time.monotonic() - last_save))

    async def _save(self) -> None:
        child = fork_and_write(self._write)
        status: int | None = None
        deadline = time.monotonic() + _WRITE_TIMEOUT_SECONDS
        try:
            while status is None and time.monotonic() < deadline:
                await asyncio.sleep(0.02)
                status = exit_status(child)
        finally:
            if status is None:
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
        if status != 0:
            logger.error(
                "The state could not be saved (exit status %s); trying again in %s s",
                status,
                INTERVAL_SECONDS,
            )
            self._changed = True


def fork_and_write(write: Callable[[], None]) -> int:
    """Fork; the child runs ``write`` and ends. Returns the child's pid."""
    parent = os.getpid()
    child = os.fork()
    if child:
        return child
    try:
        die_with_parent(parent)
        # The parent's handlers would tell the parent's event loop of a signal that was sent to this process.
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        write()
        os._exit(0)
    finally:
        os._exit(1)


def exit_status(child: int) -> int | None:
    """Return a child's exit status; None while it runs."""
    pid, status = os.waitpid(child, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if pid else None

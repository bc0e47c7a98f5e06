"""Saves the state of a running server soon after a change, at almost no cost to its event loop.

The state lives in Python objects that change with every request. Writing them from the event loop would stall it;
writing them from a thread meets them half changed. So the process is forked: the child holds a frozen copy of
everything, writes what has changed in one transaction and ends, while the parent goes on after a few milliseconds.
(Redis saves in this way.) The child does nothing but read objects and write a file, so it does not need the threads
that a fork loses. `SnapshotLoop.saved` is for what must not be answered before it is on disk.
"""

import asyncio
import contextlib
import logging
import os
import signal
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from localaws.ministack.loop_task import LoopTask
from localaws.supervision.process import die_with_parent

logger = logging.getLogger(__name__)

# A change after a while without any is saved at once; those that follow are saved together, this much apart at least.
_APART_SECONDS = 0.2
# What has just missed a save is saved within a second, unless two saves take that long.
_WITHIN_SECONDS = 0.9
# A state so large that saving it is slow is saved less often: a quarter of one core, while the second allows it.
_REST_PER_SECOND_OF_WORK = 3.0
_LEAST_REST_PER_SECOND_OF_WORK = 0.25
# Changes which no request announces, such as those of a scheduled function, wait this long at most.
_QUIET_INTERVAL_SECONDS = 5.0
_QUIET_PER_SECOND_OF_WORK = 100.0
# A fork that met a lock which another thread held does nothing at all.
_STUCK_SECONDS = 30.0
_POLL_SECONDS = 0.004
_RETRY_SECONDS = 1.0
NOT_SAVED = "The state could not be written to the disk: local-aws logs ministack says why. Make room there"


class NotSavedError(Exception):
    """The state could not be written: the disk is full, or not there."""


class SnapshotLoop(LoopTask):
    """Calls ``write`` in a forked child after a change, one at a time. The child ends with it.

    Parameters
    ----------
    write : callable
        Writes the state, all of it or nothing. It runs in a process of its own.
    """

    def __init__(self, write: Callable[[], None]) -> None:
        super().__init__()
        self._write = write
        self._changed = False
        self._waiting: list[asyncio.Future[None]] = []
        self._called = asyncio.Event()  # there is a change, or who waits for a save
        self.is_saving = True  # so far; what a save could not write is in memory alone
        # Python 3.12 and later warn of a fork while threads run. The module's docstring says why it is safe.
        warnings.filterwarnings("ignore", r"This process .* is multi-threaded", DeprecationWarning)

    def note_change(self) -> None:
        """Say that there may be something to save; any thread may."""
        if self._changed:
            return
        self._changed = True
        if self._task is not None and not self._task.done():
            self._task.get_loop().call_soon_threadsafe(self._called.set)

    async def saved(self) -> None:
        """Return when everything that has happened until now is on disk; at once, when nothing saves.

        Raises
        ------
        NotSavedError
            The next save has failed; those after it may not.
        """
        if self._task is None or self._task.done():
            return
        loop = self._task.get_loop()
        if asyncio.get_running_loop() is not loop:
            await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(self.saved(), loop))
            return
        future: asyncio.Future[None] = loop.create_future()
        self._waiting.append(future)
        self._called.set()
        await future

    async def stop(self) -> None:
        """End; who waits is answered, as the server saves once more when it ends."""
        await super().stop()
        for future in self._waiting:
            if not future.done():
                future.set_result(None)

    async def _run(self) -> None:
        pace = Pace()
        while True:
            await self._pause(pace)
            self._changed = False
            waiting, self._waiting = self._waiting, []
            began = time.monotonic()
            ended = await self._save()
            if ended.status != 0:
                # A process of a busy machine may be stopped or stuck once; a disk that is full fails again.
                ended = await self._save()
            pace = Pace(ended.work, time.monotonic() - began)
            self.is_saving = ended.status == 0
            for future in waiting:
                if not future.done():
                    future.set_result(None) if self.is_saving else future.set_exception(NotSavedError(NOT_SAVED))
            if not self.is_saving:
                self._changed = True
                await asyncio.sleep(_RETRY_SECONDS)

    async def _pause(self, pace: "Pace") -> None:
        """Wait until there is something to save, and it is time to; who waits for a save waits for no time."""
        began = time.monotonic()

        def left() -> float:
            return began + (pace.pause if self._changed else pace.quiet) - time.monotonic()

        while not self._waiting and (seconds := left()) > 0:
            self._called.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._called.wait(), seconds)

    async def _save(self) -> "Ended":
        child = fork_and_write(self._write)
        progress, ended = Progress(child), None
        try:
            while ended is None and not progress.is_stuck():
                await asyncio.sleep(_POLL_SECONDS)
                ended = look_at(child)
        finally:
            if ended is None:
                ended = _kill(child)
        if ended.status != 0:
            logger.error("The state could not be saved (exit status %s); it is tried again until it can", ended.status)
        return ended


@dataclass(frozen=True)
class Pace:
    """How soon after a save the next begins, by what the last cost.

    Attributes
    ----------
    work : float
        Seconds of a processor.
    took : float
        Seconds that went by: many more on a busy machine.
    """

    work: float = 0.0
    took: float = 0.0

    @property
    def pause(self) -> float:
        """Return after how many seconds changes are saved."""
        rest = min(_REST_PER_SECOND_OF_WORK * self.work, _WITHIN_SECONDS - 2 * self.took)
        return max(_APART_SECONDS, rest, _LEAST_REST_PER_SECOND_OF_WORK * self.work)

    @property
    def quiet(self) -> float:
        """Return after how many seconds a save looks for changes that nothing announced."""
        return max(_QUIET_INTERVAL_SECONDS, _QUIET_PER_SECOND_OF_WORK * self.work)


@dataclass(frozen=True)
class Ended:
    """How a save ended: its exit status, and how many seconds of a processor it took."""

    status: int
    work: float


class Progress:
    """Whether a process does anything.

    Parameters
    ----------
    pid : int
    """

    def __init__(self, pid: int) -> None:
        self._stat = Path(f"/proc/{pid}/stat")
        self._done, self._since = "", time.monotonic()
        self._looked = self._since

    def is_stuck(self) -> bool:
        """Say whether it has used no processor for long."""
        now = time.monotonic()
        if now - self._looked < 1:
            return False
        self._looked = now
        state, *fields = self._stat.read_text().rpartition(")")[2].split()
        done = f"{state if state == 'D' else ''} {fields[10]} {fields[11]}"  # user and system time
        if done != self._done or state == "D":
            self._done, self._since = done, now
        return now - self._since > _STUCK_SECONDS


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
    except Exception as error:
        logger.error("The state could not be written: %s: %s", type(error).__name__, error)
    finally:
        os._exit(1)


def wait_for(child: int) -> None:
    """Wait until a child has ended, or does nothing any more."""
    progress, ended = Progress(child), None
    while ended is None and not progress.is_stuck():
        time.sleep(_POLL_SECONDS)
        ended = look_at(child)
    if ended is None:
        ended = _kill(child)
    if ended.status != 0:
        logger.error("The last state could not be saved (exit status %s)", ended.status)


def look_at(child: int) -> Ended | None:
    """Return how a child has ended; None while it runs."""
    pid, status, used = os.wait4(child, os.WNOHANG)
    return Ended(os.waitstatus_to_exitcode(status), used.ru_utime + used.ru_stime) if pid else None


def _kill(child: int) -> Ended:
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return Ended(-signal.SIGKILL, 0.0)

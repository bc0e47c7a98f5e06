"""Threads for the store: one that writes and rolls up, a few that read; the event loop waits for none of them.

What is written goes in the order in which it came. Rolling up takes its turns between, a metric at a time, once a
minute.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from localaws.ministack.cloudwatch.data.metric import Datum
from localaws.ministack.cloudwatch.data.store import MetricStore

logger = logging.getLogger(__name__)

_READERS = 2
_ROLL_UP_SECONDS = 60.0
_Answer = TypeVar("_Answer")


class Recorder:
    """Writes to a store, and reads from it, in threads.

    Parameters
    ----------
    store : MetricStore
    """

    def __init__(self, store: MetricStore) -> None:
        self._store = store
        self._writer = ThreadPoolExecutor(1, "metric-writer")
        self._readers = ThreadPoolExecutor(_READERS, "metric-reader")
        self._rolled_up = 0.0

    def put(self, data: Sequence[Datum]) -> None:
        """Write data that nobody waits for."""
        self._writer.submit(self._store.write, data).add_done_callback(_tell_failure)

    async def write(self, work: Callable[[MetricStore], _Answer]) -> _Answer:
        """Return what a function that writes returns; what it has written is kept then."""
        return await asyncio.get_running_loop().run_in_executor(self._writer, work, self._store)

    async def read(self, work: Callable[[MetricStore], _Answer]) -> _Answer:
        """Return what a function makes of the store."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, work, self._store)

    def clear(self) -> None:
        """Forget everything."""
        self._writer.submit(self._store.clear).result()

    def roll_up_when_due(self) -> None:
        """Roll up once a minute; call it more often."""
        now = time.monotonic()
        if now >= self._rolled_up + _ROLL_UP_SECONDS:
            self._rolled_up = now
            self._writer.submit(self._begin_to_roll_up)

    def _begin_to_roll_up(self) -> None:
        self._roll_up(iter(self._store.numbers()))

    def _roll_up(self, numbers: Iterator[int]) -> None:
        if (number := next(numbers, None)) is None:
            return
        try:
            self._store.roll_up(number, time.time())
        except Exception:  # a full disk, for example; the next minute tries again
            logger.exception("Old metric data could not be rolled up")
            return
        try:
            self._writer.submit(self._roll_up, numbers)
        except RuntimeError:  # closed
            return

    def close(self) -> None:
        """Return when what was put is written."""
        self._writer.shutdown()
        self._readers.shutdown(cancel_futures=True)


def _tell_failure(written: "Future[None]") -> None:
    if not written.cancelled() and (error := written.exception()):
        logger.error("Metric data could not be kept: %s", error)

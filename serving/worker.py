"""Where the model's code runs: one call at a time, and never for long in the event loop.

One at a time, because SageMaker's own containers do so too: a script that is right there needs no lock here.
Parallel calls are a matter of several processes.

In a thread, because /ping has to be answered while the model thinks. The way there and back costs more than a
small model's own work, though. Linear regression, keep-alive, two shared cores, medians of three interleaved
runs: through the thread 215 us (p50, one connection) and 4,100 answers a second (four connections); without it
155 us and 6,900. So a model earns its place in the event loop by a row of quick calls, and loses it by one slow
call. Measured so: 194 us and 7,400. The price is that this one call, at most one in ``_TRUSTED_AFTER + 1``, keeps
/ping waiting and is answered late rather than timed out.
"""

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")

_QUICK_SECONDS = 0.002
_TRUSTED_AFTER = 16


class Worker:
    """Runs the model's calls."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="model")
        self._busy = threading.Lock()  # held during a call, also one whose caller has given up waiting
        self._quick_calls = 0  # in a row; read and written only while _busy is held

    async def run(self, function: Callable[..., T], *arguments: object) -> T:
        """Call ``function(*arguments)`` when the calls before it have ended.

        Raises
        ------
        Exception
            Whatever the function raises; StopIteration, which no coroutine can raise, as RuntimeError.
        """
        if self._busy.acquire(blocking=False):
            try:
                if self._quick_calls >= _TRUSTED_AFTER:
                    return self._call(function, *arguments)
            finally:
                self._busy.release()
        loop = asyncio.get_running_loop()
        return (await loop.run_in_executor(self._thread, self._outcome, function, *arguments)).result()

    def _outcome(self, function: Callable[..., T], *arguments: object) -> Future[T]:
        # Wrapped, because asyncio does not bring every exception over from a thread: of TimeoutError it makes a new
        # one without the traceback, and at StopIteration it waits for ever.
        outcome: Future[T] = Future()
        with self._busy:
            try:
                outcome.set_result(self._call(function, *arguments))
            except BaseException as error:
                outcome.set_exception(error)
        return outcome

    def _call(self, function: Callable[..., T], *arguments: object) -> T:
        started = time.perf_counter()
        quick_calls = self._quick_calls
        try:
            result = function(*arguments)
            quick_calls += 1  # only by a call that succeeds: a refused body says nothing about the model
        finally:
            slow = time.perf_counter() - started >= _QUICK_SECONDS
            self._quick_calls = 0 if slow else quick_calls
        return result

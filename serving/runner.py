"""Where the model's code runs: one call at a time, never for long in the event loop, several requests in a call.

One at a time, because SageMaker's own containers do so too: a script that is right there needs no lock here.
Parallel calls are a matter of several workers.

In a thread, because /ping has to be answered while the model thinks. The way there and back costs more than a
small model's own work, though: through the thread 215 us (p50, linear regression, one connection), without it 155. So
a model earns its place in the event loop by a row of quick calls, and loses it by one slow call. The price is that
this one call, at most one in ``_TRUSTED_AFTER + 1``, keeps /ping waiting and is answered late rather than timed out;
one that never ends is ended by the supervisor, with its worker.

In batches, if the model's script declares that it can: what waits when the model becomes free, or comes within the
declared delay, goes into one call.
"""

import asyncio
import time
from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from serving.board import LATENCY_BOUNDS, MODEL_BUCKETS, Field, Row
from serving.chain import Served
from serving.context import Headers
from serving.media import Accept, MediaType
from serving.model import Answer, Request

Outcome = Answer | BaseException

_QUICK_SECONDS = 0.002
_TRUSTED_AFTER = 16


class Call(Protocol):
    """A request that waits for the model."""

    body: bytes
    media: MediaType
    accept: Accept
    headers: Headers
    answered: bool  # by a time-out, say: then it is not worth calling the model

    def done(self, outcome: Outcome) -> None:
        """Called in the event loop, once."""


class Runner:
    """Calls a model.

    Parameters
    ----------
    model : Served
    row : Row
        The worker's numbers.
    """

    def __init__(self, model: Served, row: Row) -> None:
        self._model = model
        self._row = row
        self._batch_size = model.batch_size
        self._delay = model.max_batch_delay
        self._waiting: deque[Call] = deque()
        self._timer: asyncio.Handle | None = None
        self._busy = False  # the thread is
        self._quick_calls = 0  # in a row
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="model")

    def submit(self, call: Call) -> None:
        """Have the model called; ``call.done`` gets the outcome, perhaps before this returns."""
        if self._quick_calls >= _TRUSTED_AFTER and not self._busy and not self._may_be_joined():
            call.done(self._invoke((call,))[0])  # as below, with nothing in between
            return
        self._waiting.append(call)
        if not self._busy:
            self._schedule()

    def in_thread(self, work: Callable[[], None]) -> None:
        """Run something of the model's, such as the rest of a stream, before the next call."""
        self._busy = True
        self._thread.submit(self._thread_work, asyncio.get_running_loop(), work)

    def alive(self) -> None:
        """Note that the running call makes progress: it is not stuck."""
        self._row[Field.BUSY_SINCE] = time.monotonic()

    def _may_be_joined(self) -> bool:
        """Return whether it is worth looking for more requests: a lone caller would only wait for itself."""
        if self._batch_size == 1:
            return False
        return bool(self._delay or self._waiting) or self._row[Field.OPEN_CONNECTIONS] > 1

    def _schedule(self) -> None:
        if len(self._waiting) >= self._batch_size:
            self._run()
        elif self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self._delay, self._run) if self._delay else loop.call_soon(self._run)

    def _run(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._waiting and not self._busy:
            calls = self._next_batch()
            if not calls:
                return
            if self._quick_calls >= _TRUSTED_AFTER:
                _deliver(calls, self._invoke(calls))
            else:
                self._busy = True
                self._thread.submit(self._thread_calls, asyncio.get_running_loop(), calls)

    def _next_batch(self) -> list[Call]:
        calls: list[Call] = []
        while self._waiting and len(calls) < self._batch_size:
            call = self._waiting.popleft()
            if not call.answered:
                calls.append(call)
        return calls

    def _thread_calls(self, loop: asyncio.AbstractEventLoop, calls: Sequence[Call]) -> None:
        loop.call_soon_threadsafe(self._thread_free, calls, self._invoke(calls))

    def _thread_work(self, loop: asyncio.AbstractEventLoop, work: Callable[[], None]) -> None:
        self.alive()
        try:
            work()
        finally:
            self._row[Field.BUSY_SINCE] = 0
            loop.call_soon_threadsafe(self._thread_free, (), ())

    def _thread_free(self, calls: Sequence[Call], outcomes: Sequence[Outcome]) -> None:
        self._busy = False
        _deliver(calls, outcomes)
        if self._waiting and not self._busy:
            self._run()

    def _invoke(self, calls: Sequence[Call]) -> Sequence[Outcome]:
        row = self._row
        row[Field.BUSY_SINCE] = started = time.monotonic()
        outcomes = self._outcomes(calls)
        row[Field.BUSY_SINCE] = 0
        seconds = time.monotonic() - started
        row[Field.MODEL_SECONDS] += seconds
        row[MODEL_BUCKETS + bisect_left(LATENCY_BOUNDS, seconds)] += 1
        if seconds >= _QUICK_SECONDS:
            self._quick_calls = 0
        elif isinstance(outcomes[0], Answer):  # a refused body says nothing about the model
            self._quick_calls += 1
        return outcomes

    def _outcomes(self, calls: Sequence[Call]) -> Sequence[Outcome]:
        # The model's code may raise anything, SystemExit too; one request's failure must not end the others'.
        try:
            if len(calls) == 1:
                call = calls[0]
                return (self._model.invoke(call.body, call.media, call.accept, call.headers),)
            return self._model.invoke_many(
                [Request(call.body, call.media, call.accept, call.headers) for call in calls]
            )
        except BaseException as error:
            return [error] * len(calls)


def _deliver(calls: Sequence[Call], outcomes: Sequence[Outcome]) -> None:
    for call, outcome in zip(calls, outcomes, strict=True):
        call.done(outcome)

"""Requests at a constant rate, whether earlier ones were answered or not: the load of an API's users."""

import asyncio
import threading
import time
from dataclasses import dataclass
from typing import Self

_TIMEOUT_SECONDS = 30.0
_FAILED = 0


@dataclass(frozen=True)
class Outcome:
    """A request and its answer.

    Attributes
    ----------
    at : float
        When it was due, according to `time.perf_counter`.
    seconds : float
        The time from then to the end of the answer.
    status : int
        0 if there was no answer.
    """

    at: float
    seconds: float
    status: int
    body: bytes


class OpenLoop:
    """Sends the same request repeatedly while the context is active.

    Parameters
    ----------
    port : int
    head, body : bytes
        The request's head, with the blank line, and its body.
    rate : float
        Requests per second.

    Attributes
    ----------
    outcomes : list of Outcome
        Outcomes in the order of the answers.
    under_way : int
        How many requests wait for their answer.
    """

    def __init__(self, port: int, head: bytes, body: bytes, rate: float) -> None:
        self._port, self._request, self._rate = port, head + body, rate
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="open loop")
        self.outcomes: list[Outcome] = []
        self.under_way = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._stop.set()
        self._thread.join()

    def between(self, begin: float, end: float) -> list[Outcome]:
        """Return the outcomes of the requests that were due in a time span."""
        return [outcome for outcome in list(self.outcomes) if begin <= outcome.at < end]

    async def _run(self) -> None:
        under_way: set[asyncio.Task[None]] = set()
        due = time.perf_counter()
        while not self._stop.is_set():
            task = asyncio.create_task(self._ask(due))
            under_way.add(task)
            task.add_done_callback(under_way.discard)
            self.under_way = len(under_way)
            due += 1 / self._rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
        if under_way:
            await asyncio.wait(under_way)
        for _, writer in self._idle:
            writer.close()

    async def _ask(self, due: float) -> None:
        try:
            status, body = await asyncio.wait_for(self._exchange(), _TIMEOUT_SECONDS)
        except (OSError, EOFError, TimeoutError, ValueError):
            status, body = _FAILED, b""
        self.outcomes.append(Outcome(due, time.perf_counter() - due, status, body))

    async def _exchange(self) -> tuple[int, bytes]:
        connection = self._idle.pop() if self._idle else await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = connection
        try:
            writer.write(self._request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
            body = await reader.readexactly(length)
        except BaseException:
            writer.close()
            raise
        self._idle.append(connection)
        return int(head.split(b" ", 2)[1]), body

"""The numbers that the processes of one server share: a few for each worker, in shared memory.

Every worker writes only its own row, so there are no locks; the supervisor reads them to place connections
and to find a worker that is stuck, and whichever worker is asked for /metrics adds them up. A worker that replaces
another goes on with its row: counters never go back.
"""

import mmap
from collections.abc import Sequence
from typing import TypeAlias

# Seconds. Fine where a small model is, coarse where the time-out is.
LATENCY_BOUNDS = (
    *(0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005),
    *(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0),
)


class Field:
    """The columns of a row, as plain integers, since every request counts. The histograms follow: a bucket for each
    bound, and one above.
    """

    BUSY_SINCE = 0  # time.monotonic() when the running call began; 0 while idle
    OPEN_CONNECTIONS = 1
    CLOSED_CONNECTIONS = 2
    RECEIVED = 3  # invocations
    ANSWERED_2XX = 4
    ANSWERED_4XX = 5
    ANSWERED_5XX = 6
    LOST = 7  # received by a worker that died before it answered
    MODEL_ERRORS = 8
    TIME_OUTS = 9
    BYTES_IN = 10
    BYTES_OUT = 11
    REQUEST_SECONDS = 12
    MODEL_SECONDS = 13


ANSWERED = {"2XX": Field.ANSWERED_2XX, "4XX": Field.ANSWERED_4XX, "5XX": Field.ANSWERED_5XX}
"""The columns that count answers, by class of status."""

REQUEST_BUCKETS = Field.MODEL_SECONDS + 1
MODEL_BUCKETS = REQUEST_BUCKETS + len(LATENCY_BOUNDS) + 1
_WIDTH = MODEL_BUCKETS + len(LATENCY_BOUNDS) + 1
_BYTES = 8

Row: TypeAlias = "memoryview[float]"
"""A worker's numbers: float64, indexed by `Field`; counts are exact up to 2**53."""


class Board:
    """The rows of all workers.

    Parameters
    ----------
    workers : int
    """

    def __init__(self, workers: int) -> None:
        memory = memoryview(mmap.mmap(-1, workers * _WIDTH * _BYTES)).cast("d")
        self._rows = [memory[number * _WIDTH : (number + 1) * _WIDTH] for number in range(workers)]

    def row(self, number: int) -> Row:
        """Return one worker's numbers, to read and, for that worker, to write."""
        return self._rows[number]

    def total(self, column: int) -> float:
        """Return the sum of a column over all workers."""
        return sum(row[column] for row in self._rows)

    @property
    def in_flight(self) -> float:
        """Invocations that are waiting or being answered."""
        answered = sum(self.total(field) for field in ANSWERED.values())
        return self.total(Field.RECEIVED) - answered - self.total(Field.LOST)

    def histogram(self, first: int) -> Sequence[float]:
        """Return the counts of a histogram's buckets over all workers, each with those below it (Prometheus's `le`)."""
        counts, below = [], 0.0
        for bucket in range(len(LATENCY_BOUNDS) + 1):
            below += self.total(first + bucket)
            counts.append(below)
        return counts

    def any_responsive(self, now: float, seconds: float) -> bool:
        """Return whether some worker is idle, or has been busy with its call for less than `seconds`."""
        return any(now - (row[Field.BUSY_SINCE] or now) < seconds for row in self._rows)

    def clear(self, number: int) -> None:
        """Forget what a worker that died was doing; what it had counted stays."""
        row = self._rows[number]
        for field in (Field.BUSY_SINCE, Field.OPEN_CONNECTIONS, Field.CLOSED_CONNECTIONS):
            row[field] = 0
        row[Field.LOST] = row[Field.RECEIVED] - sum(row[field] for field in ANSWERED.values())

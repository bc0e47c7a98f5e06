"""The present demand for a serverless variant: counted by the runtime, read by hosting.

Only the runtime's event loop writes; a thread that reads sees the present or the previous value.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager


class Demand:
    """The requests of one variant.

    Attributes
    ----------
    under_way : int
        Requests that wait for a server or for its answer.
    """

    def __init__(self) -> None:
        self.under_way = 0
        self._last = time.monotonic()

    @contextmanager
    def request(self) -> Iterator[None]:
        """Count one request under way."""
        self.under_way += 1
        try:
            yield
        finally:
            self.under_way -= 1
            self._last = time.monotonic()

    def is_idle(self, seconds: float) -> bool:
        """Return whether there has been no request for this many seconds."""
        return not self.under_way and time.monotonic() - self._last >= seconds

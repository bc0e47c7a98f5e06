"""How much a serverless variant is asked for at this moment: counted by the runtime, looked at by hosting.

Only the runtime's event loop writes; a thread that reads sees a value of this moment or of the one before.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager


class Demand:
    """The requests of one variant.

    Attributes
    ----------
    under_way : int
        Those that wait for a server or for its answer.
    """

    def __init__(self) -> None:
        self.under_way = 0
        self._last = time.monotonic()

    @contextmanager
    def request(self) -> Iterator[None]:
        """Be one of the requests under way."""
        self.under_way += 1
        try:
            yield
        finally:
            self.under_way -= 1
            self._last = time.monotonic()

    def is_idle(self, seconds: float) -> bool:
        """Whether there has been no request for so long."""
        return not self.under_way and time.monotonic() - self._last >= seconds

"""A time within which something must be done, in the main thread."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def time_limit(seconds: int | None, variable: str) -> Iterator[None]:
    """Interrupt the context's code after so many seconds; None never does.

    Raises
    ------
    TimeoutError
        In the context. The sentence names the variable that sets the limit.
    """

    def expire(_signal: int, _frame: FrameType | None) -> None:
        raise TimeoutError(f"not done within {seconds} seconds ({variable})")

    if seconds is None:
        yield
        return
    before = signal.signal(signal.SIGALRM, expire)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)

"""Stalls of a server's event loop: found, measured, and said with what it was doing.

Where LOCALAWS_STALL_SECONDS is set, a thread looks at the loop's heartbeat. Whenever the loop's thread has used more
seconds of processor than that between two beats, a line with `STALLED`, and the stack, go to the log. Seconds of
processor, not of the clock: on a busy machine, every loop is late. The test suite sets it, and fails on such a line.
"""

import asyncio
import faulthandler
import logging
import os
import sys
import threading
import time
import traceback
from collections.abc import Mapping

from localaws.errors import LocalAwsError
from localaws.settings import TRACE_SIGNAL

logger = logging.getLogger(__name__)

VARIABLE = "LOCALAWS_STALL_SECONDS"
STALLED = "The event loop stalled"
_BEAT_SECONDS = 0.02
# Of each stack, the innermost: what is above is the server's own.
_FRAMES = 24


def limit(environ: Mapping[str, str] = os.environ) -> float | None:
    """Return what the variable says; None if it is not set."""
    text = environ.get(VARIABLE)
    if not text:
        return None
    try:
        return float(text)
    except ValueError:
        raise LocalAwsError(f"{VARIABLE} has the value {text!r}. Set it to seconds, such as 0.1.") from None


class StallWatch:
    """Watches the event loop that runs in the present thread.

    Parameters
    ----------
    most_seconds : float
        Of processor, between two beats.

    Attributes
    ----------
    longest : float
        The longest stall so far, in seconds of processor.
    """

    def __init__(self, most_seconds: float) -> None:
        self.longest = 0.0
        self._most = most_seconds
        self._loop = asyncio.get_running_loop()
        self._thread_id = threading.get_ident()
        self._clock = time.pthread_getcpuclockid(self._thread_id)
        self._last_beat = time.clock_gettime(self._clock)
        self._stack = ""
        self._beat()
        threading.Thread(target=self._look, name="stalls", daemon=True).start()

    def _beat(self) -> None:
        now = time.clock_gettime(self._clock)
        seconds, stack = now - self._last_beat, self._stack
        self._last_beat, self._stack = now, ""
        self.longest = max(self.longest, seconds)
        if seconds > self._most:
            logger.error("%s for %.3f s of processor:\n%s", STALLED, seconds, stack or "(over before it was seen)")
        self._loop.call_later(_BEAT_SECONDS, self._beat)

    def _look(self) -> None:
        while True:
            time.sleep(_BEAT_SECONDS)
            if not self._stack and time.clock_gettime(self._clock) - self._last_beat > self._most:
                frame = sys._current_frames().get(self._thread_id)
                self._stack = "".join(traceback.format_stack(frame)[-_FRAMES:])


def watch_loop() -> None:
    """Watch the running event loop if the variable is set; write all threads' stacks to stderr on `TRACE_SIGNAL`."""
    faulthandler.register(TRACE_SIGNAL, all_threads=True)
    if (most := limit()) is not None:
        StallWatch(most)

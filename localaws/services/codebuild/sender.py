"""Sends the events of builds in the background: no build waits for EventBridge."""

import threading
from collections.abc import Sequence
from typing import Any

from localaws.service.outbox import Outbox

_AGAIN_SECONDS = 1.0


class Sender:
    """What is in an outbox, sent as soon as it is there; what EventBridge cannot take is tried again.

    Parameters
    ----------
    outbox : Outbox
    """

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._wake, self._closed = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="codebuild events", daemon=True)
        self._thread.start()

    def put(self, detail_type: str, detail: dict[str, Any], resources: Sequence[str]) -> None:
        """Write an event down, in the transaction of what it tells of."""
        self._outbox.put(detail_type, detail, resources)
        self._wake.set()

    def close(self) -> None:
        """Send no more; what is left is sent after the next start."""
        self._closed.set()
        self._wake.set()
        self._thread.join(_AGAIN_SECONDS)

    def _run(self) -> None:
        while not self._closed.is_set():
            self._wake.wait(_AGAIN_SECONDS)
            self._wake.clear()
            self._outbox.send()

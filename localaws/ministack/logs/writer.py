"""Sends log events to CloudWatch Logs: collected from any thread, sent in batches by one of its own.

Nobody waits: events are collected in memory, up to a limit, while a batch is on its way. A service that does not answer
gets them later; beyond the limit the newest are lost, and the server's log says how many.
"""

import logging
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from localaws.document import Document

logger = logging.getLogger(__name__)

_MOST_BYTES = 64 * 1024 * 1024
# PutLogEvents: 10,000 events and 1,048,576 bytes, 26 of them for each event's overhead.
_BATCH_EVENTS, _BATCH_BYTES, _OVERHEAD_BYTES = 10_000, 1_048_576, 26
_PAUSE_SECONDS = 0.5
_CLOSE_SECONDS = 3.0

Line = tuple[int, str]
"""Milliseconds since the epoch, and a message."""


@dataclass(frozen=True)
class Destination:
    """Where events go.

    Attributes
    ----------
    account_id, group, stream : str
    makes_group : bool
        Whether a group that does not exist is made.
    """

    account_id: str
    group: str
    stream: str
    makes_group: bool = False


class LogWriter:
    """Takes events, and sends them.

    Parameters
    ----------
    client_of : callable(account id) -> CloudWatch Logs client
    """

    def __init__(self, client_of: Callable[[str], Any]) -> None:
        self._client_of = client_of
        self._lock = threading.Lock()
        self._collected: dict[Destination, list[Line]] = defaultdict(list)
        self._bytes, self._lost = 0, 0
        self._wake, self._closed = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="log writer", daemon=True)
        self._thread.start()

    def put(self, destination: Destination, events: Sequence[Line]) -> None:
        """Take events for a stream, which is made if it does not exist."""
        size = sum(len(message) + _OVERHEAD_BYTES for _, message in events)
        with self._lock:
            if self._bytes + size > _MOST_BYTES:
                self._lost += len(events)
                return
            self._bytes += size
            self._collected[destination] += events
        self._wake.set()

    def close(self) -> None:
        """Send what is collected, for a few seconds at most."""
        self._closed.set()
        self._wake.set()
        self._thread.join(_CLOSE_SECONDS)

    def _run(self) -> None:
        while True:
            self._wake.wait()
            self._wake.clear()
            closed = self._closed.is_set()
            with self._lock:
                collected, self._collected = self._collected, defaultdict(list)
                self._bytes, lost, self._lost = 0, self._lost, 0
            if lost:
                logger.error("%s log events were lost: CloudWatch Logs takes them too slowly", lost)
            for destination, events in collected.items():
                for batch in batches(sorted(events, key=lambda event: event[0])):
                    self._send_patiently(destination, batch)
            if closed:
                return

    def _send_patiently(self, destination: Destination, batch: Sequence[Line]) -> None:
        while True:
            try:
                self._send(destination, batch)
            except ClientError as error:
                # As on AWS, the lines are given up, not what wrote them.
                logger.warning("%s log events for %s were lost: %s", len(batch), destination.group, error)
            except BotoCoreError as error:
                if not self._closed.wait(_PAUSE_SECONDS):
                    continue
                logger.warning("%s log events for %s were lost: %s", len(batch), destination.group, error)
            return

    def _send(self, destination: Destination, batch: Sequence[Line]) -> None:
        logs = self._client_of(destination.account_id)
        events: list[Document] = [{"timestamp": at, "message": message or " "} for at, message in batch]
        named = {"logGroupName": destination.group, "logStreamName": destination.stream}
        try:
            logs.put_log_events(**named, logEvents=events)
        except logs.exceptions.ResourceNotFoundException:
            with suppress(logs.exceptions.ResourceAlreadyExistsException):
                if destination.makes_group:
                    logs.create_log_group(logGroupName=destination.group)
            with suppress(logs.exceptions.ResourceAlreadyExistsException):
                logs.create_log_stream(**named)
            logs.put_log_events(**named, logEvents=events)


def batches(events: Sequence[Line]) -> Iterator[list[Line]]:
    """Group events into calls that CloudWatch Logs accepts; a message that is too long is cut."""
    batch: list[Line] = []
    size = 0
    for at, message in events:
        kept = message
        if len(message) * 4 > _BATCH_BYTES - _OVERHEAD_BYTES:
            kept = message.encode(errors="replace")[: _BATCH_BYTES - _OVERHEAD_BYTES].decode(errors="ignore")
        cost = len(kept.encode(errors="replace")) + _OVERHEAD_BYTES
        if batch and (len(batch) == _BATCH_EVENTS or size + cost > _BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append((at, kept))
        size += cost
    if batch:
        yield batch

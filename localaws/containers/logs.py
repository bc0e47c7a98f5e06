"""A job's output reaches CloudWatch Logs while the job runs, under AWS's group and stream names.

One thread per job reads what was added to the log file and puts it in batches within the service's limits
(PutLogEvents: 10,000 events and 1,048,576 bytes a call, 26 of them for each event's overhead; 256 KiB an event). The
job is neither slowed down nor failed if CloudWatch Logs does not answer: the server's own log then says so.
"""

import ctypes
import logging
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

logger = logging.getLogger(__name__)

_INTERVAL_SECONDS = 0.5
_BATCH_EVENTS = 10_000
_BATCH_BYTES = 1_000_000
_EVENT_OVERHEAD_BYTES = 26
_EVENT_BYTES = 256 * 1024 - _EVENT_OVERHEAD_BYTES
# As lines, it takes up to thirty times as much memory.
_READ_BYTES = 1024 * 1024
_KEPT_BYTES = 1024 * 1024
_KEEP_SIZE, _PUNCH_HOLE = 1, 2  # linux/falloc.h

_libc = ctypes.CDLL(None)


class LogShipper:
    """Follows a log file into a log stream until it is closed.

    Parameters
    ----------
    client : CloudWatch Logs client
    group, stream : str
        Names such as ``/aws/sagemaker/TrainingJobs`` and ``my-job/algo-1-1700000000``.
    path : Path
        The file; it may not exist yet. What it already contains is not shipped.
    notice : str, optional
        A line of ours that precedes the file's.
    forget : bool, default=False
        Whether what is shipped, except the last of it, is given back to the disk: of a server that runs for months.
    """

    def __init__(
        self, client: Any, group: str, stream: str, path: Path, notice: str | None = None, *, forget: bool = False
    ) -> None:
        self._client, self._group, self._stream, self._path = client, group, stream, path
        self._notice, self._forget = notice, forget
        self._position = path.stat().st_size if path.exists() else 0
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._follow, name=f"logs {stream}", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Ship what is left; return when all of it is shipped."""
        self._closed.set()
        self._thread.join()

    def _follow(self) -> None:
        try:
            self._create_stream()
            if self._notice:
                self._put([self._notice])
            while not self._closed.wait(_INTERVAL_SECONDS):
                self._ship(last=False)
            self._ship(last=True)
        except (ClientError, BotoCoreError) as error:
            logger.warning("The log of %s could not be shipped: %s", self._stream, error)

    def _create_stream(self) -> None:
        """Create the stream, and the group only if it does not exist: not every role may create one."""
        group, stream = {"logGroupName": self._group}, {"logStreamName": self._stream}
        errors = self._client.exceptions
        try:
            with suppress(errors.ResourceAlreadyExistsException):
                self._client.create_log_stream(**group, **stream)
        except errors.ResourceNotFoundException:
            with suppress(errors.ResourceAlreadyExistsException):
                self._client.create_log_group(**group)
            with suppress(errors.ResourceAlreadyExistsException):
                self._client.create_log_stream(**group, **stream)

    def _ship(self, *, last: bool) -> None:
        while lines := self._read(last=last):
            self._put(lines)
            if self._forget and self._position > _KEPT_BYTES:
                release(self._path, self._position - _KEPT_BYTES)

    def _put(self, lines: Iterable[str]) -> None:
        now = int(time.time() * 1000)
        for batch in batches(lines):
            events = [{"timestamp": now, "message": message} for message in batch]
            self._client.put_log_events(logGroupName=self._group, logStreamName=self._stream, logEvents=events)

    def _read(self, *, last: bool) -> list[str]:
        """Return the lines added since the last call; an unfinished line waits for its end."""
        if not self._path.exists():
            return []
        with self._path.open("rb") as file:
            file.seek(self._position)
            data = file.read(_READ_BYTES)
        whole = data if last or len(data) == _READ_BYTES else data[: data.rfind(b"\n") + 1]
        self._position += len(whole)
        return whole.decode("utf-8", errors="replace").splitlines()


def release(path: Path, length: int) -> None:
    """Give the beginning of a file back to the disk, where the file system can; its length stays: fallocate(2)."""
    with path.open("r+b") as file:
        _libc.fallocate(file.fileno(), _PUNCH_HOLE | _KEEP_SIZE, ctypes.c_long(0), ctypes.c_long(length))


def batches(lines: Iterable[str]) -> Iterator[list[str]]:
    """Group lines into calls that CloudWatch Logs accepts; long lines are split into several events.

    An event may not be empty: an empty line becomes a single space.
    """
    batch: list[str] = []
    size = 0
    for line in lines:
        for event in _events(line):
            cost = len(event.encode()) + _EVENT_OVERHEAD_BYTES
            if batch and (len(batch) == _BATCH_EVENTS or size + cost > _BATCH_BYTES):
                yield batch
                batch, size = [], 0
            batch.append(event)
            size += cost
    if batch:
        yield batch


def _events(line: str) -> Iterator[str]:
    width = _EVENT_BYTES // 4  # a character takes at most four bytes
    if not line:
        yield " "
    for start in range(0, len(line), width):
        yield line[start : start + width]

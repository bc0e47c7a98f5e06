"""Deletes what has vanished: events past their retention, those of deleted streams, the oldest where they are too many.

Each step is a transaction of a few thousand rows, with a rest after it, so that no request waits for more than one; and
gives the room back to the disk.
"""

import logging
import threading
from collections import defaultdict
from collections.abc import Sequence

from localaws.services.logs.event_file import OVERHEAD_BYTES, EventFile
from localaws.services.logs.groups import Group, Groups, milliseconds
from localaws.storage import disk

logger = logging.getLogger(__name__)

_INTERVAL_SECONDS = 30.0
_REST_SECONDS = 0.02
_STEP_ROWS = 2_000
_STEP_PAGES = 2_000


class Sweeper:
    """Sweeps in a thread of its own.

    Parameters
    ----------
    groups : Groups
    file : EventFile
    most_bytes : float
        What the file may hold; the oldest events go first.
    """

    def __init__(self, groups: Groups, file: EventFile, most_bytes: float) -> None:
        self._groups, self._file, self._most_bytes = groups, file, most_bytes
        self._closed, self._wake = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="logs sweeper", daemon=True)

    def start(self) -> None:
        """Begin to sweep regularly."""
        self._thread.start()

    def wake(self) -> None:
        """Sweep now: something was deleted."""
        self._wake.set()

    def close(self) -> None:
        """End after the step that is being made."""
        self._closed.set()
        self._wake.set()

    def sweep(self) -> None:
        """Delete everything that has vanished."""
        groups = self._groups.every()
        self._forget_lost(groups)
        self._delete_gone()
        for group in groups:
            if group.retention_days:
                self._expire(group)
        self._limit()

    def _run(self) -> None:
        while not self._closed.is_set():
            try:
                self.sweep()
            except Exception as error:  # a full disk, for example; the next turn may succeed
                logger.warning("Old log events could not be deleted: %s", error, exc_info=not disk.is_full(error))
            self._wake.wait(_INTERVAL_SECONDS)
            self._wake.clear()

    def _forget_lost(self, groups: Sequence[Group]) -> None:
        """Remove the streams of groups that are no longer there: a kill came between the two."""
        known = {group.key for group in groups}
        owners = {row[0] for row in self._file.connection.execute("SELECT DISTINCT owner FROM stream")}
        # A group that was made meanwhile is looked for again.
        for owner in owners - known - {group.key for group in self._groups.every()}:
            self._file.remove_streams(owner)

    def _delete_gone(self) -> None:
        while (row := self._file.connection.execute("SELECT stream FROM gone LIMIT 1").fetchone()) is not None:
            if not self._step("SELECT number FROM event WHERE stream = ?", row[0]):
                with self._file.writing() as connection:
                    connection.execute("DELETE FROM gone WHERE stream = ?", row)
            if self._closed.is_set():
                return

    def _expire(self, group: Group) -> None:
        horizon = group.horizon(milliseconds())
        for stream in self._file.streams("owner = ? AND first < ?", group.key, horizon):
            while self._step("SELECT number FROM event WHERE stream = ? AND timestamp < ?", stream.number, horizon):
                if self._closed.is_set():
                    return
            with self._file.writing() as connection:
                connection.execute(
                    "UPDATE stream SET first = (SELECT min(timestamp) FROM event WHERE event.stream = ?1)"
                    " WHERE number = ?1",
                    (stream.number,),
                )

    def _limit(self) -> None:
        while self._size() > self._most_bytes and not self._closed.is_set():
            if not self._step("SELECT number FROM event WHERE number > ? ORDER BY number", 0):
                return

    def _size(self) -> int:
        pages, size, free = (
            self._file.connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("page_count", "page_size", "freelist_count")
        )
        return int((pages - free) * size)

    def _step(self, rows: str, *values: int) -> bool:
        """Delete some of the rows that a query finds; return whether there were any."""
        freed: dict[int, int] = defaultdict(int)
        with self._file.writing() as connection:
            for stream, size in connection.execute(
                f"DELETE FROM event WHERE number IN ({rows} LIMIT {_STEP_ROWS})"  # noqa: S608 - the code's own
                f" RETURNING stream, length(CAST(message AS BLOB)) + {OVERHEAD_BYTES}",
                values,
            ):
                freed[stream] += size
            connection.executemany(
                "UPDATE stream SET bytes = bytes - ? WHERE number = ?", [(size, at) for at, size in freed.items()]
            )
        self._file.connection.execute(f"PRAGMA incremental_vacuum({_STEP_PAGES})").fetchall()
        self._closed.wait(_REST_SECONDS)
        return bool(freed)

"""What executions have done, on disk at each transition: a kill at any instant loses none of it.

An execution has a record (what Describe shows), the definition that it began with, its history's events, and a step for
each thing that goes on in it, by place:

``""``                   the machine: the state that it is in, with that state's input and the variables
``/3/call0``             the first call of the fourth state: its arguments and, once there is one, its outcome
``/3/sleep0``            a wait of that state's, or one before a retry: its end
``/3/try0/1``            the second branch, or item, of the fourth state (a Parallel or Map) in its first attempt: the
                         state that it is in, as for the machine
``/3/try0/1/0/call0``    the first call of that branch's first state

When a state is left, the steps below it go; when an execution ends, all of them. What has ended is kept for as long as
MiniStack needs to save its own state, in which it is from then on.
"""

import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from localaws.document import Document
from localaws.storage.sqlite_file import connect

_SCHEMA = """
CREATE TABLE IF NOT EXISTS execution (
    arn        TEXT PRIMARY KEY,
    definition TEXT NOT NULL,
    record     TEXT NOT NULL,
    ended      REAL
);
CREATE TABLE IF NOT EXISTS event (
    arn     TEXT NOT NULL,
    id      INTEGER NOT NULL,
    place   TEXT NOT NULL,
    content TEXT NOT NULL,
    PRIMARY KEY (arn, id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS event_of_place ON event (arn, place);
CREATE TABLE IF NOT EXISTS step (
    arn     TEXT NOT NULL,
    place   TEXT NOT NULL,
    content TEXT NOT NULL,
    PRIMARY KEY (arn, place)
) WITHOUT ROWID;
"""
_ENDS = frozenset({"ExecutionSucceeded", "ExecutionFailed", "ExecutionAborted", "ExecutionTimedOut"})
# MiniStack's state is saved about a second after a change; a large one, or a full disk, may take much longer.
_KEEP_ENDED_SECONDS = 600.0


@dataclass(frozen=True)
class Kept:
    """An execution of an earlier process.

    Attributes
    ----------
    arn : str
    record : dict
        With its ``events``.
    runs : bool
        Whether it goes on.
    """

    arn: str
    record: Document
    runs: bool


class Journal:
    """The file. It takes notes of executions that it was told to `begin`, and of no others.

    Parameters
    ----------
    path : Path
        A SQLite file; made when it is absent.
    """

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._connection = connect(path, shared=True)
        self._connection.executescript(_SCHEMA)
        self._running = {arn for (arn,) in self._connection.execute("SELECT arn FROM execution WHERE ended IS NULL")}

    def begin(self, record: Mapping[str, object], definition: str) -> None:
        """Keep an execution from now on; `record` has its ``executionArn`` and its first ``events``."""
        arn, events = str(record["executionArn"]), record["events"]
        with self._lock, self._connection:
            self._connection.execute("BEGIN")
            row = (arn, definition, _without_events(record))
            self._connection.execute("INSERT INTO execution (arn, definition, record) VALUES (?, ?, ?)", row)
            for event in events if isinstance(events, list) else ():
                self._add(arn, event, "")
            self._running.add(arn)

    def runs(self, arn: str) -> bool:
        """Say whether notes of an execution are taken."""
        return arn in self._running

    def definition(self, arn: str) -> str | None:
        """Return the definition that an execution began with; None if none is kept."""
        with self._lock:
            found = self._connection.execute("SELECT definition FROM execution WHERE arn = ?", (arn,)).fetchone()
        return str(found[0]) if found else None

    def tell(self, record: Mapping[str, object], event: Mapping[str, object], place: str) -> None:
        """Add an event to an execution's history, and note what has become of the execution if this is its end.

        Parameters
        ----------
        record : dict
            As it is after the event.
        event : dict
        place : str
            Of the state that the event is about; empty for the machine.
        """
        arn = str(record["executionArn"])
        if not self.runs(arn):
            return
        with self._lock, self._connection:
            self._connection.execute("BEGIN")
            self._add(arn, event, place)
            if event["type"] in _ENDS:
                now = time.time()
                end = "UPDATE execution SET record = ?, ended = ? WHERE arn = ?"
                self._connection.execute(end, (_without_events(record), now, arn))
                self._connection.execute("DELETE FROM step WHERE arn = ?", (arn,))
                self._forget(now - _KEEP_ENDED_SECONDS)
                self._running.discard(arn)

    def told(self, arn: str, place: str) -> int:
        """Count the events about a state that is at a place."""
        with self._lock:
            query = "SELECT COUNT(*) FROM event WHERE arn = ? AND place = ?"
            return int(self._connection.execute(query, (arn, place)).fetchone()[0])

    def read(self, arn: str, place: str) -> Document | None:
        """Return the step at a place; None if there is none."""
        with self._lock:
            query = "SELECT content FROM step WHERE arn = ? AND place = ?"
            found = self._connection.execute(query, (arn, place)).fetchone()
        return dict(json.loads(found[0])) if found else None

    def write(self, arn: str, place: str, content: Document) -> None:
        """Put a step at a place."""
        if self.runs(arn):
            with self._lock:
                self._put(arn, place, content)

    def leave(self, arn: str, left: str, place: str, content: Document) -> None:
        """Put a step at a place, and forget those below another one, both or neither."""
        if self.runs(arn):
            with self._lock, self._connection:
                self._connection.execute("BEGIN")
                self._put(arn, place, content)
                # "0" is the character after "/".
                below = "DELETE FROM step WHERE arn = ? AND place >= ? AND place < ?"
                self._connection.execute(below, (arn, f"{left}/", f"{left}0"))

    def steps(self, arn: str) -> dict[str, Document]:
        """Return all steps of an execution, by place."""
        with self._lock:
            rows = self._connection.execute("SELECT place, content FROM step WHERE arn = ?", (arn,)).fetchall()
        return {place: json.loads(content) for place, content in rows}

    def kept(self) -> list[Kept]:
        """Return the executions of earlier processes, in the order in which they began."""
        with self._lock:
            rows = self._connection.execute("SELECT arn, record, ended FROM execution ORDER BY rowid").fetchall()
            events: dict[str, list[Document]] = {}
            for arn, content in self._connection.execute("SELECT arn, content FROM event ORDER BY arn, id"):
                events.setdefault(arn, []).append(json.loads(content))
        return [Kept(arn, {**json.loads(record), "events": events[arn]}, ended is None) for arn, record, ended in rows]

    def clear(self) -> None:
        """Forget everything."""
        with self._lock, self._connection:
            self._connection.execute("BEGIN")
            for clear in ("DELETE FROM execution", "DELETE FROM event", "DELETE FROM step"):
                self._connection.execute(clear)
            self._running.clear()

    def _add(self, arn: str, event: Mapping[str, object], place: str) -> None:
        row = (arn, event["id"], place, json.dumps(event))
        self._connection.execute("INSERT INTO event (arn, id, place, content) VALUES (?, ?, ?, ?)", row)

    def _put(self, arn: str, place: str, content: Document) -> None:
        row = (arn, place, json.dumps(content))
        self._connection.execute("INSERT OR REPLACE INTO step (arn, place, content) VALUES (?, ?, ?)", row)

    def _forget(self, before: float) -> None:
        of_ended = "DELETE FROM event WHERE arn IN (SELECT arn FROM execution WHERE ended < ?)"
        self._connection.execute(of_ended, (before,))
        self._connection.execute("DELETE FROM execution WHERE ended < ?", (before,))


def _without_events(record: Mapping[str, object]) -> str:
    return json.dumps({name: value for name, value in record.items() if name != "events"})

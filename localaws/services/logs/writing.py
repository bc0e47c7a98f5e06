"""PutLogEvents: what is taken, what is refused, and what is left out and said.

Source: PutLogEvents and "CloudWatch Logs quotas" in the API Reference and the User Guide.
"""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

from localaws.api_errors import UnsupportedOperation
from localaws.document import Document
from localaws.services.logs.errors import InvalidParameter, ResourceNotFound
from localaws.services.logs.event_file import OVERHEAD_BYTES, EventFile
from localaws.services.logs.groups import DAY_MILLISECONDS, Groups, milliseconds
from localaws.services.logs.streams import Streams

_MOST_BYTES = 1_048_576
_MOST_AHEAD = 2 * 3_600_000
_OLDEST = 14 * DAY_MILLISECONDS
_MEMBERS = {"timestamp", "message"}
STAND_IN = [{"timestamp": 0, "message": "."}]
"""An event that breaks no rule: the others of a request are checked here, ten times as fast as by botocore's model."""


def are_plain(events: Any) -> bool:
    """Return whether a request's events are as botocore's model has them; if not, the model says what is wrong."""
    if not isinstance(events, list) or not 1 <= len(events) <= 10_000:
        return False
    return all(
        isinstance(event, dict)
        and event.keys() == _MEMBERS
        and type(event["timestamp"]) is int
        and event["timestamp"] >= 0
        and type(event["message"]) is str
        and event["message"] != ""
        for event in events
    )


class Writing:
    """Takes events.

    Parameters
    ----------
    groups : Groups
    streams : Streams
    file : EventFile
    written : callable()
        Called after events were committed.
    """

    def __init__(self, groups: Groups, streams: Streams, file: EventFile, written: Callable[[], None]) -> None:
        self._groups, self._streams, self._file, self._written = groups, streams, file, written

    def put(self, request: Document) -> Document:
        """Append events to a stream (PutLogEvents)."""
        if request.get("entity"):
            raise UnsupportedOperation("entity of PutLogEvents is not supported by local AWS")
        events = [(event["timestamp"], event["message"]) for event in request["logEvents"]]
        size = _checked_size(events)
        group = self._groups.get(request["logGroupName"])
        stream, now = self._streams.get(group, request["logStreamName"]), milliseconds()
        answer: Document = {"nextSequenceToken": str(self._file.last_number() + 1)}
        kept, rejected = _in_time(events, now, group.horizon(now))
        if rejected:
            answer["rejectedLogEventsInfo"] = rejected
            size = sum(len(message.encode()) + OVERHEAD_BYTES for _, message in kept)
        if kept:
            if kept[-1][0] - kept[0][0] > DAY_MILLISECONDS:
                raise InvalidParameter(
                    "The batch of log events in a single PutLogEvents request cannot span more than 24 hours."
                )
            if not self._file.append(stream, kept, now, size):
                raise ResourceNotFound("The specified log stream does not exist.")
            self._written()
        return answer


def _checked_size(events: Sequence[tuple[int, str]]) -> int:
    """Return the bytes of events, as AWS counts them."""
    if any(one[0] > other[0] for one, other in pairwise(events)):
        raise InvalidParameter("Log events in a single PutLogEvents request must be in chronological order.")
    # An event may be as large as its batch, 1 MB: so this is its limit, too.
    size = sum(len(message.encode()) for _, message in events) + OVERHEAD_BYTES * len(events)
    if size > _MOST_BYTES:
        raise InvalidParameter(f"Upload too large: {size} bytes exceeds limit of {_MOST_BYTES}")
    return size


def _in_time(events: Sequence[tuple[int, str]], now: int, horizon: int) -> tuple[Sequence[tuple[int, str]], Document]:
    """Return the events that are neither too old nor too new, and what AWS says of the others; they are in order."""
    too_old = _first(events, now - _OLDEST)
    expired = _first(events, horizon)
    too_new = _first(events, now + _MOST_AHEAD + 1)
    said = {
        "tooOldLogEventEndIndex": too_old,
        "expiredLogEventEndIndex": expired,
        "tooNewLogEventStartIndex": too_new if too_new < len(events) else 0,
    }
    rejected = {name: index for name, index in said.items() if index}
    if too_new == 0:
        rejected["tooNewLogEventStartIndex"] = 0
    return events[max(too_old, expired) : too_new], rejected


def _first(events: Sequence[tuple[int, str]], moment: int) -> int:
    """Return the index of the first event that is not before a moment."""
    return bisect_left(events, moment, key=lambda event: event[0])

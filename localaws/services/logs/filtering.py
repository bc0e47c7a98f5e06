"""GetLogEvents, FilterLogEvents and what reads single events."""

from collections.abc import Sequence
from dataclasses import replace

from localaws.document import Document
from localaws.services.logs.errors import InvalidParameter
from localaws.services.logs.event_file import Event, EventFile, Key, Stream
from localaws.services.logs.groups import Group, Groups, milliseconds
from localaws.services.logs.patterns.pattern import parse
from localaws.services.logs.reading import MOST_EVENTS, after, merged_page, page, span
from localaws.services.logs.streams import Streams
from localaws.storage.store import decode_token, encode_token

_NOWHERE = "-"
_LAST_NAME = "\U0010ffff"


class Filtering:
    """Reads events.

    Parameters
    ----------
    groups : Groups
    streams : Streams
    file : EventFile
    """

    def __init__(self, groups: Groups, streams: Streams, file: EventFile) -> None:
        self._groups, self._streams, self._file = groups, streams, file

    def get(self, request: Document) -> Document:
        """Return a page of one stream's events, with the tokens of the pages before and after (GetLogEvents)."""
        group = self._groups.of_request(request)
        stream = self._streams.get(group, request["logStreamName"])
        wanted, token = span(_start(group, request), request.get("endTime")), request.get("nextToken")
        forward, place = bool(request.get("startFromHead")), None
        if token:
            forward, place = _place(token)
        wanted = replace(wanted, newest_first=not forward)
        wanted = wanted if place is None else after(wanted, place)
        found = page(self._file, stream, wanted, request.get("limit") or MOST_EVENTS)
        events = found.events if forward else list(reversed(found.events))
        first, last = (events[0].key, events[-1].key) if events else (place, place)
        return {
            "events": [_shown(event) for event in events],
            # At either end, the token is the one that was given: so a reader knows that there is no more.
            "nextForwardToken": token if token and forward and not events else _token("f", last),
            "nextBackwardToken": token if token and not forward and not events else _token("b", first),
        }

    def filter(self, request: Document) -> Document:
        """Return a page of the events of a group that match (FilterLogEvents)."""
        group = self._groups.of_request(request)
        pattern = parse(request.get("filterPattern") or "")
        end = request.get("endTime")
        # Here the end is inclusive, other than in GetLogEvents.
        wanted = span(_start(group, request), None if end is None else end + 1)
        wanted = replace(wanted, newest_first=request.get("startFromHead") is False, contains=pattern.contains)
        if token := request.get("nextToken"):
            wanted = after(wanted, _decoded(token))
        streams = self._wanted_streams(group, request, wanted.start[0], wanted.end[0])
        found = merged_page(
            self._file,
            streams,
            wanted,
            request.get("limit") or MOST_EVENTS,
            lambda event: pattern.matches(event.message),
        )
        names = {stream.number: stream.name for stream in streams}
        events = [
            {**_shown(event), "logStreamName": names[event.stream], "eventId": event_id(event)}
            for event in found.events
        ]
        token = encode_token(*found.last) if found.last is not None else None
        return {"events": events, "searchedLogStreams": [], "nextToken": token}

    def _wanted_streams(self, group: Group, request: Document, start: int, end: int) -> Sequence[Stream]:
        """Return the streams that a request names and that have events of its time."""
        names, prefix = request.get("logStreamNames"), request.get("logStreamNamePrefix")
        if names and prefix:
            raise InvalidParameter("Only one of logStreamNames and logStreamNamePrefix may be given.")
        if names:
            found = [self._streams.get(group, name) for name in dict.fromkeys(names)]
            return [each for each in found if each.last is not None and each.last >= start and (each.first or 0) <= end]
        return streams_of(self._file, group, start, end, prefix or "")


def streams_of(file: EventFile, group: Group, start: int, end: int, prefix: str = "") -> Sequence[Stream]:
    """Return the streams of a group that have events of a time, and whose names have a prefix."""
    condition = "owner = ? AND last >= ? AND first <= ?"
    if not prefix:
        return file.streams(condition, group.key, start, end)
    return file.streams(f"{condition} AND name >= ? AND name < ?", group.key, start, end, prefix, prefix + _LAST_NAME)


def event_id(event: Event) -> str:
    """Return the id of an event, in the form of AWS's."""
    return f"{event.timestamp:020d}{event.number:036d}"


def _start(group: Group, request: Document) -> int:
    """Return where to begin: what is past the group's retention has vanished."""
    return max(request.get("startTime") or 0, group.horizon(milliseconds()))


def _shown(event: Event) -> Document:
    return {"timestamp": event.timestamp, "message": event.message, "ingestionTime": event.ingested}


def _token(direction: str, place: Key | None) -> str:
    return f"{direction}/{_NOWHERE if place is None else encode_token(*place)}"


def _place(token: str) -> tuple[bool, Key | None]:
    """Return whether a token of GetLogEvents leads forward, and from where."""
    direction, _, place = token.partition("/")
    if direction not in ("f", "b"):
        raise InvalidParameter("The specified nextToken is invalid.")
    return direction == "f", None if place == _NOWHERE else _decoded(place)


def _decoded(token: str) -> Key:
    try:
        timestamp, number = decode_token(token)
        return int(timestamp), number
    except Exception as error:
        raise InvalidParameter("The specified nextToken is invalid.") from error

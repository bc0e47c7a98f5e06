"""Pages of events: of one stream, or of many merged by time; bounded in events, bytes and time, as on AWS.

AWS's pages have at most 10,000 events or 1 MB, and may have fewer, or none, although there are more: the token says so.
So a search through millions of events is many short requests. A page of several streams is made in this way:

1. Each stream stands in a heap with the key up to which it has been read, at first that of the range's start: a stream
   whose events are all later is not read before its turn.
2. The least key is taken. Is it an event's, the event is next; else the next block of the stream is read: its matching
   events go into the heap, and where the block ended.
3. When the page is full or its time is over, the last key that was taken is the token: all before it has been seen.
"""

import heapq
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from localaws.services.logs.event_file import Event, EventFile, Key, Range, Stream

MOST_EVENTS = 10_000
MOST_BYTES = 1_048_576
_SECONDS = 1.0
_BLOCK_ROWS = 20_000
_LEAST_BLOCK_ROWS = 200
_LAST_NUMBER = 2**62

Matches = Callable[[Event], bool]


@dataclass(frozen=True)
class Page:
    """Events, and where the next page begins: after `last`; None at the end."""

    events: Sequence[Event]
    last: Key | None


def span(start: int | None, end: int | None) -> Range:
    """Return the range of the events at `start` or later and before `end`, milliseconds both."""
    first = (start or 0, 0)
    return Range(first, (end, 0) if end is not None else (_LAST_NUMBER, 0))


def after(wanted: Range, key: Key) -> Range:
    """Return what comes after an event in the order of reading."""
    return (
        replace(wanted, end=min(wanted.end, key))
        if wanted.newest_first
        else replace(wanted, start=max(wanted.start, key))
    )


def page(file: EventFile, stream: Stream, wanted: Range, limit: int) -> Page:
    """Return a page of one stream's events, in the order of the range."""
    events: list[Event] = []
    size = 0
    for event in file.read(stream.number, wanted):
        size += event.size
        if events and (len(events) == limit or size > MOST_BYTES):
            return Page(events, events[-1].key)
        events.append(event)
    return Page(events, None)


def merged_page(
    file: EventFile, streams: Sequence[Stream], wanted: Range, limit: int, matches: Matches, seconds: float = _SECONDS
) -> Page:
    """Return a page of the events of several streams that match, in the order of the range."""
    events: list[Event] = []
    size, deadline = 0, time.monotonic() + seconds
    last: Key | None = None
    for key, event in _merged(file, streams, wanted, matches):
        if event is not None:
            size += event.size
            if events and (len(events) == limit or size > MOST_BYTES):
                return Page(events, events[-1].key)
            events.append(event)
        elif last is not None and key != last and time.monotonic() > deadline:
            return Page(events, key)
        last = key
    return Page(events, None)


def _merged(
    file: EventFile, streams: Sequence[Stream], wanted: Range, matches: Matches
) -> Iterator[tuple[Key, Event | None]]:
    """Yield events in order; and, with None, keys up to which everything has been seen."""
    sign = -1 if wanted.newest_first else 1
    # So many rows of each stream, and the more, the longer it is: the first round through all of them stays short.
    rows = dict.fromkeys((stream.number for stream in streams), _LEAST_BLOCK_ROWS)
    heap: list[tuple[Key, int, Event | None, Stream]] = []
    for stream in streams:
        if stream.first is not None and stream.last is not None:
            edge = min((stream.last + 1, 0), wanted.end) if sign < 0 else max((stream.first, 0), wanted.start)
            heap.append((_signed(edge, sign), stream.number, None, stream))
    heapq.heapify(heap)
    while heap:
        key, _, event, stream = heapq.heappop(heap)
        at = _signed(key, sign)
        yield at, event
        if event is None:
            block = after(wanted, at)
            ends = file.boundary(stream.number, block, rows[stream.number])
            rows[stream.number] = min(2 * rows[stream.number], _BLOCK_ROWS)
            if ends is not None:
                heapq.heappush(heap, (_signed(ends, sign), stream.number, None, stream))
                # The event at which it ends belongs to this block.
                beyond = (ends[0], ends[1] + sign)
                block = replace(block, start=beyond) if sign < 0 else replace(block, end=beyond)
            for found in file.read(stream.number, block):
                if matches(found):
                    heapq.heappush(heap, (_signed(found.key, sign), -1, found, stream))


def _signed(key: Key, sign: int) -> Key:
    return sign * key[0], sign * key[1]

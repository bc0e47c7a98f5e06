"""The fields of a log event: those that begin with @, those of a message that is JSON, those of Lambda's lines."""

import base64
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import orjson

from localaws.services.logs.event_file import Event

Value = str | float | bool | None

_LAMBDA = {
    "@requestId": re.compile(r"RequestId: ([\w-]+)"),
    "@duration": re.compile(r"\tDuration: ([\d.]+) ms"),
    "@billedDuration": re.compile(r"\tBilled Duration: ([\d.]+) ms"),
    "@initDuration": re.compile(r"\tInit Duration: ([\d.]+) ms"),
    "@memorySize": re.compile(r"\tMemory Size: (\d+) MB"),
    "@maxMemoryUsed": re.compile(r"\tMax Memory Used: (\d+) MB"),
    "@type": re.compile(r"^(START|END|REPORT) RequestId:"),
}
_MEGABYTES = ("@memorySize", "@maxMemoryUsed")
_MOST_DISCOVERED = 200


class Row:
    """What a command gets and passes on: fields by name.

    Parameters
    ----------
    values : dict of str to value
    event : Event or None
        What further fields are looked for in; they are made when they are asked for.
    """

    def __init__(self, values: dict[str, Value], event: Event | None = None) -> None:
        self.values, self._event = values, event
        self._document: Any = None
        self._is_parsed = False

    def get(self, name: str) -> Value:
        """Return a field; None if the row has none of the name."""
        if name in self.values:
            return self.values[name]
        if self._event is None:
            return None
        if name in _OWN:
            return _OWN[name](self._event)
        if name in _LAMBDA:
            return _of_lambda(name, self._event.message)
        return _scalar(_at(self._parsed(), name))

    def timestamp(self) -> float | None:
        """Return ``@timestamp`` in milliseconds since the epoch."""
        return self._event.timestamp if self._event is not None else milliseconds_of(self.get("@timestamp"))

    def having(self, values: Mapping[str, Value]) -> "Row":
        """Return this row with more fields."""
        more = Row({**self.values, **values}, self._event)
        more._document, more._is_parsed = self._document, self._is_parsed
        return more

    def names(self) -> Iterator[str]:
        """Yield the names of all its fields."""
        yield from self.values
        if self._event is not None:
            yield from _OWN
        yield from _names(self._parsed(), "")

    def _parsed(self) -> Any:
        if not self._is_parsed:
            self._is_parsed = True
            message = "" if self._event is None else self._event.message
            if message.lstrip().startswith("{"):
                try:
                    self._document = orjson.loads(message)
                except ValueError:
                    self._document = None
        return self._document


def pointer(event: Event) -> str:
    """Return what GetLogRecord finds an event by."""
    return base64.urlsafe_b64encode(str(event.number).encode()).decode()


@lru_cache(maxsize=10_000)
def moment(milliseconds: float) -> str:
    """Return a time as Logs Insights writes it."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]


def milliseconds_of(value: Value) -> float | None:
    """Return the milliseconds since the epoch of a time, written or a number; None if it is none."""
    if isinstance(value, str):
        try:
            return datetime.fromisoformat(value).replace(tzinfo=UTC).timestamp() * 1000
        except ValueError:
            return number(value)
    return number(value)


def number(value: Value) -> float | None:
    """Return a value as a number; None if it is none."""
    if isinstance(value, bool) or value is None:
        return None
    try:
        return float(value)
    except ValueError:
        return None


def text(value: Value) -> str:
    """Return a value as it is shown."""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, float | int):
        return str(int(value)) if value == int(value) else format(value, ".10g")
    return value or ""


_OWN: Mapping[str, Callable[[Event], Value]] = {
    "@timestamp": lambda event: moment(event.timestamp),
    "@message": lambda event: event.message,
    "@ingestionTime": lambda event: moment(event.ingested),
    "@ptr": pointer,
}


def _of_lambda(name: str, message: str) -> Value:
    found = _LAMBDA[name].search(message)
    if found is None:
        return None
    # Insights has these in bytes, the megabyte as 10^6.
    return float(found[1]) * 1e6 if name in _MEGABYTES else found[1]


def _at(document: Any, name: str) -> Any:
    if isinstance(document, dict) and name in document:
        return document[name]
    for part in name.split("."):
        if isinstance(document, dict) and part in document:
            document = document[part]
        elif isinstance(document, list) and part.isdecimal() and int(part) < len(document):
            document = document[int(part)]
        else:
            return None
    return document


def _scalar(value: Any) -> Value:
    if isinstance(value, dict | list):
        return orjson.dumps(value).decode()
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _names(document: Any, prefix: str) -> Iterator[str]:
    items = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    for number_of, (key, value) in enumerate(items):
        if number_of == _MOST_DISCOVERED:
            return
        if isinstance(value, dict | list):
            yield from _names(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}"

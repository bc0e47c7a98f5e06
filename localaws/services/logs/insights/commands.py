"""The commands of Logs Insights: each takes rows and passes rows on."""

import heapq
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Self

from localaws.api_errors import UnsupportedOperation
from localaws.services.logs.insights.aggregates import Aggregate
from localaws.services.logs.insights.expressions import Expression, Matcher
from localaws.services.logs.insights.fields import Row, Value, number, text

_SHOWN = ("@timestamp", "@message")
_MOST_GROUPS = 100_000
_MOST_SORTED = 10_000


class TooMuchError(Exception):
    """A query needs more memory than it may have."""


class Command(ABC):
    """One command."""

    is_last_resort = False
    """Whether it may stand behind ``sort``."""

    @abstractmethod
    def run(self, rows: Iterable[Row]) -> Iterator[Row]:
        """Return what becomes of rows."""

    def shown(self, before: Sequence[str]) -> Sequence[str]:
        """Return the names of the fields that are shown, given those that were shown before."""
        return before


@dataclass(frozen=True)
class Query:
    """Commands, one after the other.

    Attributes
    ----------
    commands : sequence of Command
    limit : int
        How many rows there are at most.
    """

    commands: Sequence[Command]
    limit: int

    def __post_init__(self) -> None:
        """Refuse what would give another answer here than on AWS."""
        sorted_already = False
        for command in self.commands:
            if sorted_already and not command.is_last_resort:
                word = type(command).__name__.lower()
                raise UnsupportedOperation(f"{word} behind sort is not supported by local AWS: put sort behind it")
            sorted_already = sorted_already or isinstance(command, Sort)

    @property
    def has_records(self) -> bool:
        """Return whether its rows are log events, which have a pointer."""
        return not any(isinstance(command, Stats) for command in self.commands)

    @property
    def shown(self) -> Sequence[str]:
        """Return the names of the fields that are shown."""
        names: Sequence[str] = ()
        for command in self.commands:
            names = command.shown(names)
        return names or _SHOWN

    def run(self, rows: Iterable[Row], note_match: Callable[[], None]) -> Iterator[Row]:
        """Return the rows of the answer; `note_match` is called for each row that passes all filters."""
        filters = [at for at, command in enumerate(self.commands) if isinstance(command, Filter)]
        rows = rows if filters else _noting(rows, note_match)
        for at, command in enumerate(self.commands):
            rows = command.run(rows)
            rows = _noting(rows, note_match) if filters[-1:] == [at] else rows
        return islice(iter(rows), self.limit)


def _noting(rows: Iterable[Row], note: Callable[[], None]) -> Iterator[Row]:
    for row in rows:
        note()
        yield row


@dataclass(frozen=True)
class Fields(Command):
    """``fields`` and ``display``."""

    named: Sequence[tuple[str, Expression]]
    replaces: bool
    is_last_resort = True

    def run(self, rows: Iterable[Row]) -> Iterator[Row]:
        """Add computed fields."""
        for row in rows:
            yield row.having({name: expression(row) for name, expression in self.named})

    def shown(self, before: Sequence[str]) -> Sequence[str]:
        """Return the fields that it names, and for ``fields`` those before."""
        names = [name for name, _ in self.named]
        return names if self.replaces else [*before, *(name for name in names if name not in before)]


@dataclass(frozen=True)
class Filter(Command):
    """``filter``."""

    condition: Expression

    def run(self, rows: Iterable[Row]) -> Iterator[Row]:
        """Pass on what the condition holds for."""
        return (row for row in rows if self.condition(row))


@dataclass(frozen=True)
class Limit(Command):
    """``limit``."""

    most: int
    is_last_resort = True

    def run(self, rows: Iterable[Row]) -> Iterator[Row]:
        """Pass on the first rows."""
        return islice(iter(rows), self.most)


@dataclass(frozen=True)
class Dedup(Command):
    """``dedup``: the first row of each value, in the order in which the rows come."""

    keys: Sequence[Expression]

    def run(self, rows: Iterable[Row]) -> Iterator[Row]:
        """Pass on what has not been there."""
        seen: set[tuple[Value, ...]] = set()
        for row in rows:
            values = tuple(key(row) for key in self.keys)
            if values not in seen:
                if len(seen) >= _MOST_GROUPS:
                    raise TooMuchError(f"dedup of more than {_MOST_GROUPS:,} different rows")
                seen.add(values)
                yield row


@dataclass(frozen=True)
class Sort(Command):
    """``sort``: missing values first, then texts, then numbers, or the other way round."""

    keys: Sequence[tuple[Expression, bool]]

    def run(self, rows: Iterable[Row]) -> Iterator[Row]:
        """Pass on the first 10,000 rows in order, which is what an answer has at most."""
        counted = enumerate(rows)
        ordered = heapq.nsmallest(_MOST_SORTED, counted, key=lambda item: (*self._key(item[1]), item[0]))
        return (row for _, row in ordered)

    def _key(self, row: Row) -> tuple["_Place", ...]:
        return tuple(_Place(key(row), descending) for key, descending in self.keys)


class _Place:
    """Where a value stands in an order."""

    def __init__(self, value: Value, descending: bool) -> None:
        found = number(value)
        self._descending = descending
        self._key = (0, 0.0, "") if value is None else (1, 0.0, text(value)) if found is None else (2, found, "")

    def __lt__(self, other: "_Place") -> bool:
        return other._key < self._key if self._descending else self._key < other._key

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Place) and self._key == other._key

    __hash__ = None  # type: ignore[assignment] # it is only compared


@dataclass(frozen=True)
class Parse(Command):
    """``parse``: new fields from the parts of a text."""

    source: Expression
    matcher: Matcher
    names: Sequence[str]

    @classmethod
    def of_glob(cls, source: Expression, pattern: str, names: Sequence[str]) -> Self:
        """Return the command for a pattern with ``*``, each of which is a field."""
        parts = pattern.split("*")
        if len(parts) - 1 != len(names):
            raise ValueError(f"parse has {len(parts) - 1} * and {len(names)} names")
        groups = ["(.*?)"] * len(names)
        if names and not parts[-1]:
            groups[-1] = "(.*)"
        glued = "".join(re.escape(part) + group for part, group in zip(parts, [*groups, ""], strict=True))
        return cls(source, Matcher(f"(?s){glued}"), names)

    @classmethod
    def of_expression(cls, source: Expression, pattern: str) -> Self:
        """Return the command for a regular expression with named groups."""
        matcher = Matcher(pattern)
        if not matcher.groups:
            raise ValueError(f"/{pattern}/ has no named group such as (?<user>...)")
        return cls(source, matcher, matcher.groups)

    def run(self, rows: Iterable[Row]) -> Iterator[Row]:
        """Add the fields to the rows that match."""
        for row in rows:
            found = self.matcher.find(text(self.source(row)))
            if found is None:
                yield row
            else:
                by_name = found.groupdict()
                parts = [by_name[name] for name in self.names] if by_name else found.groups()
                yield row.having(dict(zip(self.names, parts, strict=True)))

    def shown(self, before: Sequence[str]) -> Sequence[str]:
        """Return its fields as well."""
        return [*(before or _SHOWN), *self.names]


@dataclass(frozen=True)
class Stats(Command):
    """``stats``: one row for each group of rows."""

    aggregates: Sequence[tuple[str, Callable[[], Aggregate]]]
    by: Sequence[tuple[str, Expression]]

    def run(self, rows: Iterable[Row]) -> Iterator[Row]:
        """Pass on the groups."""
        groups: dict[tuple[str | None, ...], tuple[list[Value], list[Aggregate]]] = {}
        if not self.by:
            groups[()] = [], [make() for _, make in self.aggregates]
        for row in rows:
            values = [expression(row) for _, expression in self.by]
            key = tuple(None if value is None else text(value) for value in values)
            if key not in groups:
                if len(groups) >= _MOST_GROUPS:
                    raise TooMuchError(f"stats by more than {_MOST_GROUPS:,} groups")
                groups[key] = values, [make() for _, make in self.aggregates]
            for aggregate in groups[key][1]:
                aggregate.add(row)
        for values, aggregates in groups.values():
            named = dict(zip((name for name, _ in self.by), values, strict=True))
            results = zip((name for name, _ in self.aggregates), aggregates, strict=True)
            yield Row(named | {name: aggregate.result() for name, aggregate in results})

    def shown(self, _before: Sequence[str]) -> Sequence[str]:
        """Return what it groups by, and what it computes."""
        return [name for name, _ in [*self.by, *self.aggregates]]

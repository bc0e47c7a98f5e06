"""The SQLite file of metric data: a row for each metric, level and time, and another for the row's distribution.

A row whose values are all one, as most are, has no distribution: its minimum is all. A datum changes a row of the
finest level; `roll_up` moves rows to coarser levels when they have grown old, so that each value is in one row. What
`write` has returned from is there after kill -9.
"""

import json
import sqlite3
import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from localaws.ministack.cloudwatch.data.aggregate import Aggregate, together
from localaws.ministack.cloudwatch.data.distribution import Distribution, decoded, encoded
from localaws.ministack.cloudwatch.data.metric import Datum, Metric, Scope, Window
from localaws.ministack.cloudwatch.data.retention import Level, levels
from localaws.storage.sqlite_file import connect

_SCHEMA = """
CREATE TABLE IF NOT EXISTS metric (
    number INTEGER PRIMARY KEY, account TEXT NOT NULL, region TEXT NOT NULL, namespace TEXT NOT NULL,
    name TEXT NOT NULL, dimensions TEXT NOT NULL, unit TEXT NOT NULL, resolution INTEGER NOT NULL,
    UNIQUE (account, region, namespace, name, dimensions, unit, resolution)
);
CREATE TABLE IF NOT EXISTS point (
    metric INTEGER NOT NULL, level INTEGER NOT NULL, time INTEGER NOT NULL,
    count REAL NOT NULL, sum REAL NOT NULL, minimum REAL NOT NULL, maximum REAL NOT NULL, known INTEGER NOT NULL,
    PRIMARY KEY (metric, level, time)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS distribution (
    metric INTEGER NOT NULL, level INTEGER NOT NULL, time INTEGER NOT NULL, content BLOB NOT NULL,
    PRIMARY KEY (metric, level, time)
) WITHOUT ROWID;
"""
# A write of a thousand metrics changes as many pages: they stay in memory (4 MB), and in the log (16 MB) for a while.
_SETTINGS = "PRAGMA cache_size = -4000; PRAGMA wal_autocheckpoint = 4000;"
_NEW_POINT = "INSERT OR IGNORE INTO point VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
_PUT_POINT = "INSERT OR REPLACE INTO point VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
_PUT_DISTRIBUTION = "INSERT OR REPLACE INTO distribution VALUES (?, ?, ?, ?)"
_ROWS = (
    "SELECT time, count, sum, minimum, maximum, known, content FROM point"
    " LEFT JOIN distribution USING (metric, level, time) WHERE metric = ? AND level = ? AND time >= ? AND time < ?"
)
_SUMS = (
    "SELECT (time - ?) / ? AS number, sum(count), sum(sum), min(minimum), max(maximum) FROM point"
    " WHERE metric = ? AND level = ? AND time >= ? AND time < ? GROUP BY number"
)
_PUT_METRIC = (
    "INSERT OR IGNORE INTO metric (account, region, namespace, name, dimensions, unit, resolution)"
    " VALUES (?, ?, ?, ?, ?, ?, ?)"
)
_NUMBER = (
    "SELECT number FROM metric"
    " WHERE (account, region, namespace, name, dimensions, unit, resolution) = (?, ?, ?, ?, ?, ?, ?)"
)
_OF_NAME = (
    "SELECT number, unit, resolution FROM metric"
    " WHERE account = ? AND region = ? AND namespace = ? AND name = ? AND dimensions = ?"
)
_NAMES = (
    "SELECT DISTINCT namespace, name, dimensions FROM metric"
    " WHERE account = ? AND region = ? AND (namespace, name, dimensions) > (?, ?, ?) AND ("
    "  EXISTS (SELECT 1 FROM point WHERE metric = number AND level = 0 AND time >= ?)"
    "  OR EXISTS (SELECT 1 FROM point WHERE metric = number AND level = 1 AND time >= ?)"
    ") AND namespace = ifnull(?, namespace) AND name = ifnull(?, name) ORDER BY namespace, name, dimensions"
)
_HAS_OLD = "SELECT 1 FROM point WHERE metric = ? AND level = ? AND time < ? LIMIT 1"
_FORGET_OLD = (
    "DELETE FROM point WHERE metric = ? AND level = ? AND time < ?",
    "DELETE FROM distribution WHERE metric = ? AND level = ? AND time < ?",
)
_FORGET_DISTRIBUTION = "DELETE FROM distribution WHERE metric = ? AND level = ? AND time = ?"
_FORGET_EMPTY = "DELETE FROM metric WHERE number = ? AND NOT EXISTS (SELECT 1 FROM point WHERE metric = number)"
_FORGET_ALL = "DELETE FROM metric; DELETE FROM point; DELETE FROM distribution;"
_MOST_KNOWN_METRICS = 20_000
_MINUTE = 60_000

Row = tuple[int, int, int]
"""A metric's number, a level's and a time in milliseconds."""


class MetricStore:
    """Metric data in a file. One thread writes; any reads.

    Parameters
    ----------
    path : Path
    scale : float, default=1
        What a second of an alarm's period takes here: see `levels`. Below one, every metric has a high resolution.
    """

    def __init__(self, path: Path, scale: float = 1.0) -> None:
        self._path, self._levels, self._fine = path, levels(scale), scale < 1
        self._local = threading.local()
        self._numbers: dict[tuple[Metric, str, int], int] = {}
        self._connection.executescript(_SCHEMA)

    @property
    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = connect(self._path, shared=False)
            connection.executescript(_SETTINGS)
        return connection

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            self._numbers.clear()
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise

    def write(self, data: Iterable[Datum]) -> None:
        """Add data, all or none of them."""
        level = self._levels[0]
        with self._transaction():
            news: defaultdict[Row, list[Aggregate]] = defaultdict(list)
            for datum in data:
                time = datum.milliseconds // level.milliseconds * level.milliseconds
                news[self._number(datum), level.number, time].append(datum.aggregate)
            self._add(news, level)

    def _add(self, news: Mapping[Row, Sequence[Aggregate]], level: Level) -> None:
        """Add aggregates to rows of a level."""
        connection = self._connection
        for row, parts in news.items():
            whole = together(parts)
            if not connection.execute(_NEW_POINT, (*row, *_numbers(whole))).rowcount:
                [(_, there)] = self._rows(*row, row[2] + 1)
                whole = together([there, *parts])
                connection.execute(_PUT_POINT, (*row, *_numbers(whole)))
                if whole.values is None:
                    connection.execute(_FORGET_DISTRIBUTION, row)
            if whole.values is not None and len(whole.values) > 1:
                connection.execute(_PUT_DISTRIBUTION, (*row, encoded(whole.values, level.most_values)))

    def _number(self, datum: Datum) -> int:
        metric, resolution = datum.metric, 1 if self._fine else datum.resolution
        key = (metric, datum.unit, resolution)
        if (number := self._numbers.get(key)) is None:
            scope = metric.scope
            row = (scope.account_id, scope.region, metric.namespace, metric.name, _text(metric), datum.unit, resolution)
            self._connection.execute(_PUT_METRIC, row)
            [(number,)] = self._connection.execute(_NUMBER, row)
            if len(self._numbers) >= _MOST_KNOWN_METRICS:
                self._numbers.clear()
            self._numbers[key] = number
        return number

    def read(
        self, metric: Metric, window: Window, *, unit: str | None = None, values: bool, sliding: bool = False
    ) -> dict[str, dict[int, Aggregate]]:
        """Return what is known of a metric, by unit and by the number of the period in the window.

        Parameters
        ----------
        metric : Metric
        window : Window
        unit : str or None
            Data of this unit alone.
        values : bool
            With distributions, which takes longer.
        sliding : bool, default=False
            Whether the periods may begin and end anywhere, as those of alarms do here. Otherwise periods below a
            minute are for metrics of high resolution.
        """
        found: dict[str, dict[int, list[Aggregate]]] = {}
        for number, its_unit, resolution in self._of(metric):
            if (unit and unit != its_unit) or (window.period < _MINUTE and resolution > 1 and not sliding):
                continue
            periods = found.setdefault(its_unit, defaultdict(list))
            for level in self._levels:
                if level.number == 0 or window.period % level.milliseconds == 0:
                    for period, aggregate in self._periods(number, level, window, values):
                        periods[period].append(aggregate)
        return {its_unit: {n: together(parts) for n, parts in periods.items()} for its_unit, periods in found.items()}

    def _of(self, metric: Metric) -> list[tuple[int, str, int]]:
        scope = metric.scope
        name = (scope.account_id, scope.region, metric.namespace, metric.name, _text(metric))
        return self._connection.execute(_OF_NAME, name).fetchall()

    def _periods(self, number: int, level: Level, window: Window, values: bool) -> Iterator[tuple[int, Aggregate]]:
        if values:
            for time, aggregate in self._rows(number, level.number, window.start, window.end):
                yield (time - window.start) // window.period, aggregate
            return
        where = (window.start, window.period, number, level.number, window.start, window.end)
        for period, *sums in self._connection.execute(_SUMS, where):
            yield period, Aggregate(*sums)

    def _rows(self, number: int, level: int, start: int, end: int) -> list[tuple[int, Aggregate]]:
        return [
            (time, Aggregate(count, total, least, most, _values(count, least, most, known, content)))
            for time, count, total, least, most, known, content in self._connection.execute(
                _ROWS, (number, level, start, end)
            )
        ]

    def names(
        self,
        scope: Scope,
        *,
        since: int,
        namespace: str | None = None,
        name: str | None = None,
        after: Sequence[str] = ("", "", ""),
    ) -> Iterator[Metric]:
        """Yield the metrics that have data since a time, in the order of namespace, name and dimensions.

        Parameters
        ----------
        scope : Scope
        since : int
            In milliseconds since the epoch.
        namespace, name : str or None
            Only these.
        after : sequence of str
            Namespace, name and dimensions, as JSON, of a metric: begin behind it.
        """
        recent = (since, since // _MINUTE * _MINUTE)
        rows = self._connection.execute(_NAMES, (scope.account_id, scope.region, *after, *recent, namespace, name))
        for its_namespace, its_name, dimensions in rows:
            yield Metric(scope, its_namespace, its_name, tuple(map(tuple, json.loads(dimensions))))

    def numbers(self) -> list[int]:
        """Return the numbers of all metrics, for `roll_up`."""
        return [number for (number,) in self._connection.execute("SELECT number FROM metric")]

    def roll_up(self, number: int, now: float) -> None:
        """Move a metric's old rows to coarser levels, and those past the last away; all or nothing.

        Parameters
        ----------
        number : int
        now : float
            Seconds since the epoch.
        """
        for level, above in zip(self._levels, (*self._levels[1:], None), strict=True):
            size = (above or level).milliseconds
            limit = int((now - level.lasting) * 1000) // size * size
            old = (number, level.number, limit)
            if not self._connection.execute(_HAS_OLD, old).fetchone():
                continue
            with self._transaction():
                if above:
                    self._move(number, level, above, limit)
                for forget in _FORGET_OLD:
                    self._connection.execute(forget, old)
        if self._connection.execute(_FORGET_EMPTY, (number,)).rowcount:
            self._numbers.clear()

    def _move(self, number: int, level: Level, above: Level, limit: int) -> None:
        news: defaultdict[Row, list[Aggregate]] = defaultdict(list)
        for time, aggregate in self._rows(number, level.number, 0, limit):
            news[number, above.number, time // above.milliseconds * above.milliseconds].append(aggregate)
        self._add(news, above)

    def clear(self) -> None:
        """Forget everything."""
        self._connection.executescript(f"BEGIN IMMEDIATE; {_FORGET_ALL} COMMIT;")
        self._numbers.clear()


def _numbers(whole: Aggregate) -> tuple[float, ...]:
    return whole.count, whole.sum, whole.minimum, whole.maximum, whole.values is not None


def _values(count: float, least: float, most: float, known: int, content: bytes | None) -> Distribution | None:
    if not known:
        return None
    if content is None:
        return {least: count}
    return {min(max(value, least), most): many for value, many in decoded(content).items()}


def _text(metric: Metric) -> str:
    return json.dumps(metric.dimensions, separators=(",", ":"))

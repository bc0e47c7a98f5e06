"""GetMetricData: a statistic of each of many metrics, and what expressions make of them, a page at a time.

The queries are worked out one after the other, until a page has as many datapoints as were asked for: a page costs
what it shows. A token says with which query, and behind how many of its datapoints, the next page begins.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from localaws.api_errors import ValidationError
from localaws.document import Document
from localaws.ministack.cloudwatch import metric_math
from localaws.ministack.cloudwatch.data.aggregate import together
from localaws.ministack.cloudwatch.data.errors import InvalidNextToken
from localaws.ministack.cloudwatch.data.metric import Metric, Scope, Window
from localaws.ministack.cloudwatch.data.request import metric_of, periods_in, statistics_of, window_of
from localaws.ministack.cloudwatch.data.store import MetricStore
from localaws.ministack.cloudwatch.data.token import read_token, token

MOST_QUERIES, MOST_DATAPOINTS = 500, 100_800
_ID = re.compile(r"[a-z][a-zA-Z0-9_]*")
_LEAST_DATAPOINTS = 1

Series = dict[int, float]
"""Values by time, in milliseconds."""


def get_metric_data(store: MetricStore, scope: Scope, members: Document, now: float) -> Document:
    """Answer GetMetricData.

    Parameters
    ----------
    store : MetricStore
    scope : Scope
    members : dict
    now : float
        Seconds since the epoch.
    """
    _check(scope, members)
    return _Pages(_Queries(store, scope, members, now), members).page()


def _check(scope: Scope, members: Document) -> None:
    queries = members["MetricDataQueries"]
    if not 1 <= len(queries) <= MOST_QUERIES:
        raise ValidationError(f"The collection MetricDataQueries must have a size from 1 to {MOST_QUERIES}.")
    names = [query["Id"] for query in queries]
    for number, query in enumerate(queries, start=1):
        path = f"MetricDataQueries.member.{number}"
        if not _ID.fullmatch(query["Id"]):
            raise ValidationError(
                f"The value {query['Id']} for parameter {path}.Id is not matching the expected pattern."
            )
        if names.count(query["Id"]) > 1:
            raise ValidationError(f"The values for parameter id in MetricDataQueries are not unique: {query['Id']}.")
        if ("Expression" in query) == ("MetricStat" in query):
            raise ValidationError(
                f"Exactly one of the parameters {path}.Expression and {path}.MetricStat must be given."
            )
        if query.get("AccountId", scope.account_id) != scope.account_id:
            raise ValidationError(f"Local AWS links no accounts: {path}.AccountId is another account's.")
        if "${" in query.get("Label", ""):
            raise ValidationError(f"Local AWS has no dynamic labels: {path}.Label is {query['Label']}.")
        for name in ("Namespace", "MetricName"):
            if "MetricStat" in query and not query["MetricStat"]["Metric"].get(name):
                raise ValidationError(f"The parameter {path}.MetricStat.Metric.{name} is required.")


@dataclass
class _Queries:
    """The queries of a request, worked out when they are asked for.

    Attributes
    ----------
    store : MetricStore
    scope : Scope
    members : dict
    now : float
    """

    store: MetricStore
    scope: Scope
    members: Document
    now: float
    _known: dict[tuple[str, int], Series] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.by_id = {query["Id"]: query for query in self.members["MetricDataQueries"]}
        for name, query in self.by_id.items():  # a mistake in the last is one of the first page, too
            self._window(self._period(name))
            if "MetricStat" in query:
                statistics_of([query["MetricStat"]["Stat"]], ValidationError)
            else:
                metrics = [metric for metric, each in self.by_id.items() if "MetricStat" in each]
                self._value(list(self.by_id.values()), name, dict.fromkeys(metrics, 1.0))

    def series(self, name: str) -> Series:
        """Return the values of a query."""
        return self._expression(name) if "Expression" in self.by_id[name] else self._of_metric(name, self._period(name))

    def _period(self, name: str) -> int:
        """Return the period of a query; that of an expression is the longest of the metrics that are in it."""
        query = self.by_id[name]
        if "MetricStat" in query:
            return int(query["MetricStat"]["Period"])
        own = [int(query["Period"])] if "Period" in query else []
        used = [self._period(metric) for metric in self._used(name)]
        return max([*own, *used], default=60)

    def _used(self, name: str) -> list[str]:
        try:
            return metric_math.metrics_in(list(self.by_id.values()), name)
        except metric_math.MathError as error:
            raise ValidationError(f"Error in expression '{name}': {error}") from error

    def _window(self, period: int) -> Window:
        return window_of(self.members, period, self.now, ValidationError, "MetricStat.Period")

    def _of_metric(self, name: str, period: int) -> Series:
        if (name, period) not in self._known:
            self._known[name, period] = self._read(self.by_id[name]["MetricStat"], self._window(period))
        return self._known[name, period]

    def _read(self, asked: Document, window: Window) -> Series:
        [statistic] = statistics_of([asked["Stat"]], ValidationError).values()
        metric: Metric = metric_of(self.scope, asked["Metric"])
        by_unit = self.store.read(metric, window, unit=asked.get("Unit"), values=not statistic.basic)
        numbers = sorted({number for periods in by_unit.values() for number in periods})
        values = {
            number: statistic.of(together(periods[number] for periods in by_unit.values() if number in periods))
            for number in numbers
        }
        return {window.start + n * window.period: value for n, value in values.items() if value is not None}

    def _expression(self, name: str) -> Series:
        window, queries = self._window(self._period(name)), list(self.by_id.values())
        inputs = {metric: self._of_metric(metric, window.period // 1000) for metric in self._used(name)}
        found: Series = {}
        for time in self._times(name, window, inputs):
            values = {metric: series.get(time) for metric, series in inputs.items()}
            if (value := self._value(queries, name, values)) is not None:
                found[time] = value
        return found

    def _value(self, queries: list[Document], name: str, values: Mapping[str, float | None]) -> float | None:
        try:
            return metric_math.value_of(queries, name, values)
        except metric_math.MathError as error:
            raise ValidationError(f"Error in expression '{name}': {error}") from error

    def _times(self, name: str, window: Window, inputs: Mapping[str, Series]) -> Iterator[int]:
        """Yield the times at which an expression may have a value: where there are data, or, with FILL, all."""
        if not metric_math.fills(list(self.by_id.values()), name):
            yield from sorted({time for series in inputs.values() for time in series})
        elif (number := periods_in(window)) > MOST_DATAPOINTS:
            raise ValidationError(f"FILL in '{name}' would fill {number:,} periods: at most {MOST_DATAPOINTS:,}.")
        else:
            yield from range(window.start, window.end, window.period)


class _Pages:
    def __init__(self, queries: _Queries, members: Document) -> None:
        self._queries, self._members = queries, members
        self._asked = [name for name, query in queries.by_id.items() if query.get("ReturnData", True)]
        self._room = members.get("MaxDatapoints", MOST_DATAPOINTS)
        if not _LEAST_DATAPOINTS <= self._room <= MOST_DATAPOINTS:
            raise ValidationError(
                f"MaxDatapoints must be from {_LEAST_DATAPOINTS} to {MOST_DATAPOINTS:,}: {self._room}."
            )

    def page(self) -> Document:
        """Return a page of results."""
        first, shown = self._begin()
        results: list[Document] = []
        room = self._room
        for number in range(first, len(self._asked)):
            if not room:
                return {"MetricDataResults": results, "Messages": [], "NextToken": self._token(number, 0)}
            result, left = self._result(self._asked[number], shown if number == first else 0, room)
            results.append(result)
            room -= len(result["Values"])
            if left:
                return {"MetricDataResults": results, "Messages": [], "NextToken": self._token(number, left)}
        return {"MetricDataResults": results, "Messages": []}

    def _result(self, name: str, shown: int, room: int) -> tuple[Document, int]:
        """Return a query's result from some datapoint on, and how many of its datapoints are shown if not all."""
        series = self._queries.series(name)
        ascending = self._members.get("ScanBy") == "TimestampAscending"
        times = sorted(series, reverse=not ascending)
        page = times[shown : shown + room]
        left = shown + len(page) if shown + len(page) < len(times) else 0
        result = {
            "Id": name,
            "Label": self._label(name),
            "Timestamps": [time / 1000 for time in page],
            "Values": [series[time] for time in page],
            "StatusCode": "PartialData" if left else "Complete",
        }
        return result, left

    def _label(self, name: str) -> str:
        query = self._queries.by_id[name]
        named = query["MetricStat"]["Metric"]["MetricName"] if "MetricStat" in query else name
        return str(query.get("Label") or named)

    def _digest(self) -> str:
        asked = {name: value for name, value in self._members.items() if name not in ("NextToken", "MaxDatapoints")}
        return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:16]

    def _token(self, number: int, shown: int) -> str:
        return token([self._digest(), number, shown])

    def _begin(self) -> tuple[int, int]:
        if "NextToken" not in self._members:
            return 0, 0
        digest, number, shown = read_token(self._members["NextToken"], InvalidNextToken)
        if digest != self._digest():
            raise InvalidNextToken("The token is another request's.")
        return int(number), int(shown)

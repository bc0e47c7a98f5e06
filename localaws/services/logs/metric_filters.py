"""Metric filters: events that match a pattern become data of a metric.

The data of a second are one datum of `PutMetricData`, with each value and how often it was seen; the outbox sends them.
Where a filter has a default value, it is published for each minute in which its group got events and none matched.
"""

import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from localaws.api_errors import UnsupportedOperation
from localaws.document import Document
from localaws.service.context import Context
from localaws.services.logs.errors import InvalidParameter
from localaws.services.logs.event_file import Event, EventFile
from localaws.services.logs.follower import Follower
from localaws.services.logs.group_filters import GroupFilters
from localaws.services.logs.groups import KIND as GROUP_KIND
from localaws.services.logs.groups import Groups, milliseconds
from localaws.services.logs.patterns.operand import number
from localaws.services.logs.patterns.pattern import Pattern, parse
from localaws.storage.store import Query, Resource

KIND = "logs/metric-filter"
_MOST = 50
_MOST_OF_GROUP = 100
_MOST_DIMENSIONS = 3
# PutMetricData takes 150 values a datum and 1,000 data a call.
_MOST_VALUES, _MOST_DATA = 150, 500
_MINUTE_SECONDS = 60.0

Datum = tuple[str, tuple[tuple[str, str], ...], str, str, int]
"""Namespace, dimensions, metric, unit, second."""


class MetricFilters:
    """The metric filters of an account.

    Parameters
    ----------
    context : Context
    groups : Groups
    file : EventFile
    time_scale : float
        What a second of a minute takes.
    """

    def __init__(self, context: Context, groups: Groups, file: EventFile, time_scale: float) -> None:
        self._context, self._store, self._groups, self._file = context, context.store, groups, file
        self.follower = Follower("metric filters", context.store, file, self._owners, self._react)
        too_many = f"A log group has at most {_MOST_OF_GROUP} metric filters."
        self._filters = GroupFilters(
            KIND, "metric filter", _MOST_OF_GROUP, too_many, context.store, file, self.follower
        )
        self._minute = _MINUTE_SECONDS * time_scale
        # Of the current minute: whether a filter with a default value has matched, by its ARN.
        self._matched: dict[str, bool] = {}
        self._lock, self._closed = threading.Lock(), threading.Event()

    def start(self) -> None:
        """Begin to publish."""
        self.follower.start()
        threading.Thread(target=self._publish_defaults, name="logs defaults", daemon=True).start()

    def close(self) -> None:
        """End; what is not published yet is published after the next start."""
        self._closed.set()
        self.follower.close()

    def put(self, request: Document) -> Document:
        """Create or replace a filter (PutMetricFilter)."""
        for member in ("applyOnTransformedLogs", "fieldSelectionCriteria", "emitSystemFieldDimensions"):
            if request.get(member):
                raise UnsupportedOperation(f"{member} of PutMetricFilter is not supported by local AWS")
        group = self._groups.get(request["logGroupName"])
        parse(request["filterPattern"])
        [transformation] = request["metricTransformations"]
        _check(transformation)
        members = ("filterName", "filterPattern", "metricTransformations", "logGroupName")
        document = {**{name: request[name] for name in members}, "creationTime": milliseconds()}
        self._filters.put(group, request["filterName"], document)
        return {}

    def delete(self, request: Document) -> Document:
        """Delete a filter (DeleteMetricFilter)."""
        self._filters.delete(self._groups.get(request["logGroupName"]), request["filterName"])
        return {}

    def describe(self, request: Document) -> Document:
        """Return a page of filters (DescribeMetricFilters)."""
        name, namespace = request.get("metricName"), request.get("metricNamespace")
        if (name is None) != (namespace is None):
            raise InvalidParameter("metricName and metricNamespace have to be given together.")
        where: dict[str, Any] = {}
        if request.get("logGroupName"):
            where["parent = ?"] = self._groups.get(request["logGroupName"]).arn
        if prefix := request.get("filterNamePrefix"):
            where |= {"name >= ?": prefix, "name < ?": f"{prefix}\U0010ffff"}
        transformation = "json_extract(document, '$.metricTransformations[0].{}') = ?"
        if name is not None:
            where |= {transformation.format("metricName"): name, transformation.format("metricNamespace"): namespace}
        limit, token = request.get("limit") or _MOST, request.get("nextToken")
        found, after = self._store.page(Query(KIND, where, "name", descending=False, limit=limit, token=token))
        return {"metricFilters": [each.document for each in found], "nextToken": after}

    def test(self, request: Document) -> Document:
        """Try a pattern on some messages (TestMetricFilter)."""
        pattern = parse(request["filterPattern"])
        return {
            "matches": [
                {"eventNumber": number, "eventMessage": message, "extractedValues": pattern.values(message)}
                for number, message in enumerate(request["logEventMessages"], start=1)
                if pattern.matches(message)
            ]
        }

    def _owners(self) -> Sequence[str]:
        rows = self._store.rows(
            "SELECT json_extract(internal, '$.key') FROM resource WHERE kind = ? AND arn IN"
            " (SELECT parent FROM resource WHERE kind = ?)",
            GROUP_KIND,
            KIND,
        )
        return [row[0] for row in rows]

    def _react(self, events: Mapping[int, Sequence[Event]]) -> Any:
        """Return what gives the data of new events to the outbox."""
        found: dict[Datum, Counter[float]] = defaultdict(Counter)
        by_owner = {group.key: group for group in self._groups.every()}
        for number_of_stream, new in events.items():
            for stream in self._file.streams("number = ?", number_of_stream):
                group = by_owner.get(stream.owner)
                for each in self._store.every(KIND, parent=group.arn) if group else ():
                    self._count(each, new, found)
        calls = list(_calls(found))

        def put() -> None:
            for namespace, data in calls:
                self._context.outbox.data(namespace, data)

        return put

    def _count(self, metric_filter: Resource, events: Sequence[Event], found: dict[Datum, Counter[float]]) -> None:
        pattern = _pattern(metric_filter.document["filterPattern"])
        [transformation] = metric_filter.document["metricTransformations"]
        since, matched = metric_filter.internal["since"], False
        for event in events:
            if event.number > since and pattern.matches(event.message):
                matched = True
                value = _value(transformation["metricValue"], pattern, event.message)
                dimensions = _dimensions(transformation.get("dimensions", {}), pattern, event.message)
                if value is not None and dimensions is not None:
                    found[_datum(transformation, dimensions, event.timestamp // 1000)][value] += 1
        if "defaultValue" in transformation:
            with self._lock:
                self._matched[metric_filter.arn] = self._matched.get(metric_filter.arn, False) or matched

    def _publish_defaults(self) -> None:
        while not self._closed.wait(self._minute - time.time() % self._minute):
            with self._lock:
                matched, self._matched = self._matched, {}
            for arn in (arn for arn, did in matched.items() if not did):
                if (found := self._store.by_arn(arn)) is not None:
                    [transformation] = found.document["metricTransformations"]
                    datum = _datum(transformation, (), int(time.time()))
                    counted = {datum: Counter([float(transformation["defaultValue"])])}
                    for namespace, data in _calls(counted):
                        self._context.outbox.data(namespace, data)


@lru_cache(maxsize=1_000)
def _pattern(text: str) -> Pattern:
    return parse(text)


def _check(transformation: Document) -> None:
    value, dimensions = transformation["metricValue"], transformation.get("dimensions", {})
    if number(value) is None and not value.startswith("$"):
        raise InvalidParameter(f"Invalid metricValue '{value}': it is a number, or begins with $.")
    if len(dimensions) > _MOST_DIMENSIONS:
        raise InvalidParameter(f"A metric filter has at most {_MOST_DIMENSIONS} dimensions.")
    if dimensions and "defaultValue" in transformation:
        raise InvalidParameter("A metric filter with dimensions cannot have a defaultValue.")


def _value(text: str, pattern: Pattern, message: str) -> float | None:
    found = pattern.value(text, message) if text.startswith("$") else text
    return None if found is None else number(found)


def _dimensions(wanted: Mapping[str, str], pattern: Pattern, message: str) -> tuple[tuple[str, str], ...] | None:
    """Return the dimensions of an event; None if it lacks one: then there is no datum for it."""
    found = []
    for name, selector in wanted.items():
        value = pattern.value(selector, message) if selector.startswith("$") else selector
        if not value:
            return None
        found.append((name, value))
    return tuple(found)


def _datum(transformation: Document, dimensions: tuple[tuple[str, str], ...], second: int) -> Datum:
    names = (transformation["metricName"], transformation.get("unit", "None"))
    return (transformation["metricNamespace"], dimensions, *names, second)


def _calls(found: Mapping[Datum, Counter[float]]) -> Iterator[tuple[str, list[Document]]]:
    """Yield the namespaces and data of the calls of PutMetricData."""
    by_namespace: dict[str, list[Document]] = defaultdict(list)
    for (namespace, dimensions, name, unit, second), counts in found.items():
        values = list(counts.items())
        for start in range(0, len(values), _MOST_VALUES):
            part = values[start : start + _MOST_VALUES]
            by_namespace[namespace].append(
                {
                    "MetricName": name,
                    "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions],
                    "Unit": unit,
                    "Timestamp": second,
                    "Values": [value for value, _ in part],
                    "Counts": [float(count) for _, count in part],
                }
            )
    for namespace, data in by_namespace.items():
        for start in range(0, len(data), _MOST_DATA):
            yield namespace, data[start : start + _MOST_DATA]

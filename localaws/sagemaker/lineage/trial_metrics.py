"""The service ``sagemaker-metrics``: BatchPutMetrics, which `Run.log_metric` of the SDK calls, and BatchGetMetrics.

A metric belongs to a trial component. Its summary is in the component's document, where DescribeTrialComponent and
Search find it; its points are in `localaws.sagemaker.lineage.metric_points`. Both are written in one transaction.

What is wrong with one metric is an entry in the answer's ``Errors``; the others of the request are stored.

Source: the API reference of SageMaker Metrics, which names the codes of the errors and no limit. The times that are
accepted are those that the SDK allows (``sagemaker.core.experiments._metrics``), the values those of PutMetricData.
"""

import time
from collections.abc import Iterable, Mapping
from typing import Any

from localaws.document import Document
from localaws.sagemaker.lineage.experiments import COMPONENT
from localaws.sagemaker.lineage.metric_points import MetricPoints, Point, Span
from localaws.sagemaker.lineage.metric_summary import continued, summary
from localaws.service.context import Context
from localaws.service.service import Handler, Service
from localaws.storage.store import Resource

MOST_POINTS = 500_000
"""Of a trial component, in all its metrics."""
MOST_METRICS = 300
"""Of a trial component."""
MOST_VALUES = 10_000
"""Of one result of BatchGetMetrics."""

_INVALID, _TOO_MANY = "VALIDATION_ERROR", "METRIC_LIMIT_EXCEEDED"
_ITERATION = "IterationNumber"
_OLDEST_SECONDS, _NEWEST_SECONDS = 14 * 86_400, 2 * 3600
_LARGEST_VALUE = 2.0**360
_LARGEST_STEP = 2**31 - 1
# How SDKs write the doubles that JSON lacks (Smithy's JSON protocols).
_NOT_FINITE = ("NaN", "Infinity", "-Infinity")


class SageMakerMetrics(Service):
    """The metrics of one account's trial components.

    Parameters
    ----------
    context : Context
        Its store is that of the local SageMaker.
    """

    name = "sagemaker-metrics"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._store, self._points = context.store, MetricPoints(context.store)

    def handlers(self) -> Mapping[str, Handler]:
        """Return the supported operations."""
        return {"BatchPutMetrics": self._put, "BatchGetMetrics": self._get}

    def check(self, operation: str, request: Document) -> None:
        """Check a request; a value that is no finite number is its metric's error alone."""
        super().check(operation, _with_numbers(request))

    def recover(self) -> None:
        """Do nothing: what is stored is whole."""

    def close(self) -> None:
        """Do nothing: nothing runs."""

    def _put(self, request: Document) -> Document:
        arn = self.context.arn("sagemaker", f"{COMPONENT}/{request['TrialComponentName']}")
        with self._store.transaction():
            component = self._store.by_arn(arn)
            data = request["MetricData"]
            codes = [_INVALID] * len(data) if component is None else self._keep(component, data)
        return {"Errors": [{"Code": code, "MetricIndex": index} for index, code in enumerate(codes) if code]}

    def _keep(self, component: Resource, data: Iterable[Document]) -> list[str]:
        """Store what is valid and within the limits; return an error's code, or nothing, for each metric."""
        known = component.document.get("Metrics") or []
        # A job's own metrics have the job as their source.
        others = [each for each in known if each["SourceArn"] != component.arn]
        own = {each["MetricName"]: each for each in known if each["SourceArn"] == component.arn}
        count, now = sum(each["Count"] for each in own.values()), time.time()
        codes: list[str] = []
        points: list[Point] = []
        for datum in data:
            name = datum["MetricName"]
            is_new = name not in own
            if _is_invalid(datum, now):
                codes.append(_INVALID)
            elif count + len(points) >= MOST_POINTS or (is_new and len(own) >= MOST_METRICS):
                codes.append(_TOO_MANY)
            else:
                point = Point(name, float(datum["Timestamp"]), float(datum["Value"]), datum.get("Step"))
                first = (name, component.arn, point.value, point.seconds)
                own[name] = summary(*first) if is_new else continued(own[name], point.value, point.seconds)
                points.append(point)
                codes.append("")

        def edit(document: Document, _: Document) -> None:
            document["Metrics"] = [*others, *own.values()]

        if points:
            self._points.add(component.number, points)
            self._store.change(component.arn, edit)
        return codes

    def _get(self, request: Document) -> Document:
        return {"MetricQueryResults": [self._result(query) for query in request["MetricQueries"]]}

    def _result(self, query: Document) -> Document:
        component = self._store.by_arn(query["ResourceArn"])
        if component is None or component.kind != COMPONENT:
            return _refused(f"ResourceArn is not of a trial component: {query['ResourceArn'][:200]}")
        if (query["Period"] == _ITERATION) != (query["XAxisType"] == _ITERATION):
            return _refused(f"XAxisType {query['XAxisType']} does not go with Period {query['Period']}")
        limits = {name.lower(): float(query[name]) for name in ("Start", "End") if query.get(name) is not None}
        found = self._points.statistic(
            component.number, Span(query["MetricName"], query["Period"], **limits), query["MetricStat"]
        )
        shown = found[:MOST_VALUES]
        return {
            "Status": "Complete" if len(shown) == len(found) else "Truncated",
            "XAxisValues": [begin for begin, _ in shown],
            "MetricValues": [value for _, value in shown],
        }


def _is_invalid(datum: Document, now: float) -> bool:
    seconds, value, step = datum["Timestamp"], float(datum["Value"]), datum.get("Step") or 0
    return (
        isinstance(seconds, str)
        or not now - _OLDEST_SECONDS <= seconds <= now + _NEWEST_SECONDS
        or not abs(value) <= _LARGEST_VALUE
        or step > _LARGEST_STEP
    )


def _refused(message: str) -> Document:
    return {"Status": "ValidationError", "Message": message, "XAxisValues": [], "MetricValues": []}


def _with_numbers(request: Document) -> Document:
    """Return a request with a number in the place of each value that JSON has no number for."""
    data = request.get("MetricData")
    return {**request, "MetricData": [_with_number(datum) for datum in data]} if isinstance(data, list) else request


def _with_number(datum: Any) -> Any:
    return {**datum, "Value": 0.0} if isinstance(datum, dict) and datum.get("Value") in _NOT_FINITE else datum

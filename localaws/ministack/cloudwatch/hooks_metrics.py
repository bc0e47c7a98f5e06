"""CloudWatch: metrics that are written without a request, told apart, and forgotten at little cost."""

import importlib
import time
from collections.abc import Callable, Mapping
from typing import Any

from localaws.ministack.private import private


def datum_writer() -> Callable[[str, Mapping[str, Any]], None]:
    """Return a function that keeps a datum of PutMetricData in a namespace, without a request; for the event loop.

    It uses ``ministack.services.cloudwatch._store_datum``, which keeps it, and ``_dims_from_list``, which reads its
    dimensions.
    """
    store = private("ministack.services.cloudwatch", "_store_datum")
    dimensions = private("ministack.services.cloudwatch", "_dims_from_list")

    def publish(namespace: str, datum: Mapping[str, Any]) -> None:
        named, moment, values = dimensions(datum["Dimensions"]), datum["Timestamp"], datum["Values"]
        store(namespace, datum["MetricName"], named, moment, datum["Unit"], None, values, datum["Counts"], None)

    return publish


# MiniStack forgets after two weeks, and looks for what is so old at each request, through all that it knows.
_OLD_METRICS_LOOKED_FOR_SECONDS = 60.0


def throttle_metric_eviction() -> None:
    """Evict old metrics once a minute, not at every request.

    Hook ``ministack.services.cloudwatch._evict_old_metrics``, which every request calls.
    """
    cloudwatch: Any = importlib.import_module("ministack.services.cloudwatch")
    evict = private(cloudwatch.__name__, "_evict_old_metrics")
    due = 0.0

    def evict_when_due() -> None:
        nonlocal due
        if time.monotonic() >= due:
            due = time.monotonic() + _OLD_METRICS_LOOKED_FOR_SECONDS
            evict()

    cloudwatch._evict_old_metrics = evict_when_due


class _Dimensions(dict[str, str]):
    """Dimensions that are asked for: true even when they are none, as that is a condition as well."""

    def __bool__(self) -> bool:
        return True


def match_empty_dimensions() -> None:
    """Return a metric without dimensions where it is asked for, and not the sum of those with some.

    Hook ``ministack.services.cloudwatch._dims_from_list``, by which GetMetricData and GetMetricStatistics read the
    dimensions that they are asked for; they take an empty dictionary for no condition.
    """
    cloudwatch: Any = importlib.import_module("ministack.services.cloudwatch")
    read = private(cloudwatch.__name__, "_dims_from_list")
    cloudwatch._dims_from_list = lambda dimensions: _Dimensions(read(dimensions))

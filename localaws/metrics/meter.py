"""Counts in memory what is published to CloudWatch.

One datum of a metric and second carries all values that it had, each with its count, so that sums, averages and
percentiles come out as if every value had been sent by itself. Values are exact while they are few; else they are
rounded until they are few.
"""

import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping

from localaws.document import Document
from localaws.metrics.namespace import Dimensions, Namespace

Key = tuple[Namespace, Dimensions, str]
Counts = dict[Key, Counter[float]]

MOST_VALUES = 150
"""Different values that CloudWatch takes in a datum."""


class Meter:
    """Counts values until they are taken; from any thread.

    Parameters
    ----------
    most_values : int, default=150
        How many different values a datum may have.
    """

    def __init__(self, most_values: int = MOST_VALUES) -> None:
        self._most_values = most_values
        self._lock = threading.Lock()
        self._counts: Counts = {}

    def add(self, namespace: Namespace, dimensions: Dimensions, values: Mapping[str, float]) -> None:
        """Count a value of each of some metrics.

        Parameters
        ----------
        namespace : Namespace
        dimensions : tuple of (str, str)
        values : mapping of str to float
            By the metric's name.

        Raises
        ------
        LookupError
            The namespace has no such metric with these dimensions.
        """
        with self._lock:
            for metric, value in values.items():
                key = (namespace, dimensions, metric)
                counts = self._counts.get(key)
                if counts is None:
                    counts = self._counts[key] = _new_counter(key)
                counts[value] += 1

    def take(self) -> list[tuple[str, Document]]:
        """Return all that was counted since the last call: namespaces and data, as PutMetricData has them."""
        with self._lock:
            counts, self._counts = self._counts, {}
        return list(_data(counts, time.time(), self._most_values))


def _new_counter(key: Key) -> Counter[float]:
    namespace, dimensions, metric = key
    names = [name for name, _ in dimensions]
    if not namespace.publishes(metric, names):
        raise LookupError(f"{namespace.name} has no metric {metric} by {names}: add it to its table")
    return Counter()


def _data(counts: Counts, now: float, most_values: int) -> Iterator[tuple[str, Document]]:
    for (namespace, dimensions, metric), values in counts.items():
        few = rounded(values, most_values)
        yield (
            namespace.name,
            {
                "MetricName": metric,
                "Dimensions": [{"Name": name, "Value": value} for name, value in dimensions],
                "Timestamp": now,
                "Values": list(few),
                "Counts": [float(count) for count in few.values()],
                "Unit": namespace.metrics[metric].unit,
                "StorageResolution": 1,
            },
        )


def rounded(values: Counter[float], most: int) -> Counter[float]:
    """Return the values with so little precision that there are few of them.

    Parameters
    ----------
    values : Counter
        How often each value was seen.
    most : int
        How many different values may be left.
    """
    digits = 6
    while len(values) > most:
        digits -= 1
        coarser: Counter[float] = Counter()
        for value, count in values.items():
            coarser[float(f"{value:.{digits}g}")] += count
        values = coarser
    return values

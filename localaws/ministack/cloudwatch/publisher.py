"""Hands what was counted to CloudWatch, once a second."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from localaws.metrics.meter import Meter
from localaws.ministack.sqs.metrics import QueueMetrics


class Publisher:
    """Looks at the queues, and publishes everything that was counted.

    Parameters
    ----------
    meter : Meter
    queues : QueueMetrics
    store : callable(namespace, datum)
        Takes a datum as PutMetricData has it.
    changed : callable()
        Is told that there is something to save.
    """

    def __init__(
        self,
        meter: Meter,
        queues: QueueMetrics,
        store: Callable[[str, Mapping[str, Any]], None],
        changed: Callable[[], None],
    ) -> None:
        self._meter, self._queues, self._store, self._changed = meter, queues, store, changed

    def publish(self) -> None:
        """Publish what was counted since the last call."""
        self._queues.look(time.time())
        taken = self._meter.take()
        for namespace, datum in taken:
            self._store(namespace, datum)
        if taken:
            self._changed()

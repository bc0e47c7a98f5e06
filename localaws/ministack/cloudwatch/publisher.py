"""Hands what was counted to CloudWatch, once a second."""

import time

from localaws.metrics.meter import Meter
from localaws.ministack.cloudwatch.data.datum import read
from localaws.ministack.cloudwatch.data.metric import Scope
from localaws.ministack.cloudwatch.data.recorder import Recorder
from localaws.ministack.sqs.metrics import QueueMetrics
from localaws.settings import ACCOUNT_ID, REGION


class Publisher:
    """Looks at the queues, and publishes everything that was counted.

    Parameters
    ----------
    meter : Meter
    queues : QueueMetrics
    recorder : Recorder
    """

    def __init__(self, meter: Meter, queues: QueueMetrics, recorder: Recorder) -> None:
        self._meter, self._queues, self._recorder = meter, queues, recorder

    async def publish(self) -> None:
        """Publish what was counted since the last call; return when it is kept."""
        self._queues.look(time.time())
        self._recorder.roll_up_when_due()
        if taken := self._meter.take():
            scope = Scope(ACCOUNT_ID, REGION)
            await self._recorder.write(
                lambda store: store.write(read(scope, namespace, datum) for namespace, datum in taken)
            )

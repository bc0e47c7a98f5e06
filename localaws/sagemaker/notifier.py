"""The EventBridge events and CloudWatch metrics that SageMaker would send, sent in the order in which they came up.

One thread sends them, so that no job waits for it; what cannot be delivered is said in the server's log. Forms after
AWS's "Events from Amazon SageMaker" guide: a job's event holds what its Describe operation answers.
"""

import json
import logging
import queue
import threading
from collections.abc import Sequence
from datetime import UTC, datetime

from botocore.exceptions import BotoCoreError, ClientError

from localaws.document import Document
from localaws.sagemaker.aws import Aws

logger = logging.getLogger(__name__)


class Notifier:
    """Sends events and metrics in the background.

    Parameters
    ----------
    aws : Aws
        Whose ``events`` and ``cloudwatch`` clients are used.
    """

    def __init__(self, aws: Aws) -> None:
        self._aws = aws
        self._queue: queue.Queue[tuple[str, Document] | None] = queue.Queue()
        self._thread = threading.Thread(target=self._send, name="notifier", daemon=True)
        self._thread.start()

    def event(self, detail_type: str, detail: Document, resources: Sequence[str]) -> None:
        """Send an event of the source ``aws.sagemaker``."""
        entry = {
            "Source": "aws.sagemaker",
            "DetailType": detail_type,
            "Detail": json.dumps(detail),
            "Resources": list(resources),
        }
        self._queue.put(("event", entry))

    def metrics(self, namespace: str, metrics: Sequence[Document], dimensions: dict[str, str]) -> None:
        """Send a job's metrics (``FinalMetricDataList``) to CloudWatch."""
        if metrics:
            data = [
                {
                    "MetricName": metric["MetricName"],
                    "Value": metric["Value"],
                    "Timestamp": datetime.fromtimestamp(metric["Timestamp"], UTC),
                    "Dimensions": [{"Name": name, "Value": value} for name, value in dimensions.items()],
                }
                for metric in metrics
            ]
            self._queue.put(("metrics", {"Namespace": namespace, "MetricData": data}))

    def close(self, seconds: float = 5.0) -> None:
        """Send what waits, for so long at most."""
        self._queue.put(None)
        self._thread.join(seconds)

    def _send(self) -> None:
        while (item := self._queue.get()) is not None:
            what, content = item
            try:
                if what == "event":
                    answer = self._aws.client("events").put_events(Entries=[content])
                    if answer["FailedEntryCount"]:
                        logger.warning("EventBridge refused %s: %s", content["DetailType"], answer["Entries"])
                else:
                    self._aws.client("cloudwatch").put_metric_data(**content)
            except (ClientError, BotoCoreError) as error:
                logger.warning("Could not send %s: %s", what, error)

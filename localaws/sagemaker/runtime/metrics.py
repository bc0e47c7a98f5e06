"""The CloudWatch metrics of endpoints: counted in memory on the event loop, sent once a second by a thread.

Names, units and dimensions are those of "Amazon SageMaker AI endpoint invocation metrics" in the SageMaker Developer
Guide. What an invocation counts is counted a second time with the dimension EndpointConfigName, by which an alarm
watches one fleet of a deployment and not the other: "Auto-Rollback Configuration and Monitoring", same guide.
"""

import logging
import threading
from collections import deque

from botocore.exceptions import BotoCoreError, ClientError

from localaws.document import Document
from localaws.metrics.meter import Meter
from localaws.metrics.namespace import Dimensions, Metric, Namespace
from localaws.sagemaker.aws import SageMakerAws
from localaws.sagemaker.runtime.errors import ModelError
from localaws.sagemaker.runtime.invocation import Invocation

logger = logging.getLogger(__name__)

_INTERVAL_SECONDS = 1.0
_OF_INVOCATIONS = {
    "Invocations": "None",
    "InvocationsPerInstance": "None",
    "Invocation4XXErrors": "None",
    "Invocation5XXErrors": "None",
    "InvocationModelErrors": "None",
    "ModelLatency": "Microseconds",
    "OverheadLatency": "Microseconds",
}
_OF_VARIANTS = {
    "ConcurrentRequestsPerModel": "Count",
    "RequestDownloadFailures": "Count",
    "ResponseUploadFailures": "Count",
    "NotificationFailures": "Count",
    "ExpiredRequests": "Count",
    "InvocationFailures": "Count",
    "InvocationsProcessed": "Count",
    "RequestDownloadLatency": "Microseconds",
    "ResponseUploadLatency": "Microseconds",
    "TimeInBacklog": "Microseconds",
    "TotalProcessingTime": "Milliseconds",
    "ModelCacheHit": "None",
    "ModelDownloadingTime": "Microseconds",
    "ModelLoadingTime": "Microseconds",
    "ModelLoadingWaitTime": "Microseconds",
    "ModelUnloadingTime": "Microseconds",
}
_OF_ENDPOINTS = {
    "ApproximateBacklogSize": "Count",
    "ApproximateBacklogSizePerInstance": "Count",
    "ApproximateAgeOfOldestRequest": "Seconds",
    "HasBacklogWithoutCapacity": "Count",
}
_VARIANT = ("EndpointName", "VariantName")
_FLEET = (*_VARIANT, "EndpointConfigName")
SAGEMAKER = Namespace(
    "AWS/SageMaker",
    {
        **{name: Metric(unit, (_VARIANT, _FLEET)) for name, unit in _OF_INVOCATIONS.items()},
        **{name: Metric(unit, (_VARIANT,)) for name, unit in _OF_VARIANTS.items()},
        **{name: Metric(unit, (("EndpointName",),)) for name, unit in _OF_ENDPOINTS.items()},
    },
)
_DATA_PER_CALL = 500
_SECONDS_KEPT = 300


class EndpointMetrics:
    """Counts what happens at endpoints, and sends it to CloudWatch.

    Parameters
    ----------
    aws : SageMakerAws
    """

    def __init__(self, aws: SageMakerAws) -> None:
        self._aws = aws
        self._meter = Meter()
        self._unsent: deque[list[Document]] = deque(maxlen=_SECONDS_KEPT)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._send_regularly, name="endpoint metrics", daemon=True)
        self._thread.start()

    def record(self, invocation: Invocation) -> None:
        """Count an invocation that reached a variant."""
        values = {
            "Invocations": 1.0,
            "InvocationsPerInstance": 1 / max(1, len(invocation.variant.instances)),
            "InvocationModelErrors": float(isinstance(invocation.fault, ModelError)),
            "OverheadLatency": float(round(invocation.overhead_seconds * 1e6)),
        }
        self._count(invocation, values | _model_values(invocation))
        if loading := invocation.answer.metrics:
            self.add(invocation.route.endpoint_name, invocation.variant.name, loading)

    def record_model(self, invocation: Invocation) -> None:
        """Count what AWS counts of an asynchronous invocation, too: how long the model took, and what it answered."""
        self._count(invocation, _model_values(invocation))

    def add(self, endpoint_name: str, variant_name: str, values: Document) -> None:
        """Count one value for each of some metrics.

        Parameters
        ----------
        endpoint_name : str
        variant_name : str
            Empty for metrics of the endpoint as a whole.
        values : dict of str to float
        """
        self._meter.add(SAGEMAKER, _pairs(endpoint_name, variant_name), values)

    def close(self) -> None:
        """Send what is buffered; return when it is sent."""
        self._stop.set()
        self._thread.join()

    def _count(self, invocation: Invocation, values: Document) -> None:
        of_variant = _pairs(invocation.route.endpoint_name, invocation.variant.name)
        of_fleet = (*of_variant, ("EndpointConfigName", invocation.fleet.config_name))
        for pairs in (of_variant, of_fleet):
            self._meter.add(SAGEMAKER, pairs, values)

    def _send_regularly(self) -> None:
        while not self._stop.wait(_INTERVAL_SECONDS):
            self._send()
        self._send()

    def _send(self) -> None:
        if taken := self._meter.take():
            self._unsent.append([datum for _, datum in taken])
        try:
            while self._unsent:
                put(self._aws, SAGEMAKER.name, self._unsent[0])
                self._unsent.popleft()
        except (ClientError, BotoCoreError) as error:
            logger.warning("The metrics of endpoints could not be sent and will be retried: %s", error)


def _model_values(invocation: Invocation) -> dict[str, float]:
    status = invocation.answer.status
    return {
        "Invocation4XXErrors": float(400 <= status < 500),
        "Invocation5XXErrors": float(status >= 500 or status == 0),
        "ModelLatency": float(round(invocation.model_seconds * 1e6)),
    }


def put(aws: SageMakerAws, namespace: str, data: list[Document]) -> None:
    """Send data to CloudWatch, in as many calls as necessary."""
    for start in range(0, len(data), _DATA_PER_CALL):
        part = data[start : start + _DATA_PER_CALL]
        aws.client("cloudwatch").put_metric_data(Namespace=namespace, MetricData=part)


def dimensions(endpoint_name: str, variant_name: str) -> list[Document]:
    """Return the dimensions of a variant's metrics, or those of an endpoint."""
    return [{"Name": name, "Value": value} for name, value in _pairs(endpoint_name, variant_name)]


def _pairs(endpoint_name: str, variant_name: str) -> Dimensions:
    of_endpoint = ("EndpointName", endpoint_name)
    return (of_endpoint, ("VariantName", variant_name)) if variant_name else (of_endpoint,)

"""What CloudWatch knows of something, for tests; and all tables of what local AWS tells it."""

import time
from collections.abc import Callable
from functools import cache
from typing import Any

import boto3

from localaws.metrics.namespace import Namespace
from localaws.ministack.apigateway.reporter import API_GATEWAY
from localaws.ministack.awslambda.metrics import LAMBDA
from localaws.ministack.eventbridge.metrics import EVENTS
from localaws.ministack.sqs.metrics import SQS
from localaws.ministack.stepfunctions.reporter import STATES
from localaws.sagemaker.runtime.metrics import SAGEMAKER
from localaws.sagemaker.runtime.usage import ENDPOINT_USAGE
from tests.conftest import LocalAws

PUBLISHED: dict[str, Namespace] = {
    namespace.name: namespace for namespace in (API_GATEWAY, EVENTS, LAMBDA, SAGEMAKER, ENDPOINT_USAGE, SQS, STATES)
}


@cache
def _cloudwatch(port: int) -> Any:
    # A client takes longer to make than a test of numbers has.
    own = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
    return boto3.client("cloudwatch", endpoint_url=f"http://127.0.0.1:{port}", **own)


class Measured:
    """The metrics of a namespace with just these dimensions, in the last hours.

    Parameters
    ----------
    aws : LocalAws
    namespace : str
    **dimensions : str
    """

    def __init__(self, aws: LocalAws, namespace: str, **dimensions: str) -> None:
        self._cloudwatch, self._namespace = _cloudwatch(aws.port), namespace
        self._dimensions = [{"Name": name, "Value": value} for name, value in dimensions.items()]

    def sum(self, metric: str) -> float:
        """Of all values; 0 when there are none."""
        return float(self._points(metric).get("Sum", 0.0))

    def maximum(self, metric: str) -> float | None:
        """The greatest value; None when there is none."""
        return self._points(metric).get("Maximum")

    def unit(self, metric: str) -> str | None:
        """CloudWatch's word for it."""
        return self._points(metric).get("Unit")

    def _points(self, metric: str) -> dict[str, Any]:
        now = time.time()
        found: list[dict[str, Any]] = self._cloudwatch.get_metric_statistics(
            Namespace=self._namespace,
            MetricName=metric,
            Dimensions=self._dimensions,
            StartTime=now - 3 * 86_400,
            EndTime=now + 60,
            # Longer than a test's hours, so that it is one point.
            Period=86_400 * 365,
            Statistics=["Sum", "Maximum"],
        )["Datapoints"]
        return found[0] if found else {}


def until_counted(condition: Callable[[], bool], seconds: float = 60) -> None:
    """Wait until it is so: what happens is counted at once and published within a second."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "not counted"
        time.sleep(0.05)

"""What is seen of invocations: metrics, and captured data."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from tests.localaws.sagemaker.hosting.conftest import Endpoints

JSON = {"JsonContentTypes": ["application/json"], "CsvContentTypes": ["text/csv"]}


class Watch:
    """The metrics of one variant, or of an endpoint as a whole."""

    def __init__(self, local_aws, endpoint_name, variant_name="AllTraffic"):
        self._cloudwatch = local_aws.client("cloudwatch")
        self._dimensions = [{"Name": "EndpointName", "Value": endpoint_name}]
        self._dimensions += [{"Name": "VariantName", "Value": variant_name}] if variant_name else []

    def statistic(self, metric, statistic, namespace="AWS/SageMaker"):
        now = datetime.now(UTC)
        extended = statistic.startswith("p")
        points = self._cloudwatch.get_metric_statistics(
            Namespace=namespace,
            MetricName=metric,
            Dimensions=self._dimensions,
            StartTime=now - timedelta(minutes=10),
            EndTime=now + timedelta(minutes=10),
            Period=3600,
            **({"ExtendedStatistics": [statistic]} if extended else {"Statistics": [statistic]}),
        )["Datapoints"]
        return sum(point["ExtendedStatistics"][statistic] if extended else point[statistic] for point in points)


def config(bucket, percentage=100, modes=("Input", "Output"), **members):
    return {
        "EnableCapture": True,
        "InitialSamplingPercentage": percentage,
        "DestinationS3Uri": f"s3://{bucket}/captured",
        "CaptureOptions": [{"CaptureMode": mode} for mode in modes],
        "CaptureContentTypeHeader": JSON,
        **members,
    }


def captured(endpoints: Endpoints) -> Iterator[dict]:
    for key in endpoints.bench.keys("captured/"):
        for line in endpoints.bench.read(f"s3://{endpoints.bench.bucket}/{key}").splitlines():
            yield json.loads(line)

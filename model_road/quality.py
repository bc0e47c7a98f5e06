"""The metrics of a model package's evaluation: SageMaker's model-quality report, read from S3."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit


def metrics(report: Any) -> dict[str, float]:
    """Read the metrics of a report in SageMaker's model-quality shape: {"..._metrics": {name: {"value": x}}}.

    Any other shape gives none.
    """
    groups = report.values() if isinstance(report, dict) else ()
    return {
        name: metric["value"]
        for group in groups
        if isinstance(group, dict)
        for name, metric in group.items()
        if isinstance(metric, dict) and isinstance(metric.get("value"), int | float)
    }


def statistics_uri(package: Mapping[str, Any]) -> str | None:
    """Say where the evaluation of a model package (as DescribeModelPackage gives it) lies, if it has one."""
    statistics = package.get("ModelMetrics", {}).get("ModelQuality", {}).get("Statistics", {})
    uri: str | None = statistics.get("S3Uri")
    return uri


def package_metrics(s3_client: Any, package: Mapping[str, Any]) -> dict[str, float]:
    """Read the metrics of a model package; none when it was registered without."""
    uri = statistics_uri(package)
    return metrics(json.loads(read_object(s3_client, uri))) if uri else {}


def read_object(s3_client: Any, uri: str) -> bytes:
    """Read the object at an s3:// URI."""
    place = urlsplit(uri)
    body: bytes = s3_client.get_object(Bucket=place.netloc, Key=place.path.lstrip("/"))["Body"].read()
    return body

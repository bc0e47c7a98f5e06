"""The metrics of a model package's evaluation: SageMaker's model-quality report, read from S3."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

# Parts of metrics' names. Those of SageMaker's model quality are all here, whatever is written around them.
_OF_THE_DATA = ("best_constant",)
_LOWER = ("error", "mse", "mae", "mape", "loss", "latency", "deviation", "false_positive", "false_negative")
_HIGHER = (
    "r2",
    "accuracy",
    "precision",
    "recall",
    "f0_5",
    "f1",
    "f2",
    "auc",
    "au_prc",
    "true_positive",
    "true_negative",
)


def metrics(report: Any) -> dict[str, float]:
    """Read the metrics of a report in SageMaker's model-quality shape: {"..._metrics": {name: {"value": x}}}.

    Return {} for any other shape.
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
    """Return where the evaluation of a model package (as DescribeModelPackage describes it) is, if it has one."""
    statistics = package.get("ModelMetrics", {}).get("ModelQuality", {}).get("Statistics", {})
    uri: str | None = statistics.get("S3Uri")
    return uri


def package_metrics(s3_client: Any, package: Mapping[str, Any]) -> dict[str, float]:
    """Read the metrics of a model package; none when it was registered without."""
    return metrics(evaluation(s3_client, package))


def evaluation(s3_client: Any, package: Mapping[str, Any]) -> Any:
    """Read the report of a model package's evaluation; None when it was registered without."""
    uri = statistics_uri(package)
    return json.loads(read_object(s3_client, uri)) if uri else None


def higher_is_better(name: str) -> bool | None:
    """Return whether a higher value of a metric is better, judging by its name; None when that is not known.

    What a constant would reach (Model Monitor's `..._best_constant_classifier`) is a property of the data, not of a
    model: neither way is better.
    """
    lower_case = name.lower()
    if any(part in lower_case for part in _OF_THE_DATA):
        return None
    if any(part in lower_case for part in _LOWER):
        return False
    return True if any(part in lower_case for part in _HIGHER) else None


def read_object(s3_client: Any, uri: str) -> bytes:
    """Read the object at an s3:// URI."""
    place = urlsplit(uri)
    body: bytes = s3_client.get_object(Bucket=place.netloc, Key=place.path.lstrip("/"))["Body"].read()
    return body

"""The diabetes data of scikit-learn in S3, for users who have no data of their own yet.

Ten features, mean-centred and scaled as scikit-learn's `load_diabetes` returns them, and the target, a measure
of the disease's progression after one year; 442 rows. Source: Efron, Hastie, Johnstone and Tibshirani (2004),
"Least Angle Regression", Annals of Statistics 32, 407-499.

``python -m pipelines.lr.sample_data`` prints the training data as CSV.
"""

import sys
from collections.abc import Iterable, Sequence
from typing import Any

from pipelines.session import project_prefix

FOLDER = "data/"
BATCH_FOLDER = "batch/"
TARGET_COLUMN = "target"

_BASE_JOB_PREFIX = "LinearRegression"
_BATCH_X = (-0.05, 0.0, 0.05, 0.1, 0.3)


def upload_training_data(
    s3_client: Any,
    bucket: str,
    base_job_prefix: str = _BASE_JOB_PREFIX,
    sagemaker_project_name: str | None = None,
) -> None:
    """Put `data/diabetes.csv` where the pipeline looks by default: features, target, a header line.

    An object that is there is left as it is.
    """
    key = f"{project_prefix(sagemaker_project_name)}{base_job_prefix}/{FOLDER}diabetes.csv"
    if not _exists(s3_client, bucket, key):
        s3_client.put_object(Bucket=bucket, Key=key, Body=_diabetes_csv(), ContentType="text/csv")


def upload_batch_data(
    s3_client: Any,
    bucket: str,
    base_job_prefix: str = _BASE_JOB_PREFIX,
    sagemaker_project_name: str | None = None,
) -> None:
    """Put two small CSV files of BMI values, without a header line, where the batch pipeline looks."""
    folder = f"{project_prefix(sagemaker_project_name)}{base_job_prefix}/{BATCH_FOLDER}input/"
    for number, values in enumerate((_BATCH_X, _BATCH_X[::-1]), start=1):
        body = _csv([value] for value in values)
        key = f"{folder}bmi-{number}.csv"
        s3_client.put_object(Bucket=bucket, Key=key, Body=body, ContentType="text/csv")


def _exists(s3_client: Any, bucket: str, key: str) -> bool:
    listed = s3_client.list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1)
    return any(item["Key"] == key for item in listed.get("Contents", ()))


def _diabetes_csv() -> bytes:
    # Half a second to import, spent only when the data are not there yet.
    from sklearn.datasets import load_diabetes  # noqa: PLC0415

    data = load_diabetes()
    header = ",".join([*data.feature_names, TARGET_COLUMN]).encode() + b"\n"
    return header + _csv([*x, y] for x, y in zip(data.data.tolist(), data.target.tolist(), strict=True))


def _csv(rows: Iterable[Sequence[float]]) -> bytes:
    """Write rows so that reading them gives the same numbers: `repr` is the shortest text that does."""
    return "".join(",".join(map(repr, row)) + "\n" for row in rows).encode()


if __name__ == "__main__":
    sys.stdout.buffer.write(_diabetes_csv())

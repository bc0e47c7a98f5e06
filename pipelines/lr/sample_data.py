"""The diabetes data of scikit-learn in S3, for users who have no data of their own yet.

Ten features, mean-centred and scaled as scikit-learn's `load_diabetes` returns them, and the target, a measure
of the disease's progression after one year; 442 rows. Source: Efron, Hastie, Johnstone and Tibshirani (2004),
"Least Angle Regression", Annals of Statistics 32, 407-499.

``python -m pipelines.lr.sample_data`` prints the training data as CSV.
"""

import sys
from typing import Any

from pipelines import samples

NAME = "LinearRegression"
TARGET_COLUMN = "target"

_BATCH_X = (-0.05, 0.0, 0.05, 0.1, 0.3)


def upload_training_data(
    s3_client: Any, bucket: str, base_job_prefix: str = NAME, sagemaker_project_name: str | None = None
) -> None:
    """Put `data/diabetes.csv` where the pipeline looks by default: features, target, a header line.

    An object that is there is left as it is.
    """
    samples.upload_training(s3_client, bucket, base_job_prefix, sagemaker_project_name, "diabetes.csv", _diabetes_csv)


def upload_batch_data(
    s3_client: Any, bucket: str, base_job_prefix: str = NAME, sagemaker_project_name: str | None = None
) -> None:
    """Put two small CSV files of BMI values, without a header line, where the batch pipeline looks."""
    files = {f"bmi-{n}.csv": samples.csv([x] for x in values) for n, values in ((1, _BATCH_X), (2, _BATCH_X[::-1]))}
    samples.upload_batch(s3_client, bucket, base_job_prefix, sagemaker_project_name, files)


def _diabetes_csv() -> bytes:
    # Half a second to import, spent only when the data are not there yet.
    from sklearn.datasets import load_diabetes  # noqa: PLC0415

    data = load_diabetes()
    rows = ([*x, y] for x, y in zip(data.data.tolist(), data.target.tolist(), strict=True))
    return samples.csv([[*data.feature_names, TARGET_COLUMN], *rows])


if __name__ == "__main__":
    sys.stdout.buffer.write(_diabetes_csv())

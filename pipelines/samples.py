"""Sample data in S3, for users who have none of their own yet."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pipelines.session import project_prefix


def upload_training(
    s3_client: Any, bucket: str, base_job_prefix: str, sagemaker_project_name: str | None, name: str, body: Any
) -> None:
    """Put a CSV file where a pipeline looks for its data by default; one that is there is left as it is.

    Parameters
    ----------
    s3_client : boto3 S3 client
    bucket, base_job_prefix, sagemaker_project_name : str
        As in `pipelines.road.Road.get_pipeline`.
    name : str
        Of the file.
    body : callable
        Returns its content; called only if it is not there.
    """
    key = f"{project_prefix(sagemaker_project_name)}{base_job_prefix}/data/{name}"
    listed = s3_client.list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1)
    if not any(item["Key"] == key for item in listed.get("Contents", ())):
        s3_client.put_object(Bucket=bucket, Key=key, Body=body(), ContentType="text/csv")


def upload_batch(
    s3_client: Any, bucket: str, base_job_prefix: str, sagemaker_project_name: str | None, files: Mapping[str, bytes]
) -> None:
    """Put CSV files, without a header line, where a batch pipeline looks by default."""
    folder = f"{project_prefix(sagemaker_project_name)}{base_job_prefix}/batch/input/"
    for name, body in files.items():
        s3_client.put_object(Bucket=bucket, Key=folder + name, Body=body, ContentType="text/csv")


def csv(rows: Iterable[Sequence[float | str]]) -> bytes:
    """Write rows so that reading them gives the same numbers: `repr` is the shortest text that does."""
    return "".join(
        ",".join(cell if isinstance(cell, str) else repr(cell) for cell in row) + "\n" for row in rows
    ).encode()

"""A training job that failed through no fault of its own is run again, as often as its RetryStrategy says."""

from pathlib import Path
from typing import Any

import pytest

from localaws.account.clients import Aws
from localaws.sagemaker.jobs.job_type import JobType
from localaws.sagemaker.jobs.runner import Job, JobRunner
from localaws.sagemaker.parts import Parts
from localaws.service.context import Context
from localaws.storage.store import Resource


class Fragile(JobType):
    """Jobs whose first attempts fail through no fault of their own."""

    noun = "Training"

    def __init__(self, faults: int) -> None:
        self.faults, self.folders = faults, list[list[str]]()

    def check(self, request: dict[str, Any], runner: JobRunner) -> None:
        """Accept anything."""

    def run(self, job: Job) -> None:
        """Write a file, and fail while there are faults left."""
        self.folders.append([path.name for path in job.folder.iterdir()])
        (job.folder / "left").write_text("x")
        if len(self.folders) <= self.faults:
            raise RuntimeError("a defect")


@pytest.mark.parametrize(("faults", "retries", "status"), [(2, 2, "Completed"), (2, 1, "Failed"), (1, 0, "Failed")])
def test_a_failure_of_our_own_is_retried_as_often_as_the_job_says(
    tmp_path: Path, faults: int, retries: int, status: str
) -> None:
    aws = Aws("http://127.0.0.1:9", "us-east-1", "000000000000")
    parts = Parts.made_of(Context.of(tmp_path / "store.sqlite", aws, tmp_path))
    job_type, request = Fragile(faults), {"RetryStrategy": {"MaximumRetryAttempts": retries}} if retries else {}
    arn = "arn:aws:sagemaker:us-east-1:000000000000:training-job/job"
    document = {"TrainingJobName": "job", "TrainingJobArn": arn, job_type.status: "InProgress", "CreationTime": 1.0}
    resource = Resource(job_type.kind, "job", arn, document, status="InProgress")
    parts.store.add(resource)
    parts.jobs.start(job_type, resource, request)
    parts.jobs.wait(arn)
    ended = parts.store.by_arn(arn)
    assert ended is not None
    assert ended.status == status
    assert job_type.folders == [[]] * min(faults + 1, retries + 1), "each attempt begins with an empty folder"

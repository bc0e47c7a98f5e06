"""The log lines of a SageMaker job, read from CloudWatch Logs as one would read them on AWS."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from localaws.errors import UnknownJobError

# One client of AWS's API, made by boto3, which publishes no types.
Client = Any

_POLL_SECONDS = 0.5
_N_LATEST = 10


@dataclass(frozen=True)
class JobKind:
    """A family of SageMaker jobs: the words of its API, and its log group."""

    noun: str
    operation: str

    @property
    def log_group_name(self) -> str:
        """Return the log group that SageMaker writes the logs of these jobs to."""
        return f"/aws/sagemaker/{self.noun}Jobs"

    def find(self, sagemaker: Client, job_name: str) -> "Job | None":
        """Return the job of this name, in any case; None if there is none."""
        try:
            description = getattr(sagemaker, f"describe_{self.operation}_job")(**{f"{self.noun}JobName": job_name})
        except sagemaker.exceptions.ClientError as error:
            # AWS answers ResourceNotFound for some kinds and ValidationException for others.
            if error.response["Error"]["Code"] in ("ResourceNotFound", "ValidationException"):
                return None
            raise
        return Job(self, description[f"{self.noun}JobName"], description[f"{self.noun}JobStatus"])

    def latest(self, sagemaker: Client) -> list[tuple[str, str, str]]:
        """Return the latest jobs: creation time, name, status."""
        answer = getattr(sagemaker, f"list_{self.operation}_jobs")(
            SortBy="CreationTime", SortOrder="Descending", MaxResults=_N_LATEST
        )
        return [
            (
                job["CreationTime"].strftime("%Y-%m-%d %H:%M:%S"),
                job[f"{self.noun}JobName"],
                job[f"{self.noun}JobStatus"],
            )
            for job in answer[f"{self.noun}JobSummaries"]
        ]


KINDS = (
    JobKind("Processing", "processing"),
    JobKind("Training", "training"),
    JobKind("Transform", "transform"),
)


@dataclass(frozen=True)
class Job:
    """A job that exists."""

    kind: JobKind
    name: str
    status: str

    @property
    def is_over(self) -> bool:
        """Return whether it has ended, and writes no more."""
        return self.status not in ("InProgress", "Stopping")


def find_job(sagemaker: Client, job_name: str) -> Job:
    """Return the processing, training or transform job of this name.

    Raises
    ------
    UnknownJobError
        There is none; the message lists the latest jobs.
    """
    for kind in KINDS:
        job = kind.find(sagemaker, job_name)
        if job is not None:
            return job
    latest = sorted((row for kind in KINDS for row in kind.latest(sagemaker)), reverse=True)[:_N_LATEST]
    rows = "\n".join(f"  {created}  {status:<10}  {name}" for created, name, status in latest)
    raise UnknownJobError(
        f"There is no job {job_name!r}. " + (f"The latest jobs:\n{rows}" if rows else "No job was started yet.")
    )


def job_lines(logs: Client, sagemaker: Client, job_name: str, follow: bool) -> Iterator[str]:
    """Yield the lines of a job's log, in order within each of its instances.

    Parameters
    ----------
    logs, sagemaker : boto3 clients
    job_name : str
    follow : bool
        Go on until the job is over.

    Yields
    ------
    str
        A line; with the instance before it when the job has several.
    """
    tokens: dict[str, str] = {}
    while True:
        # Asked before the lines are read: what a job wrote before it was over is then read for certain.
        job = find_job(sagemaker, job_name)
        yield from _new_lines(logs, job, tokens)
        if job.is_over or not follow:
            return
        time.sleep(_POLL_SECONDS)


def _new_lines(logs: Client, job: Job, tokens: dict[str, str]) -> Iterator[str]:
    """Yield the lines since the last call, which ``tokens`` remembers by stream."""
    group = job.kind.log_group_name
    streams = _streams(logs, group, f"{job.name}/")
    for stream in streams:
        instance = stream.removeprefix(f"{job.name}/")
        while True:
            since = {"nextToken": tokens[stream]} if stream in tokens else {}
            answer = logs.get_log_events(logGroupName=group, logStreamName=stream, startFromHead=True, **since)
            for event in answer["events"]:
                yield f"{instance}  {event['message']}" if len(streams) > 1 else event["message"]
            if tokens.get(stream) == answer["nextForwardToken"]:
                break
            tokens[stream] = answer["nextForwardToken"]


def _streams(logs: Client, log_group_name: str, prefix: str) -> list[str]:
    pages = logs.get_paginator("describe_log_streams").paginate(logGroupName=log_group_name, logStreamNamePrefix=prefix)
    try:
        return sorted(stream["logStreamName"] for page in pages for stream in page["logStreams"])
    except logs.exceptions.ResourceNotFoundException:
        return []

"""A pipeline execution as its API shows it: read into plain data, and followed to its end.

`snapshot` asks once, `follow` repeatedly, `last_log_lines` once more when a job has failed. How the results are shown
is up to `pipelines.execution_view`.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

FINAL_STATUSES = ("Succeeded", "Failed", "Stopped", "CompletedWithFailures")

JOB_KINDS = ("ProcessingJob", "TrainingJob", "TransformJob")
_SHORTEST_WAIT = 0.1
_LONGEST_WAIT = 10.0
_LOG_LINES = 20
# A job that has run for less is not asked about: short ones cost no request more.
_ASKED_AFTER_SECONDS = 2.0


@dataclass(frozen=True)
class FailedAttempt:
    """A job that failed while its step goes on: it will be tried again.

    Attributes
    ----------
    number : int
        Which attempt it was, from 1.
    reason : str
    end : datetime
    """

    number: int
    reason: str
    end: datetime


@dataclass(frozen=True)
class StepState:
    """One step of an execution.

    Attributes
    ----------
    name : str
    status : str
        SageMaker's: Starting, Executing, Succeeded, Failed, Stopping or Stopped.
    start, end : datetime or None
    reason : str
        Why it failed, else empty.
    kind, arn : str
        What the step made (`TrainingJob`, `RegisterModel`, ...) and its ARN; empty if it made nothing.
    cached : bool
        Whether the result is that of an earlier execution.
    attempt : int
        Which one it is, from 1.
    failed : FailedAttempt or None
        The attempt after which it waits for the next one.
    """

    name: str
    status: str
    start: datetime | None
    end: datetime | None
    reason: str
    kind: str
    arn: str
    cached: bool
    attempt: int = 1
    failed: FailedAttempt | None = None

    def seconds(self, now: datetime) -> float | None:
        """Return how long the step took, or has taken so far."""
        return ((self.end or now) - self.start).total_seconds() if self.start else None


@dataclass(frozen=True)
class Snapshot:
    """An execution at one moment, its steps in the order in which they began."""

    status: str
    reason: str
    steps: tuple[StepState, ...]

    @property
    def is_final(self) -> bool:
        """Whether the execution has ended."""
        return self.status in FINAL_STATUSES


def snapshot(sagemaker_client: Any, execution_arn: str) -> Snapshot:
    """Read an execution and its steps."""
    described = sagemaker_client.describe_pipeline_execution(PipelineExecutionArn=execution_arn)
    pages = sagemaker_client.get_paginator("list_pipeline_execution_steps").paginate(
        PipelineExecutionArn=execution_arn, SortOrder="Ascending"
    )
    now = datetime.now(UTC)
    states = [_step_state(item) for page in pages for item in page["PipelineExecutionSteps"]]
    steps = [replace(step, failed=_failed_attempt(sagemaker_client, step, now)) for step in states]
    began = sorted(steps, key=lambda step: step.start or now)
    return Snapshot(described["PipelineExecutionStatus"], described.get("FailureReason", ""), tuple(began))


def follow(
    sagemaker_client: Any,
    execution_arn: str,
    show: Callable[[Snapshot], None],
    sleep: Callable[[float], None] = time.sleep,
) -> Snapshot:
    """Show an execution until it ends; return its last state.

    The wait between two looks is a twentieth of the time that has passed, from 0.1 s up to 10 s: a short
    execution is followed closely, a long one costs few requests, and its end is never noticed more than 5 %
    late.
    """
    began = time.monotonic()
    while True:
        state = snapshot(sagemaker_client, execution_arn)
        show(state)
        if state.is_final:
            return state
        sleep(min(max((time.monotonic() - began) / 20, _SHORTEST_WAIT), _LONGEST_WAIT))


def describe_job(sagemaker_client: Any, step: StepState) -> dict[str, Any]:
    """Describe the job of a step whose kind is one of JOB_KINDS."""
    describe = {
        "ProcessingJob": sagemaker_client.describe_processing_job,
        "TrainingJob": sagemaker_client.describe_training_job,
        "TransformJob": sagemaker_client.describe_transform_job,
    }[step.kind]
    described: dict[str, Any] = describe(**{f"{step.kind}Name": step.arn.rpartition("/")[2]})
    return described


def last_log_lines(logs_client: Any, kind: str, job_name: str) -> list[str]:
    """Return the last lines that a job wrote to CloudWatch Logs; [] if it has no log.

    Parameters
    ----------
    logs_client : boto3 CloudWatch Logs client
    kind : str
        One of JOB_KINDS.
    job_name : str
        As the job's description has it: its ARN holds it in lower case, its log stream does not.
    """
    group = f"/aws/sagemaker/{kind}s"
    try:
        streams = logs_client.describe_log_streams(logGroupName=group, logStreamNamePrefix=f"{job_name}/")
    except logs_client.exceptions.ResourceNotFoundException:
        return []
    events = [
        event
        for stream in streams["logStreams"]
        for event in logs_client.get_log_events(
            logGroupName=group, logStreamName=stream["logStreamName"], limit=_LOG_LINES, startFromHead=False
        )["events"]
    ]
    # Python's sort is stable: lines of one millisecond stay in the order in which they were written.
    events.sort(key=lambda event: event["timestamp"])
    return [event["message"].rstrip("\n") for event in events[-_LOG_LINES:]]


def _step_state(item: dict[str, Any]) -> StepState:
    metadata: dict[str, dict[str, Any]] = item.get("Metadata") or {"": {}}
    kind, detail = next(iter(metadata.items()))
    return StepState(
        name=item["StepName"],
        status=item["StepStatus"],
        start=item.get("StartTime"),
        end=item.get("EndTime"),
        # A Fail step says why in its metadata.
        reason=item.get("FailureReason") or detail.get("ErrorMessage", ""),
        kind=kind,
        arn=detail.get("Arn", ""),
        cached="CacheHitResult" in item,
        attempt=item.get("AttemptCount") or 1,
    )


def _failed_attempt(sagemaker_client: Any, step: StepState, now: datetime) -> FailedAttempt | None:
    """Ask the job of a step that goes on whether it does, too: the step itself says nothing between two attempts."""
    if step.status != "Executing" or step.kind not in JOB_KINDS or (step.seconds(now) or 0) < _ASKED_AFTER_SECONDS:
        return None
    try:
        job = describe_job(sagemaker_client, step)
    except sagemaker_client.exceptions.ClientError:
        # A caller that may follow executions but not see jobs follows them without this.
        return None
    if job[f"{step.kind}Status"] != "Failed":
        return None
    end = job.get(f"{step.kind.removesuffix('Job')}EndTime") or now
    return FailedAttempt(step.attempt, job.get("FailureReason", ""), end)

"""Tuning steps: create a tuning job, wait for it, keep the response of Describe and the best training jobs."""

import random
import string
import threading
import time

from localaws.document import Document
from localaws.sagemaker.pipelines.definition import Step
from localaws.sagemaker.pipelines.steps.context import Progress, StepContext, StepFailed, StepStopped

_NAME = "HyperParameterTuningJobName"
_STATUS = "HyperParameterTuningJobStatus"
_STEP_CHARACTERS, _SUFFIX_CHARACTERS = 7, 10
_N_BEST = 50
"""How many of its best training jobs a tuning step keeps, as on AWS."""
_POLL_SECONDS = 0.05


def run(step: Step, context: StepContext, progress: Progress) -> Document:
    """Run a tuning step; its properties are those of the tuning job, and ``TrainingJobSummaries``, best first."""
    # A tuning job resumes by itself after a server's end: the step that waited for it waits again.
    interrupted = context.interrupted.pop(step.name, {}).get("TuningJob")
    arn = interrupted["Arn"] if interrupted else _create(step, context)
    name = {_NAME: arn.rpartition("/")[2]}
    metadata = {"TuningJob": {"Arn": arn}}
    progress(metadata)
    asked = threading.Event()

    def stop() -> None:
        asked.set()
        context.call("StopHyperParameterTuningJob", name)

    context.follow(arn, stop, wait=lambda _: _wait(context, name))
    job = context.call("DescribeHyperParameterTuningJob", name)
    if job[_STATUS] == "Stopped" and asked.is_set():
        raise StepStopped
    if job[_STATUS] != "Completed":
        raise StepFailed(job.get("FailureReason", f"the tuning job ended as {job[_STATUS]}"))
    context.properties[step.name] = job | {"TrainingJobSummaries": _best(context, name, job)}
    return metadata


def _create(step: Step, context: StepContext) -> str:
    request = _without_empty(context.request(step)) | {_NAME: _unique_name(step, context)}
    arn: str = context.call("CreateHyperParameterTuningJob", request)["HyperParameterTuningJobArn"]
    return arn


def _unique_name(step: Step, context: StepContext) -> str:
    """Return a unique name; a tuning job's has at most 32 characters, so Pipelines shortens the step's to 7."""
    suffix = "".join(random.choices(string.ascii_letters + string.digits, k=_SUFFIX_CHARACTERS))  # noqa: S311
    short = step.name.replace("_", "-")[:_STEP_CHARACTERS].strip("-")
    return f"{context.execution_id}-{short}-{suffix}"


def _without_empty(request: Document) -> Document:
    """Remove the members that the SDK writes as null because they are absent."""
    return {name: value for name, value in request.items() if value is not None}


def _wait(context: StepContext, name: Document) -> None:
    while context.call("DescribeHyperParameterTuningJob", name)[_STATUS] in ("InProgress", "Stopping"):
        time.sleep(_POLL_SECONDS)


def _best(context: StepContext, name: Document, job: Document) -> list[Document]:
    metric = job["BestTrainingJob"]["FinalHyperParameterTuningJobObjectiveMetric"]
    query = {
        "SortBy": "FinalObjectiveMetricValue",
        "SortOrder": "Ascending" if metric["Type"] == "Minimize" else "Descending",
        "MaxResults": _N_BEST,
    }
    rows: list[Document] = context.call("ListTrainingJobsForHyperParameterTuningJob", name | query)[
        "TrainingJobSummaries"
    ]
    return rows

"""Processing, training and transform steps: create the job, wait for it, keep what Describe says of it."""

from typing import Any

from localaws.sagemaker.definition import Step
from localaws.sagemaker.retries import exception_type
from localaws.sagemaker.steps.context import Progress, StepContext, StepFailed, StepStopped

Document = dict[str, Any]


def run(step: Step, context: StepContext, progress: Progress) -> Document:
    """Run a job step."""
    noun = step.kind
    name = context.unique_name(step)
    arn = context.call(f"Create{noun}Job", context.request(step) | {f"{noun}JobName": name})[f"{noun}JobArn"]
    metadata = {f"{noun}Job": {"Arn": arn}}
    progress(metadata)
    context.follow(arn, lambda: context.call(f"Stop{noun}Job", {f"{noun}JobName": name}))
    job = context.call(f"Describe{noun}Job", {f"{noun}JobName": name})
    status = job[f"{noun}JobStatus"]
    if status == "Stopped":
        if job.get("SecondaryStatus") == "MaxRuntimeExceeded":
            raise StepFailed("ClientError: the training job exceeded MaxRuntimeInSeconds")
        raise StepStopped
    if status != "Completed":
        reason = job.get("FailureReason", f"the job ended as {status}")
        raise StepFailed(reason, kind=exception_type(reason=reason))
    context.properties[step.name] = job
    return metadata

"""Processing, training and transform steps: create the job, wait for it, keep the response of Describe."""

from localaws.document import Document
from localaws.sagemaker.pipelines.definition import Step
from localaws.sagemaker.pipelines.retries import exception_type
from localaws.sagemaker.pipelines.steps.context import Progress, StepContext, StepFailed, StepStopped


def run(step: Step, context: StepContext, progress: Progress) -> Document:
    """Run a job step."""
    noun = step.kind
    arn = _completed_already(step, context)
    if arn is None:
        request = context.request(step) | {f"{noun}JobName": context.unique_name(step)}
        arn = context.call(f"Create{noun}Job", request)[f"{noun}JobArn"]
    name = arn.rpartition("/")[2]
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


def _completed_already(step: Step, context: StepContext) -> str | None:
    """Return the job of a step whose server died after the job had ended, but before that was stored."""
    noun = step.kind
    interrupted = context.interrupted.pop(step.name, {}).get(f"{noun}Job")
    if interrupted is None:
        return None
    arn: str = interrupted["Arn"]
    job = context.call(f"Describe{noun}Job", {f"{noun}JobName": arn.rpartition("/")[2]})
    return arn if job[f"{noun}JobStatus"] == "Completed" else None

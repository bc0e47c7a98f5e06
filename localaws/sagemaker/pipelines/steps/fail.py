"""Fail steps: end the execution as failed, with a message."""

from localaws.document import Document
from localaws.sagemaker.pipelines.definition import Step
from localaws.sagemaker.pipelines.expressions import as_text
from localaws.sagemaker.pipelines.steps.context import Progress, StepContext, StepFailed


def run(step: Step, context: StepContext, _: Progress) -> Document:
    """Raise StepFailed with the message."""
    message = as_text(context.request(step).get("ErrorMessage", ""))
    raise StepFailed(message, Metadata={"Fail": {"ErrorMessage": message}})

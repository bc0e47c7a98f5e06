"""What a step of each type does. A step's function takes the step, the execution's context and a progress callback.

It returns the step's ``Metadata``, and leaves in the context what later steps may refer to.
"""

from collections.abc import Callable

from localaws.document import Document
from localaws.sagemaker.pipelines.definition import Step
from localaws.sagemaker.pipelines.steps import (
    callback,
    condition,
    endpoint,
    fail,
    for_each,
    function,
    job,
    model,
    register_model,
    tuning,
)
from localaws.sagemaker.pipelines.steps.context import Progress, StepContext

_STEPS: dict[str, Callable[[Step, StepContext, Progress], Document]] = {
    "Processing": job.run,
    "Training": job.run,
    "Tuning": tuning.run,
    "Transform": job.run,
    "Model": model.run,
    "RegisterModel": register_model.run,
    "EndpointConfig": endpoint.create_config,
    "Endpoint": endpoint.create_endpoint,
    "Condition": condition.run,
    "Fail": fail.run,
    "Lambda": function.run,
    "Callback": callback.run,
    "ForEach": for_each.run,
}


def run(step: Step, context: StepContext, progress: Progress) -> Document:
    """Run one step to its end; return its metadata.

    Raises
    ------
    StepFailed, StepStopped, ApiError, UnresolvedError
        If it did not succeed; says why.
    """
    return _STEPS[step.kind](step, context, progress)

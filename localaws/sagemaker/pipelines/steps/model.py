"""Model steps: create a model."""

from localaws.document import Document
from localaws.sagemaker.pipelines.definition import Step
from localaws.sagemaker.pipelines.steps.context import Progress, StepContext


def run(step: Step, context: StepContext, _: Progress) -> Document:
    """Create a model; the step's properties are the response of DescribeModel."""
    request = {"ModelName": context.unique_name(step)} | context.request(step)
    arn = context.call("CreateModel", request)["ModelArn"]
    context.properties[step.name] = context.call("DescribeModel", {"ModelName": request["ModelName"]})
    return {"Model": {"Arn": arn}}

"""Condition steps: if all conditions hold, the IfSteps run, otherwise the ElseSteps."""

from localaws.document import Document
from localaws.sagemaker.pipelines.definition import Step
from localaws.sagemaker.pipelines.expressions import holds
from localaws.sagemaker.pipelines.steps.context import Progress, StepContext


def run(step: Step, context: StepContext, _: Progress) -> Document:
    """Evaluate the conditions; the step's metadata and its ``Outcome`` property are "True" or "False"."""
    scope = context.scope
    outcome = all(holds(condition, scope) for condition in step.arguments.get("Conditions", []))
    context.condition_outcomes[step.name] = outcome
    context.properties[step.name] = {"Outcome": str(outcome)}
    return {"Condition": {"Outcome": str(outcome)}}

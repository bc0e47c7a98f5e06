"""Condition steps: all conditions must hold for the IfSteps to run, else the ElseSteps do."""

from typing import Any

from localaws.sagemaker.definition import Step
from localaws.sagemaker.expressions import holds
from localaws.sagemaker.steps.context import Progress, StepContext

Document = dict[str, Any]


def run(step: Step, context: StepContext, _: Progress) -> Document:
    """Decide; the outcome is in the step's metadata and its ``Outcome`` property, as "True" or "False"."""
    scope = context.scope
    outcome = all(holds(condition, scope) for condition in step.arguments.get("Conditions", []))
    context.condition_outcomes[step.name] = outcome
    context.properties[step.name] = {"Outcome": str(outcome)}
    return {"Condition": {"Outcome": str(outcome)}}

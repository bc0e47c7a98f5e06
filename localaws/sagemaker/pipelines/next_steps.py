"""Which steps of an execution can begin: pure decisions over outcomes.

A step waits for those it depends on, each with the outcome that lets it run: ``Completed`` by default, ``Failed``,
``Stopped`` or ``Any`` if DependsOn names a trigger. A step whose dependencies can no longer be met is skipped, and so
is one in a branch that its condition did not take.

After a failure nothing new begins except what a trigger calls for, and what follows from that.
"""

from collections.abc import Mapping, Set
from dataclasses import dataclass
from enum import Enum

from localaws.sagemaker.pipelines.definition import Definition, Step


class Outcome(Enum):
    """How a step ended."""

    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    STOPPED = "Stopped"
    PASSED_OVER = "passed over"


_LETS_RUN = {
    "Completed": {Outcome.SUCCEEDED},
    "Failed": {Outcome.FAILED},
    "Stopped": {Outcome.STOPPED},
    "Any": {Outcome.SUCCEEDED, Outcome.FAILED, Outcome.STOPPED},
}


@dataclass(frozen=True)
class Plan:
    """What to do next.

    Attributes
    ----------
    ready : list of Step
        Steps that can begin now.
    passed_over : list of str
        Steps that will never run.
    """

    ready: list[Step]
    passed_over: list[str]


def plan(
    definition: Definition,
    outcomes: Mapping[str, Outcome],
    condition_outcomes: Mapping[str, bool],
    begun: Set[str],
) -> Plan:
    """Decide which steps can begin.

    Parameters
    ----------
    definition : Definition
    outcomes : mapping of str to Outcome
        For the steps that have ended.
    condition_outcomes : mapping of str to bool
        For the condition steps that have ended.
    begun : set of str
        The steps that are running.
    """
    seen = dict(outcomes)
    failed = Outcome.FAILED in outcomes.values()
    called = called_by_triggers(definition, outcomes)
    ready: list[Step] = []
    passed_over: list[str] = []
    for step in definition.steps.values():
        if step.name in seen or step.name in begun:
            continue
        if _never(step, seen, condition_outcomes):
            seen[step.name] = Outcome.PASSED_OVER
            passed_over.append(step.name)
        elif all(name in seen for name in step.needs) and (not failed or step.name in called):
            ready.append(step)
    return Plan(ready, passed_over)


def _never(step: Step, seen: Mapping[str, Outcome], condition_outcomes: Mapping[str, bool]) -> bool:
    if step.branch and condition_outcomes.get(step.branch[0], step.branch[1]) != step.branch[1]:
        return True
    return any(seen[name] not in _LETS_RUN[trigger] for name, trigger in step.needs.items() if name in seen)


def called_by_triggers(definition: Definition, outcomes: Mapping[str, Outcome]) -> set[str]:
    """Return the steps that a failure or a stop lets run, and those that depend on them."""
    called = {
        step.name
        for step in definition.steps.values()
        for name, trigger in step.needs.items()
        if trigger != "Completed" and outcomes.get(name) in (Outcome.FAILED, Outcome.STOPPED)
    }
    while more := {step.name for step in definition.steps.values() if called & set(step.needs)} - called:
        called |= more
    return called


def final_status(definition: Definition, outcomes: Mapping[str, Outcome], *, stopped: bool) -> str:
    """Return the final status of an execution.

    ``CompletedWithFailures`` if each failed step was handled by one that a trigger let run (as the SDK's
    `StepDependency` describes it).
    """
    failed = {name for name, outcome in outcomes.items() if outcome is Outcome.FAILED}
    answered = {
        name
        for step in definition.steps.values()
        for name, trigger in step.needs.items()
        if trigger in ("Failed", "Any") and outcomes.get(step.name) is Outcome.SUCCEEDED
    }
    if failed:
        return "CompletedWithFailures" if failed <= answered else "Failed"
    return "Stopped" if stopped or Outcome.STOPPED in outcomes.values() else "Succeeded"

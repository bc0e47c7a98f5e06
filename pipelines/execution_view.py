"""How an execution looks while it runs.

Steps that have not begun come from the definition, which also gives the order; a step of the branch that was not taken
stays without a state. A step whose job has failed and is tried again shows why, and when: its retry policy says that.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from rich.table import Column, Table
from rich.text import Text

from model_road.live import Picture, View
from pipelines.execution import FailedAttempt, Snapshot, StepState, follow

_STYLES = {
    "Succeeded": "green",
    "Failed": "red",
    "Stopped": "yellow",
    "Executing": "cyan",
    "Starting": "cyan",
}
# What retry policies call the failure of a job whose reason begins so.
_RETRIED = {"InternalServerError": "SageMaker.JOB_INTERNAL_ERROR", "CapacityError": "SageMaker.CAPACITY_ERROR"}


def watch(sagemaker_client: Any, execution_arn: str, definition: str) -> Snapshot:
    """Show an execution until it ends; return its last state.

    Parameters
    ----------
    sagemaker_client : boto3 SageMaker client
    execution_arn : str
    definition : str
        The pipeline's, as JSON.
    """
    with View(ExecutionPicture(definition)) as view:
        return follow(sagemaker_client, execution_arn, view.show)


def step_names(definition: str) -> list[str]:
    """List the steps of a definition (JSON), those of branches after their condition."""
    return [step["Name"] for step in _steps(json.loads(definition)["Steps"])]


class ExecutionPicture(Picture[Snapshot]):
    """A table of the steps.

    Parameters
    ----------
    definition : str
        The pipeline's, as JSON.
    """

    def __init__(self, definition: str) -> None:
        self._names = step_names(definition)
        self._policies = {
            step["Name"]: step.get("RetryPolicies", []) for step in _steps(json.loads(definition)["Steps"])
        }
        self._snapshot = Snapshot("Executing", "", ())

    def take(self, snapshot: Snapshot) -> Iterator[str]:
        """Yield a line for each step whose state has changed."""
        before = {step.name: step for step in self._snapshot.steps}
        self._snapshot = snapshot
        now = datetime.now(UTC)
        for step in snapshot.steps:
            known = before.get(step.name)
            if known is None or known.status != step.status:
                yield f"{step.name:<20} {_state(step).plain:<22} {_duration(step, now):>8}"
            if (known is None or known.failed is None) and (next_attempt := self._next_attempt(step, now)):
                yield f"{step.name:<20} {next_attempt}"

    def draw(self) -> Table:
        """Draw all steps, those that have not begun, too."""
        now = datetime.now(UTC)
        by_name = {step.name: step for step in self._snapshot.steps}
        table = Table("Step", "State", Column("Duration", justify="right"), box=None, pad_edge=False)
        for name in [*self._names, *(name for name in by_name if name not in self._names)]:
            step = by_name.get(name)
            if step is None:
                table.add_row(name, Text("-" if self._snapshot.is_final else "waiting", style="dim"))
            else:
                table.add_row(name, _state(step), _duration(step, now))
                if next_attempt := self._next_attempt(step, now):
                    table.add_row("", Text(next_attempt, style="yellow"))
        return table

    def _next_attempt(self, step: StepState, now: datetime) -> str:
        """Describe the next attempt of a step whose job failed: number, time and reason; empty if there is none."""
        policy = _policy(self._policies.get(step.name, []), step.failed) if step.failed else None
        if step.failed is None or policy is None:
            return ""
        pause = policy.get("IntervalSeconds", 1) * policy.get("BackoffRate", 2.0) ** (step.failed.number - 1)
        seconds = (step.failed.end + timedelta(seconds=pause) - now).total_seconds()
        return f"attempt {step.failed.number + 1} in {max(0, round(seconds))} s: {step.failed.reason}"


def _steps(steps: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield the steps, those of branches after their condition."""
    for step in steps:
        yield step
        arguments = step.get("Arguments", {})
        for branch in ("IfSteps", "ElseSteps"):
            yield from _steps(arguments.get(branch, []))


def _policy(policies: Sequence[Mapping[str, Any]], failed: FailedAttempt) -> Mapping[str, Any] | None:
    """Return the retry policy that an attempt's failure falls under, unless it was the last one."""
    kind = _RETRIED.get(failed.reason.partition(":")[0])
    matching = [policy for policy in policies if kind in policy["ExceptionType"]]
    return matching[0] if matching and failed.number <= matching[0].get("MaxAttempts", failed.number) else None


def _state(step: StepState) -> Text:
    text = step.status + (" (from the cache)" if step.cached else "")
    return Text(text, style=_STYLES.get(step.status, ""))


def _duration(step: StepState, now: datetime) -> str:
    """Return a duration: tenths of seconds for a short step, minutes for a long one; empty before it begins."""
    seconds = step.seconds(now)
    if seconds is None or (step.end is None and seconds < 1):
        return ""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s"

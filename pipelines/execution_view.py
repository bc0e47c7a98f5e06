"""How an execution looks while it runs.

Steps that have not begun come from the definition, which also gives the order; a step of the branch that was not taken
stays without a state.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from rich.table import Column, Table
from rich.text import Text

from model_road.live import Picture
from pipelines.execution import Snapshot, StepState

_STYLES = {
    "Succeeded": "green",
    "Failed": "red",
    "Stopped": "yellow",
    "Executing": "cyan",
    "Starting": "cyan",
}


def step_names(definition: str) -> list[str]:
    """List the steps of a definition (JSON), those of branches after their condition."""
    return list(_names(json.loads(definition)["Steps"]))


class ExecutionPicture(Picture[Snapshot]):
    """A table of the steps.

    Parameters
    ----------
    definition : str
        The pipeline's, as JSON.
    """

    def __init__(self, definition: str) -> None:
        self._names = step_names(definition)
        self._snapshot = Snapshot("Executing", "", ())

    def take(self, snapshot: Snapshot) -> Iterator[str]:
        """Tell the steps whose state has changed."""
        before = {step.name: step.status for step in self._snapshot.steps}
        self._snapshot = snapshot
        now = datetime.now(UTC)
        for step in snapshot.steps:
            if before.get(step.name) != step.status:
                yield f"{step.name:<20} {_state(step).plain:<22} {_duration(step, now):>8}"

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
        return table


def _names(steps: list[dict[str, Any]]) -> Iterator[str]:
    for step in steps:
        yield step["Name"]
        arguments = step.get("Arguments", {})
        for branch in ("IfSteps", "ElseSteps"):
            yield from _names(arguments.get(branch, []))


def _state(step: StepState) -> Text:
    text = step.status + (" (from the cache)" if step.cached else "")
    return Text(text, style=_STYLES.get(step.status, ""))


def _duration(step: StepState, now: datetime) -> str:
    """Give tenths of seconds for a short step, minutes for a long one; nothing before it begins."""
    seconds = step.seconds(now)
    if seconds is None or (step.end is None and seconds < 1):
        return ""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s"

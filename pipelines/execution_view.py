"""How an execution looks while it runs: a table that changes in place on a terminal, lines elsewhere.

Both are given one `Snapshot` after the other. Steps that have not begun come from the definition, which also
gives the order; a step of the branch that was not taken stays without a state.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Protocol, Self

from rich.console import Console
from rich.live import Live
from rich.table import Column, Table
from rich.text import Text

from pipelines.execution import Snapshot, StepState

_STYLES = {
    "Succeeded": "green",
    "Failed": "red",
    "Stopped": "yellow",
    "Executing": "cyan",
    "Starting": "cyan",
}


class View(Protocol):
    """A context in which snapshots are shown."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None: ...

    def show(self, snapshot: Snapshot) -> None:
        """Show a newer state."""


def view(definition: str) -> View:
    """Choose how to show an execution of a pipeline definition (JSON) on the standard output."""
    console = Console()
    return TableView(console, definition) if console.is_terminal else LineView(console)


def step_names(definition: str) -> list[str]:
    """List the steps of a definition (JSON), those of branches after their condition."""
    return list(_names(json.loads(definition)["Steps"]))


class TableView:
    """A table of the steps, drawn again four times a second so that durations run."""

    def __init__(self, console: Console, definition: str) -> None:
        self._names = step_names(definition)
        self._snapshot = Snapshot("Executing", "", ())
        self._live = Live(console=console, get_renderable=self._table, refresh_per_second=4)

    def __enter__(self) -> Self:
        self._live.__enter__()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        self._live.__exit__(exc_type, exc, exc_tb)

    def show(self, snapshot: Snapshot) -> None:
        """Show a newer state at once."""
        self._snapshot = snapshot
        self._live.refresh()

    def _table(self) -> Table:
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


class LineView:
    """A line for each change of a step: for a log file, and for continuous integration."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._shown: dict[str, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        """Leave nothing to tidy up."""

    def show(self, snapshot: Snapshot) -> None:
        """Print the steps whose state has changed."""
        now = datetime.now(UTC)
        for step in snapshot.steps:
            if self._shown.get(step.name) != step.status:
                self._shown[step.name] = step.status
                line = f"{step.name:<20} {_state(step).plain:<22} {_duration(step, now):>8}"
                self._console.print(line.rstrip(), markup=False, highlight=False, soft_wrap=True)


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

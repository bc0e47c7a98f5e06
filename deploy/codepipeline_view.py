"""How CodePipelines look while they run: a row for each action."""

from collections.abc import Iterator, Sequence

from rich.table import Table
from rich.text import Text

from deploy.codepipeline import Action, PipelineState
from model_road.live import Picture

_STYLES = {"Succeeded": "green", "Failed": "red", "Abandoned": "yellow", "InProgress": "cyan"}

States = Sequence[PipelineState]


class PipelinesPicture(Picture[States]):
    """The actions of pipelines, each with the state of its latest execution."""

    def __init__(self) -> None:
        self._states: States = ()
        self._told: dict[tuple[str, str, str], Action] = {}

    def take(self, states: States) -> Iterator[str]:
        """Yield a line for each action whose state has changed."""
        self._states = states
        for state in states:
            for stage in state.stages:
                for action in stage.actions:
                    key = (state.name, stage.name, action.name)
                    if action.status and self._told.get(key) != action:
                        self._told[key] = action
                        place = f"{state.name:<24} {stage.name:<14} {action.name:<26}"
                        yield f"{place} {_status(action):<13} {_said(action)}"

    def draw(self) -> Table:
        """Draw all actions, those that have never run, too."""
        table = Table("Pipeline", "Stage", "Action", "State", "", box=None, pad_edge=False)
        for state in self._states:
            for stage in state.stages:
                for action in stage.actions:
                    shown = Text(_status(action), style=_STYLES.get(action.status, "dim"))
                    table.add_row(state.name, stage.name, action.name, shown, _said(action))
        return table


def _status(action: Action) -> str:
    return "waits for you" if action.token else action.status or "-"


def _said(action: Action) -> str:
    """Return the first line of what an action says; AWS's messages can be pages long."""
    return action.message.partition("\n")[0][:120]

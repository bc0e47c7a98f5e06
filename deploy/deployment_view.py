"""How a deployment looks while it runs: a table that changes in place on a terminal, lines elsewhere.

Both are given one moment after the other: what has happened in the stack since the last one, the stack, and who serves
the endpoint's traffic.
"""

from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Column, Table
from rich.text import Text

from deploy.stacks import Event, Stack
from deploy.traffic import Fleet, Traffic, Variant

_STYLES = {"COMPLETE": "green", "FAILED": "red", "PROGRESS": "cyan", "ALARM": "red", "OK": "green"}


@dataclass(frozen=True)
class Moment:
    """What there is to see of a deployment."""

    events: tuple[Event, ...]
    stack: Stack
    traffic: Traffic | None


class View(Protocol):
    """A context in which moments are shown."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None: ...

    def show(self, moment: Moment) -> None:
        """Show a newer moment."""


def view() -> View:
    """Choose how to show a deployment on the standard output."""
    console = Console()
    return TableView(console) if console.is_terminal else LineView(console)


class TableView:
    """Tables of the resources and of the traffic, drawn again four times a second."""

    def __init__(self, console: Console) -> None:
        self._resources: dict[str, Event] = {}
        self._moment: Moment | None = None
        self._live = Live(console=console, get_renderable=self._render, refresh_per_second=4)

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

    def show(self, moment: Moment) -> None:
        """Show a newer moment at once."""
        self._moment = moment
        self._resources.update((event.resource, event) for event in moment.events)
        self._live.refresh()

    def _render(self) -> RenderableType:
        if self._moment is None:
            return Text("")
        resources = Table("Resource", "Type", "State", box=None, pad_edge=False)
        for event in self._resources.values():
            resources.add_row(event.resource, event.resource_type, _styled(event.status))
        return Group(resources, *_traffic_table(self._moment.traffic))


class LineView:
    """A line for each thing that happens: for a log file, and for continuous integration."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._traffic: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        """Leave nothing to tidy up."""

    def show(self, moment: Moment) -> None:
        """Print what has happened to resources, and each fleet and alarm that has changed."""
        for event in moment.events:
            self._print(f"{event.resource:<28} {event.status:<20} {event.reason}")
        lines = list(traffic_lines(moment.traffic)) if moment.traffic else []
        for line in lines:
            if line not in self._traffic:
                self._print(line)
        self._traffic = lines

    def _print(self, line: str) -> None:
        self._console.print(line.rstrip(), markup=False, highlight=False, soft_wrap=True)


def traffic_lines(traffic: Traffic) -> list[str]:
    """Tell who serves an endpoint: a line for each variant of each fleet and for each alarm that is not OK."""
    lines = [f"{traffic.endpoint_name:<28} {traffic.status:<20} {traffic.failure_reason}".rstrip()]
    for role, fleet in _fleets(traffic):
        lines += [f"  {role:<8} {fleet.config_name}  {describe_variant(variant)}" for variant in fleet.variants]
        lines += [f"  {role:<8} {fleet.config_name}  shadow {describe_variant(variant)}" for variant in fleet.shadows]
    lines += [f"  alarm    {name} {state}" for name, state in traffic.alarms.items() if state != "OK"]
    return lines


def describe_variant(variant: Variant) -> str:
    """Say in a few words how much a variant serves and with what."""
    size = "serverless" if variant.instances is None else f"{variant.instances} instance(s)"
    weight = "" if variant.weight is None else f"weight {variant.weight:g}, "
    return f"{variant.name}: {weight}{size}{', ' + variant.status if variant.status else ''}"


def _traffic_table(traffic: Traffic | None) -> list[RenderableType]:
    if traffic is None:
        return []
    table = Table("Fleet", "Variant", Column("Weight", justify="right"), "Instances", "State", box=None, pad_edge=False)
    for role, fleet in _fleets(traffic):
        for kind, variants in (("", fleet.variants), ("shadow ", fleet.shadows)):
            for variant in variants:
                weight = "" if variant.weight is None else f"{variant.weight:g}"
                size = "serverless" if variant.instances is None else str(variant.instances)
                table.add_row(f"{role} {fleet.config_name}", kind + variant.name, weight, size, variant.status)
    alarms = [Text.assemble(f"alarm {name} ", _styled(state)) for name, state in traffic.alarms.items()]
    title = Text.assemble("\n", traffic.endpoint_name, " ", (traffic.status, "cyan"), " ", traffic.failure_reason)
    return [title, table, *alarms]


def _fleets(traffic: Traffic) -> list[tuple[str, Fleet]]:
    coming = [("coming", traffic.coming)] if traffic.coming else []
    return [("serving", traffic.serving), *coming]


def _styled(status: str) -> Text:
    return Text(status, style=next((style for word, style in _STYLES.items() if status.endswith(word)), ""))

"""How a deployment looks while it runs.

A moment is what has happened in the stack since the last one, and who serves the endpoint's traffic.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.table import Column, Table
from rich.text import Text

from deploy.stacks import Event, Stack
from deploy.traffic import Fleet, Traffic, Variant
from model_road.environment import reachable_api
from model_road.live import Picture

_STYLES = {"COMPLETE": "green", "FAILED": "red", "PROGRESS": "cyan", "ALARM": "red", "OK": "green"}


@dataclass(frozen=True)
class Moment:
    """What there is to see of a deployment."""

    events: tuple[Event, ...]
    traffic: Traffic | None


class DeploymentPicture(Picture[Moment]):
    """Tables of the resources and of the traffic."""

    def __init__(self) -> None:
        self._resources: dict[str, Event] = {}
        self._traffic: Traffic | None = None
        self._traffic_lines: list[str] = []

    def take(self, moment: Moment) -> Iterator[str]:
        """Yield which resources are ready or have failed, and each fleet and alarm that has changed."""
        self._traffic = moment.traffic
        for event in moment.events:
            self._resources[event.resource] = event
            if event.is_worth_a_line:
                yield f"{event.resource:<28} {event.status:<20} {event.reason}"
        lines = traffic_lines(moment.traffic) if moment.traffic else []
        yield from (line for line in lines if line not in self._traffic_lines)
        self._traffic_lines = lines

    def draw(self) -> RenderableType:
        """Draw the state of each resource that has had an event, and who serves the traffic."""
        resources = Table("Resource", "Type", "State", box=None, pad_edge=False)
        for event in self._resources.values():
            resources.add_row(event.resource, event.resource_type, _styled(event.status))
        return Group(resources, *_traffic_table(self._traffic))


def output_lines(stack: Stack) -> list[str]:
    """Return lines with a stack's outputs, the URL of an API as it answers from here."""
    outputs = dict(stack.outputs)
    if "ApiUrl" in outputs:
        outputs["ApiUrl"] = reachable_api(outputs["ApiUrl"], outputs["ApiId"])
    width = max(14, *map(len, outputs))
    return [f"{name:<{width}} {value}" for name, value in sorted(outputs.items())]


def traffic_lines(traffic: Traffic) -> list[str]:
    """Return lines on who serves an endpoint: one for each variant of each fleet and for each alarm that is not OK."""
    lines = [f"{traffic.endpoint_name:<28} {traffic.status:<20} {traffic.failure_reason}".rstrip()]
    for role, fleet in _fleets(traffic):
        lines += [f"  {role:<8} {fleet.config_name}  {describe_variant(variant)}" for variant in fleet.variants]
        lines += [f"  {role:<8} {fleet.config_name}  shadow {describe_variant(variant)}" for variant in fleet.shadows]
    lines += [f"  alarm    {name} {state}" for name, state in traffic.alarms.items() if state != "OK"]
    return lines


def describe_variant(variant: Variant) -> str:
    """Describe in a few words how much a variant serves, and with what."""
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

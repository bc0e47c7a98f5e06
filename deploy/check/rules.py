"""EventBridge rules: enabled, with targets that may be started, and with patterns that really match.

A pattern that matches nothing is the quietest of defects: nothing fails, and nothing ever starts. Each pattern is tried
with sample events of its kinds by EventBridge itself, and each event that must start something with all rules.
"""

import json
from typing import Any

from deploy.check import deliveries, samples
from deploy.check.check import Check
from deploy.check.finding import Status, Verdict, failed, ok, unknown
from deploy.check.samples import Sample
from deploy.check.system import Resource, System

RULE = "AWS::Events::Rule"
TRIGGER = "Trigger"


def enabled(system: System, resource: Resource) -> Verdict:
    """The rule listens."""
    state = _rule(system, resource)["State"]
    if state.startswith("ENABLED"):
        return ok("enabled")
    return failed(f"{state}: it starts nothing", f"`aws events enable-rule --name {resource.name}`")


def targets(system: System, resource: Resource) -> Verdict:
    """Somebody is told, and lets EventBridge in."""
    told = _targets(system, resource)
    if not told:
        return failed("no targets: it starts nothing", f"update the stack {resource.stack.name}")
    for target in told:
        verdict = deliveries.delivered(system, target)
        if verdict.status is not Status.OK:
            return verdict
    return ok(", ".join(target["Arn"].rpartition(":")[2] for target in told))


def pattern(system: System, resource: Resource) -> Verdict | None:
    """The pattern matches an event as AWS sends it."""
    text = _rule(system, resource).get("EventPattern")
    if text is None:
        return None
    known = [sample for sample in samples.samples(system) if _is_of(sample, json.loads(text))]
    if not known:
        return unknown(
            f"no sample of such an event is known here: {text}",
            "send one through `aws events test-event-pattern`, as the service's documentation has it",
        )
    matched = next((sample for sample in known if _matches(system, text, sample)), None)
    if matched is not None:
        return ok(f"matches {matched.name}")
    return failed(
        f"matches none of {len(known)} events of its kind, such as {known[0].name}: {text}",
        "compare the pattern with the project's names, and correct it in the template",
    )


def followed(system: System, resource: Resource) -> Verdict:
    """An event that must start something is matched by a rule that is enabled and has targets."""
    [sample] = [
        sample for sample in samples.samples(system) if sample.must_start and sample.name == resource.physical_id
    ]
    for rule in system.of_type(RULE):
        told = _rule(system, rule)
        text = told.get("EventPattern", "")
        concerned = text and told["State"].startswith("ENABLED") and _is_of(sample, json.loads(text))
        if concerned and _targets(system, rule) and _matches(system, text, sample):
            return ok(f"{sample.must_start}, by the rule {rule.name}")
    return failed(
        f"no enabled rule hears of it: {sample.must_start} does not follow",
        f"update the stack {system.root.name} with deploy/templates/project.yml",
    )


def trigger_subjects(system: System) -> list[Resource]:
    """Return the events that must start something."""
    starting = [sample for sample in samples.samples(system) if sample.must_start]
    return [Resource(TRIGGER, sample.name, system.root, sample.name) for sample in starting]


def _rule(system: System, resource: Resource) -> dict[str, Any]:
    def ask() -> dict[str, Any]:
        return dict(system.client("events").describe_rule(**_name(resource, "Name")))

    return system.once(f"rule {resource.physical_id}", ask)


def _targets(system: System, resource: Resource) -> list[dict[str, Any]]:
    def ask() -> list[dict[str, Any]]:
        return list(system.client("events").list_targets_by_rule(**_name(resource, "Rule"))["Targets"])

    return system.once(f"targets {resource.physical_id}", ask)


def _name(resource: Resource, member: str) -> dict[str, str]:
    """Name a rule: CloudFormation knows it as `bus|rule` when it is not on the default bus."""
    bus, bar, name = resource.physical_id.rpartition("|")
    return {member: name, "EventBusName": bus} if bar else {member: name.rpartition("/")[2]}


def _is_of(sample: Sample, asked: dict[str, Any]) -> bool:
    """Return whether an event is of a kind that a pattern asks for; a pattern that names no kind asks for all."""
    source, detail_type = sample.kind
    return source in asked.get("source", [source]) and detail_type in asked.get("detail-type", [detail_type])


def _matches(system: System, text: str, sample: Sample) -> bool:
    told = system.client("events").test_event_pattern(EventPattern=text, Event=json.dumps(sample.event))
    return bool(told["Result"])


CHECKS = (Check("Enabled", enabled), Check("Targets", targets), Check("Pattern", pattern))
TRIGGER_CHECKS = (Check("Followed", followed),)

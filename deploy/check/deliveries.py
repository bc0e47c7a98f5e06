"""Deliveries: whether what a rule starts lets EventBridge in; a matching event that is refused is lost silently.

Queues, topics and functions say it in policies of their own; for anything else EventBridge assumes a role.
"""

import json
from typing import Any

from deploy.check import policies, queues, roles
from deploy.check.finding import Verdict, failed, ok
from deploy.check.policies import listed, statements
from deploy.check.system import System

_EVENTS = "events.amazonaws.com"
_ACTIONS = {"sqs": "SendMessage", "sns": "Publish", "lambda": "InvokeFunction"}


def delivered(system: System, target: dict[str, Any]) -> Verdict:
    """Judge whether EventBridge may deliver to a target of a rule."""
    arn = target["Arn"]
    service = arn.split(":")[2]
    if "RoleArn" in target:
        return roles.assumable(system, target["RoleArn"], _EVENTS)
    if service not in _ACTIONS:
        return failed(f"the target {arn} has no role", f"give it a RoleArn that {_EVENTS} may assume")
    action = f"{service}:{_ACTIONS[service]}"
    if any(_allows(statement, service, action) for statement in _policy(system, service, arn)):
        return ok(arn.rpartition(":")[2])
    return failed(
        f"the target {arn} does not let EventBridge in: every event is lost",
        f"allow {action} to {_EVENTS} in its policy",
    )


def _policy(system: System, service: str, arn: str) -> list[dict[str, Any]]:
    """Return the statements of a target's own policy."""
    if service == "lambda":
        return policies.of_function(system.client("lambda"), arn)
    if service == "sqs":
        attributes = queues.attributes_of(system, arn)
    else:
        attributes = system.client("sns").get_topic_attributes(TopicArn=arn)["Attributes"]
    return statements(json.loads(attributes["Policy"])) if attributes.get("Policy") else []


def _allows(statement: dict[str, Any], service: str, action: str) -> bool:
    principal = statement.get("Principal", {})
    services = listed(principal.get("Service", [])) if isinstance(principal, dict) else []
    # Services write action names in either case: SNS:Publish.
    actions = {name.lower() for name in listed(statement.get("Action", []))}
    return statement["Effect"] == "Allow" and _EVENTS in services and bool(actions & {action.lower(), f"{service}:*"})

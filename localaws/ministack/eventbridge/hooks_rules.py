"""EventBridge: events of our own services, and targets that get them."""

import importlib
import json
from collections.abc import Callable
from typing import Any

from localaws.ministack.eventbridge import schedules, target_input, targets
from localaws.ministack.eventbridge.courier import Courier
from localaws.ministack.eventbridge.metrics import RuleMetrics
from localaws.ministack.gateway import asking_service
from localaws.ministack.private import private


def accept_events_of_services() -> None:
    """Accept events of the source ``aws.*`` from our own services; EventBridge refuses them to users.

    Hook ``ministack.services.eventbridge._put_events``, whose parameter ``allow_aws_source`` is what MiniStack's own
    services use. `localaws.ministack.gateway.asking_service` says which service asks.
    """
    module = importlib.import_module("ministack.services.eventbridge")
    put_events = private(module.__name__, "_put_events")

    def put(data: Any, allow_aws_source: bool = False) -> Any:
        return put_events(data, allow_aws_source=allow_aws_source or bool(asking_service.get()))

    module._put_events = put  # type: ignore[attr-defined]


def deliver_events(courier: Courier, metrics: RuleMetrics) -> None:
    """Deliver events by `localaws.ministack.eventbridge.courier`.

    Hooks ``ministack.services.eventbridge``: ``_invoke_target``, which rules and schedules call for each event, is
    replaced, but for event buses and API destinations; ``_pattern_event_view`` and ``_render_input_template`` are used.
    """
    events: Any = importlib.import_module("ministack.services.eventbridge")
    invoke = private(events.__name__, "_invoke_target")
    view_of, render = (
        private(events.__name__, "_pattern_event_view"),
        private(events.__name__, "_render_input_template"),
    )

    def deliver(target: dict[str, Any], event: dict[str, Any], rule: dict[str, Any], view: Any = None) -> None:
        metrics.matched(rule["Arn"], event["EventId"])
        if targets.is_forwarded(target):
            metrics.attempted(rule["Arn"], again=False)
            invoke(target, event, rule, view)
            metrics.succeeded(rule["Arn"])
            return
        document = (view or view_of(event)).event_with_detail()
        payload = target_input.payload(target, document, rule, render)
        courier.take(targets.Delivery(target, document, payload, rule["Arn"]))

    events._invoke_target = deliver


def refuse_unsupported_targets() -> None:
    """Refuse a target to which `localaws.ministack.eventbridge` cannot deliver, and a schedule that it cannot read.

    Hooks ``ministack.services.eventbridge._validate_target_arn``, and ``...scheduler._create_schedule`` and
    ``_update_schedule``, which take targets, too. CloudFormation's own way to make a rule, ``_RESOURCE_HANDLERS``, asks
    neither, and checks no pattern (``_event_pattern_error``).
    """
    events: Any = importlib.import_module("ministack.services.eventbridge")
    scheduler: Any = importlib.import_module("ministack.services.scheduler")
    validate, pattern_error = (
        private(events.__name__, name) for name in ("_validate_target_arn", "_event_pattern_error")
    )
    private(scheduler.__name__, "_error"), private(events.__name__, "error_response_json")

    def check(target: dict[str, Any]) -> Any:
        reason = targets.refusal(target)
        return events.error_response_json("ValidationException", reason, 400) if reason else validate(target)

    def checked(function: Callable[..., Any]) -> Callable[..., Any]:
        def called(name: str, body: dict[str, Any]) -> Any:
            reason = targets.refusal(body["Target"]) if (body.get("Target") or {}).get("Arn") else None
            reason = reason or (schedules.refusal(body) if body.get("ScheduleExpression") else None)
            return scheduler._error(400, "ValidationException", reason) if reason else function(name, body)

        return called

    def create_rule(logical_id: str, properties: dict[str, Any], stack_name: str) -> Any:
        pattern = properties.get("EventPattern") or ""
        wrong = [targets.refusal(target) for target in properties.get("Targets", [])]
        wrong.append(pattern_error(json.dumps(pattern) if isinstance(pattern, dict) else pattern))
        if reasons := [reason for reason in wrong if reason]:
            raise ValueError(f"{logical_id}: {'; '.join(reasons)}")
        return create(logical_id, properties, stack_name)

    events._validate_target_arn = check
    rules = private("ministack.services.cloudformation.provisioners", "_RESOURCE_HANDLERS")["AWS::Events::Rule"]
    create, rules["create"] = rules["create"], create_rule
    for name in ("_create_schedule", "_update_schedule"):
        setattr(scheduler, name, checked(private(scheduler.__name__, name)))

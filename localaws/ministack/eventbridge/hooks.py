"""The hooks into EventBridge and its Scheduler."""

from functools import partial

from localaws.ministack.eventbridge.courier import Courier
from localaws.ministack.eventbridge.hooks_rules import (
    accept_events_of_services,
    deliver_events,
    refuse_unsupported_targets,
)
from localaws.ministack.eventbridge.hooks_scheduler import apply_schedule_time_zones, check_schedules_every_second
from localaws.ministack.eventbridge.metrics import RuleMetrics
from localaws.ministack.hook import Hook


def eventbridge_hooks(courier: Courier, metrics: RuleMetrics) -> tuple[Hook, ...]:
    """Return the hooks.

    Parameters
    ----------
    courier : Courier
        Delivers events to targets.
    metrics : RuleMetrics
        Counts matched events.
    """
    return (
        Hook("eventbridge", accept_events_of_services),
        Hook("eventbridge", partial(deliver_events, courier, metrics)),
        Hook("eventbridge", refuse_unsupported_targets),
        Hook("eventbridge", check_schedules_every_second),
        Hook("eventbridge", apply_schedule_time_zones),
    )

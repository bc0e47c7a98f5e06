"""The hooks into CloudWatch."""

from functools import partial

from localaws.ministack.cloudwatch.hooks_alarms import (
    keep_alarm_expressions,
    perform_alarm_actions,
    replace_alarm_evaluation,
)
from localaws.ministack.cloudwatch.hooks_metrics import match_empty_dimensions, throttle_metric_eviction
from localaws.ministack.eventbridge.courier import Courier
from localaws.ministack.eventbridge.targets import Allows
from localaws.ministack.hook import Hook


def cloudwatch_hooks(courier: Courier, allows: Allows, scale: float) -> tuple[Hook, ...]:
    """Return the hooks.

    Parameters
    ----------
    courier : Courier
        Invokes the functions that are an alarm's action.
    allows : callable
        Says whether the policy of another account's topic allows CloudWatch to publish: see `Courier`.
    scale : float
        How many seconds a second of an alarm's period takes.
    """
    return (
        Hook("cloudwatch", throttle_metric_eviction),
        Hook("cloudwatch", match_empty_dimensions),
        Hook("cloudwatch", partial(replace_alarm_evaluation, scale)),
        Hook("cloudwatch", partial(perform_alarm_actions, courier, allows)),
        Hook("cloudwatch", keep_alarm_expressions),
    )

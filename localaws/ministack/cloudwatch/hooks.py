"""The hooks into CloudWatch."""

from functools import partial

from localaws.ministack.cloudwatch.data.recorder import Recorder
from localaws.ministack.cloudwatch.hooks_alarms import (
    bound_history,
    keep_alarm_expressions,
    leave_alarms_to_the_clock,
    perform_alarm_actions,
    refuse_alarms,
)
from localaws.ministack.cloudwatch.hooks_metrics import answer_metric_data, inflate_within_bounds, record_in_store
from localaws.ministack.eventbridge.courier import Courier
from localaws.ministack.eventbridge.targets import Allows
from localaws.ministack.hook import Hook


def cloudwatch_hooks(courier: Courier, allows: Allows, recorder: Recorder) -> tuple[Hook, ...]:
    """Return the hooks.

    Parameters
    ----------
    courier : Courier
        Invokes the functions that are an alarm's action.
    allows : callable
        Says whether the policy of another account's topic allows CloudWatch to publish: see `Courier`.
    recorder : Recorder
        Has the metric data.
    """
    return (
        Hook("cloudwatch", partial(answer_metric_data, recorder)),
        Hook("cloudwatch", partial(record_in_store, recorder)),
        Hook("cloudwatch", inflate_within_bounds),
        Hook("cloudwatch", bound_history),
        Hook("cloudwatch", leave_alarms_to_the_clock),
        Hook("cloudwatch", partial(perform_alarm_actions, courier, allows)),
        Hook("cloudwatch", keep_alarm_expressions),
        Hook("cloudwatch", refuse_alarms, after=("answer_metric_data",)),
    )

"""CloudWatch: alarms that are decided as AWS decides them."""

import importlib
import time
from collections.abc import Callable, Sequence
from typing import Any

from localaws import alarms
from localaws.ministack.hook import hook


def let_alarms_be_decided(scale: float) -> Callable[[], None]:
    """Let metric alarms be decided by `localaws.alarms`; gives the function that decides all of them.

    Hooks ``ministack.services.cloudwatch``: ``_evaluate_alarm``, which is called with every alarm and new datum, is
    replaced; ``_metrics``, ``_dims_key``, ``_dims_from_list``, ``_calc_stats`` and ``_stat_value`` read the data;
    ``_record_history``, ``_dispatch_alarm_actions`` and ``_evaluate_parent_alarms`` do what follows from a new state;
    ``_evaluate_all_alarms`` goes through all.
    """
    cloudwatch: Any = importlib.import_module("ministack.services.cloudwatch")
    names = ("_metrics", "_dims_key", "_dims_from_list", "_calc_stats", "_stat_value", "_record_history")
    more = ("_dispatch_alarm_actions", "_evaluate_parent_alarms", "_evaluate_all_alarms", "_evaluate_alarm")
    for name in (*names, *more):
        hook(cloudwatch.__name__, name)

    def statistic(points: Sequence[alarms.Point], name: str) -> float | None:
        value: float | None = cloudwatch._stat_value(cloudwatch._calc_stats(points), name, points)
        return value

    def evaluate(alarm: dict[str, Any]) -> None:
        if not alarm.get("MetricName"):
            return
        dimensions = cloudwatch._dims_key(cloudwatch._dims_from_list(alarm.get("Dimensions") or []))
        points = cloudwatch._metrics.get((alarm["Namespace"], alarm["MetricName"], dimensions)) or []
        decision = alarms.decide(alarm, points, statistic, time.time(), scale)
        if decision is None or decision[0] == alarm["StateValue"]:
            return
        before, (alarm["StateValue"], alarm["StateReason"]) = alarm["StateValue"], decision
        alarm["StateUpdatedTimestamp"] = int(time.time())
        cloudwatch._record_history(alarm["AlarmName"], before, *decision)
        cloudwatch._dispatch_alarm_actions(alarm, before, *decision)
        cloudwatch._evaluate_parent_alarms(alarm)

    cloudwatch._evaluate_alarm = evaluate
    evaluate_all: Callable[[], None] = cloudwatch._evaluate_all_alarms
    return evaluate_all

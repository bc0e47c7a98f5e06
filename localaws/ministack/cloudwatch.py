"""CloudWatch: alarms that are decided as AWS decides them."""

import importlib
import json
import logging
import time
from collections.abc import Callable, Sequence
from typing import Any

from localaws import alarms
from localaws.alarm_actions import AlarmActions, Ways
from localaws.eventbridge.courier import Courier
from localaws.eventbridge.targets import Delivery
from localaws.ministack.hook import hook

logger = logging.getLogger(__name__)


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


def let_alarms_act(courier: Courier) -> None:
    """Let an alarm's new state become an event, and its actions be done in AWS's words.

    Hook ``ministack.services.cloudwatch._dispatch_alarm_actions``, which metric alarms, composite ones and
    SetAlarmState call; ``...eventbridge._put_events`` and ``...sns.publish_internal`` take what follows.
    """
    cloudwatch: Any = importlib.import_module("ministack.services.cloudwatch")
    events: Any = importlib.import_module("ministack.services.eventbridge")
    sns: Any = importlib.import_module("ministack.services.sns")
    names = ((cloudwatch, "_dispatch_alarm_actions"), (events, "_put_events"))
    names += ((events, "_ensure_default_bus"), (sns, "publish_internal"))
    for module, name in names:
        hook(module.__name__, name)

    def put_event(entry: dict[str, Any]) -> None:
        events._ensure_default_bus()
        events._put_events({"Entries": [entry]}, allow_aws_source=True)

    def publish(topic_arn: str, message: str, subject: str) -> None:
        try:
            sent = sns.publish_internal(topic_arn, message, subject, message_structure="json")
        except ValueError as error:  # such as a FIFO topic
            logger.warning("%s took no alarm: %s", topic_arn, error)
            return
        if sent is None:
            logger.warning("%s took no alarm: it is not there", topic_arn)

    def invoke(function_arn: str, event: dict[str, Any], token: str) -> None:
        courier.take(Delivery({"Arn": function_arn}, {**event, "id": token}, json.dumps(event), event["alarmArn"]))

    cloudwatch._dispatch_alarm_actions = AlarmActions(Ways(put_event, publish, invoke)).follow

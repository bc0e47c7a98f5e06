"""CloudWatch: alarms that are decided as AWS decides them."""

import importlib
import json
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from localaws.ministack.cloudwatch import alarm_state, metric_math
from localaws.ministack.cloudwatch.alarm_actions import AlarmActions, Ways
from localaws.ministack.cloudwatch.alarm_state import Point
from localaws.ministack.eventbridge.courier import Courier
from localaws.ministack.eventbridge.targets import Allows, Delivery
from localaws.ministack.iam.hooks_accounts import account_scope, accounts_of, current_account
from localaws.ministack.private import private

logger = logging.getLogger(__name__)


def replace_alarm_evaluation(scale: float) -> None:
    """Evaluate metric alarms by `alarm_state`.

    Hooks ``ministack.services.cloudwatch``: ``_evaluate_alarm``, which is called with every alarm and new datum, is
    replaced; ``_metrics``, ``_dims_key``, ``_dims_from_list``, ``_calc_stats`` and ``_stat_value`` read the data;
    ``_record_history``, ``_dispatch_alarm_actions`` and ``_evaluate_parent_alarms`` do what follows from a new state.
    """
    cloudwatch: Any = importlib.import_module("ministack.services.cloudwatch")
    names = ("_metrics", "_dims_key", "_dims_from_list", "_calc_stats", "_stat_value", "_record_history")
    more = ("_dispatch_alarm_actions", "_evaluate_parent_alarms", "_evaluate_alarm")
    for name in (*names, *more):
        private(cloudwatch.__name__, name)

    def statistic(points: Sequence[Point], name: str) -> float | None:
        value: float | None = cloudwatch._stat_value(cloudwatch._calc_stats(points), name, points)
        return value

    def points_of(metric: Mapping[str, Any]) -> Sequence[Point]:
        dimensions = cloudwatch._dims_key(cloudwatch._dims_from_list(metric.get("Dimensions") or []))
        found: Sequence[Point] = cloudwatch._metrics.get((metric["Namespace"], metric["MetricName"], dimensions))
        return found or []

    def evaluate(alarm: dict[str, Any]) -> None:
        if alarm.get("Metrics"):
            decided = alarm_state.decide_math(alarm, points_of, statistic, time.time(), scale)
        elif alarm.get("MetricName"):
            decided = alarm_state.decide(alarm, points_of(alarm), statistic, time.time(), scale)
        else:
            return
        if decided is None or decided[0] == alarm["StateValue"]:
            return
        before, (alarm["StateValue"], alarm["StateReason"]) = alarm["StateValue"], decided
        alarm["StateUpdatedTimestamp"] = int(time.time())
        cloudwatch._record_history(alarm["AlarmName"], before, *decided)
        cloudwatch._dispatch_alarm_actions(alarm, before, *decided)
        cloudwatch._evaluate_parent_alarms(alarm)

    cloudwatch._evaluate_alarm = evaluate


def alarm_evaluator() -> Callable[[], None]:
    """Return a function that evaluates the alarms of all accounts.

    Hooks ``ministack.services.cloudwatch._evaluate_all_alarms``, which evaluates those of one, and ``_alarms``.
    """
    evaluate_all: Callable[[], None] = private("ministack.services.cloudwatch", "_evaluate_all_alarms")
    alarms, in_account = private("ministack.services.cloudwatch", "_alarms"), account_scope()

    def evaluate() -> None:
        for account_id in accounts_of(alarms):
            with in_account(account_id):
                evaluate_all()

    return evaluate


def perform_alarm_actions(courier: Courier, allows: Allows) -> None:
    """Send an event about an alarm's new state, and take its actions with AWS's messages.

    Hook ``ministack.services.cloudwatch._dispatch_alarm_actions``, which metric alarms, composite ones and
    SetAlarmState call; ``...eventbridge._put_events`` and ``...sns.publish_internal`` take what follows.
    """
    cloudwatch: Any = importlib.import_module("ministack.services.cloudwatch")
    events: Any = importlib.import_module("ministack.services.eventbridge")
    sns: Any = importlib.import_module("ministack.services.sns")
    private(cloudwatch.__name__, "_dispatch_alarm_actions"), private(sns.__name__, "publish_internal")
    private(events.__name__, "_put_events"), private(events.__name__, "_ensure_default_bus")
    account, in_account = current_account(), account_scope()

    def put_event(entry: dict[str, Any]) -> None:
        events._ensure_default_bus()
        events._put_events({"Entries": [entry]}, allow_aws_source=True)

    def publish(topic_arn: str, message: str, subject: str) -> None:
        account_id = topic_arn.split(":")[4]
        if account_id != account() and not allows("cloudwatch", "sns:Publish", topic_arn, _alarm_arn(message)):
            logger.warning("%s took no alarm: its policy does not allow CloudWatch to publish", topic_arn)
            return
        try:
            with in_account(account_id):
                sent = sns.publish_internal(topic_arn, message, subject, message_structure="json")
        except ValueError as error:  # such as a FIFO topic
            logger.warning("%s took no alarm: %s", topic_arn, error)
            return
        if sent is None:
            logger.warning("%s took no alarm: it is not there", topic_arn)

    def invoke(function_arn: str, event: dict[str, Any], token: str) -> None:
        courier.take(Delivery({"Arn": function_arn}, {**event, "id": token}, json.dumps(event), event["alarmArn"]))

    cloudwatch._dispatch_alarm_actions = AlarmActions(Ways(put_event, publish, invoke)).follow


def _alarm_arn(message: str) -> str:
    """Return the ARN of the alarm that a message is about."""
    told = json.loads(json.loads(message)["default"])
    return str(told["AlarmArn"])


# What an alarm on an expression does not have; MiniStack fills it in.
_OF_ONE_METRIC = ("MetricName", "Namespace", "Statistic", "ExtendedStatistic", "Period", "Dimensions", "Unit")


def keep_alarm_expressions() -> None:
    """Keep the ``Metrics`` of alarms, which MiniStack drops, for `replace_alarm_evaluation` to evaluate.

    Hooks ``ministack.services.cloudwatch._put_metric_alarm`` and
    ``...cloudformation.provisioners._cw_metric_alarm_record``, the two ways in which alarms are made.
    """
    cloudwatch: Any = importlib.import_module("ministack.services.cloudwatch")
    provisioners: Any = importlib.import_module("ministack.services.cloudformation.provisioners")
    put = private(cloudwatch.__name__, "_put_metric_alarm")
    record, error = private(provisioners.__name__, "_cw_metric_alarm_record"), private(cloudwatch.__name__, "_error")

    def with_metrics(alarm: dict[str, Any], metrics: Any) -> dict[str, Any]:
        for name in _OF_ONE_METRIC:
            alarm.pop(name, None)
        alarm["Metrics"] = metrics
        return alarm

    def put_math(params: Any, request: dict[str, Any], is_cbor: bool, is_json: bool = False) -> Any:
        metrics = (request or {}).get("Metrics")
        if not metrics:
            return put(params, request, is_cbor, is_json)
        try:
            metric_math.check(metrics)
        except metric_math.MathError as wrong:
            return error("ValidationError", str(wrong), 400, use_json=is_json, use_cbor=is_cbor)
        answer = put(params, request, is_cbor, is_json)
        if answer[0] == HTTPStatus.OK:
            alarm = with_metrics(cloudwatch._alarms[request["AlarmName"]], metrics)
            cloudwatch._evaluate_alarm(alarm)
        return answer

    def record_math(name: str, properties: dict[str, Any]) -> Any:
        metrics = properties.get("Metrics")
        if not metrics:
            return record(name, properties)
        metric_math.check(metrics)
        stand_in = {"MetricName": "-", "Namespace": "-", "Period": 60, "Statistic": "Average", "Metrics": None}
        return with_metrics(record(name, {**properties, **stand_in}), metrics)

    cloudwatch._put_metric_alarm, provisioners._cw_metric_alarm_record = put_math, record_math

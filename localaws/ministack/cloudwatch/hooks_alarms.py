"""CloudWatch: alarms that are decided as AWS decides them."""

import importlib
import json
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any

from localaws.api_errors import ApiError
from localaws.ministack.cloudwatch import alarm_state
from localaws.ministack.cloudwatch.alarm_actions import AlarmActions, Ways
from localaws.ministack.cloudwatch.alarm_data import AlarmSchedule, values_of
from localaws.ministack.cloudwatch.alarm_request import check_alarm, refused
from localaws.ministack.cloudwatch.alarm_state import metrics_of
from localaws.ministack.cloudwatch.data.metric import Scope
from localaws.ministack.cloudwatch.data.recorder import Recorder
from localaws.ministack.cloudwatch.data.retention import DAY
from localaws.ministack.cloudwatch.data.store import MetricStore
from localaws.ministack.cloudwatch.data.wire import Request
from localaws.ministack.eventbridge.courier import Courier
from localaws.ministack.eventbridge.targets import Allows, Delivery
from localaws.ministack.iam.hooks_accounts import account_scope, all_of, current_account
from localaws.ministack.private import private

logger = logging.getLogger(__name__)


def leave_alarms_to_the_clock() -> None:
    """Do not evaluate an alarm where it is made, nor with each new datum: `alarm_evaluator` does, each second.

    Hook ``ministack.services.cloudwatch._evaluate_alarm``.
    """
    cloudwatch: Any = importlib.import_module("ministack.services.cloudwatch")
    private(cloudwatch.__name__, "_evaluate_alarm")
    cloudwatch._evaluate_alarm = lambda _alarm: None


def refuse_alarms() -> None:
    """Refuse what PutMetricAlarm refuses on AWS, and what would be decided otherwise here.

    Hook ``ministack.services.cloudwatch.handle_request``, which every request comes through.
    """
    cloudwatch: Any = importlib.import_module("ministack.services.cloudwatch")
    handle = private(cloudwatch.__name__, "handle_request")

    async def refuse_or_handle(
        method: str, path: str, headers: Mapping[str, str], body: bytes, query_params: Mapping[str, Any]
    ) -> Any:
        refusal = refused(Request(path, headers, body, query_params))
        return await handle(method, path, headers, body, query_params) if refusal is None else refusal

    cloudwatch.handle_request = refuse_or_handle


_MOST_HISTORY, _HISTORY_SECONDS = 10_000, 30 * DAY


def bound_history() -> None:
    """Forget an alarm's history after 30 days, as AWS does, or when an account's alarms have changed 10,000 times.

    Hook ``ministack.services.cloudwatch._record_history``; ``_history_entries`` returns what there is, in order.
    """
    cloudwatch: Any = importlib.import_module("ministack.services.cloudwatch")
    record, entries = private(cloudwatch.__name__, "_record_history"), private(cloudwatch.__name__, "_history_entries")

    def record_and_forget(*arguments: Any, **more: Any) -> None:
        record(*arguments, **more)
        kept, limit = entries(), time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - _HISTORY_SECONDS))
        del kept[:-_MOST_HISTORY]
        while kept[0]["Timestamp"] < limit:
            del kept[0]

    cloudwatch._record_history = record_and_forget


def alarm_evaluator(recorder: Recorder, scale: float, changed: Callable[[], None]) -> Callable[[], Awaitable[None]]:
    """Return a function that evaluates the alarms of all accounts and regions, by what the store has.

    Uses of ``ministack.services.cloudwatch``: ``_alarms``; and ``_record_history``, ``_dispatch_alarm_actions`` and
    ``_evaluate_parent_alarms``, which do what follows from a new state.

    Parameters
    ----------
    recorder : Recorder
    scale : float
        What a second of an alarm's period takes here, in seconds.
    changed : callable()
        Is told that there is something to save.
    """
    cloudwatch: Any = importlib.import_module("ministack.services.cloudwatch")
    for name in ("_record_history", "_dispatch_alarm_actions", "_evaluate_parent_alarms"):
        private(cloudwatch.__name__, name)
    alarms, in_account, schedule = private(cloudwatch.__name__, "_alarms"), account_scope(), AlarmSchedule(scale)

    def decided(store: MetricStore, scope: Scope, alarm: dict[str, Any], now: float) -> tuple[str, str] | None:
        try:
            return alarm_state.decide(alarm, values_of(store, scope, alarm, now, scale)) if metrics_of(alarm) else None
        except Exception:
            logger.exception("The alarm %s could not be decided", alarm.get("AlarmArn"))
            return None

    def settle(alarm: dict[str, Any], value: str, reason: str) -> None:
        before, alarm["StateValue"], alarm["StateReason"] = alarm["StateValue"], value, reason
        alarm["StateUpdatedTimestamp"] = int(time.time())
        cloudwatch._record_history(alarm["AlarmName"], before, value, reason)
        cloudwatch._dispatch_alarm_actions(alarm, before, value, reason)
        cloudwatch._evaluate_parent_alarms(alarm)
        changed()

    async def evaluate() -> None:
        due: list[tuple[Scope, dict[str, Any]]] = [
            (Scope(*alarm["AlarmArn"].split(":")[4:2:-1]), alarm) for alarm in schedule.due(all_of(alarms))
        ]
        now = time.time()
        found = await recorder.read(lambda store: [decided(store, *each, now) for each in due])
        for (scope, alarm), decision in zip(due, found, strict=True):
            with in_account(scope.account_id, scope.region):
                if decision and decision[0] != alarm["StateValue"] and alarms.get(alarm["AlarmName"]) is alarm:
                    settle(alarm, *decision)

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
    """Keep the ``Metrics`` of alarms, which MiniStack drops, for `alarm_evaluator`; refuse a template's wrong alarm.

    Hooks ``ministack.services.cloudwatch._put_metric_alarm`` and
    ``...cloudformation.provisioners._cw_metric_alarm_record``, the two ways in which alarms are made.
    """
    cloudwatch: Any = importlib.import_module("ministack.services.cloudwatch")
    provisioners: Any = importlib.import_module("ministack.services.cloudformation.provisioners")
    put = private(cloudwatch.__name__, "_put_metric_alarm")
    record = private(provisioners.__name__, "_cw_metric_alarm_record")

    def with_metrics(alarm: dict[str, Any], metrics: Any) -> dict[str, Any]:
        for name in _OF_ONE_METRIC:
            alarm.pop(name, None)
        alarm["Metrics"] = metrics
        return alarm

    def put_math(params: Any, request: dict[str, Any], is_cbor: bool, is_json: bool = False) -> Any:
        metrics = (request or {}).get("Metrics")
        answer = put(params, request, is_cbor, is_json)
        if metrics and answer[0] == HTTPStatus.OK:
            with_metrics(cloudwatch._alarms[request["AlarmName"]], metrics)
        return answer

    def record_math(name: str, properties: dict[str, Any]) -> Any:
        try:
            check_alarm(properties)
        except ApiError as error:
            raise ValueError(error.message) from error
        if not (metrics := properties.get("Metrics")):
            return record(name, properties)
        stand_in = {"MetricName": "-", "Namespace": "-", "Period": 60, "Statistic": "Average", "Metrics": None}
        return with_metrics(record(name, {**properties, **stand_in}), metrics)

    cloudwatch._put_metric_alarm, provisioners._cw_metric_alarm_record = put_math, record_math

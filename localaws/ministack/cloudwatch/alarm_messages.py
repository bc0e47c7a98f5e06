"""What CloudWatch sends when an alarm changes its state: to EventBridge, SNS (programs and people) and functions.

Sources: "Alarm events and EventBridge", "Notifying users on alarm changes" and "Invoke a Lambda function from an
alarm" in the CloudWatch User Guide.
"""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from localaws.document import Document
from localaws.protocol.times import iso_milliseconds

_REGION_NAMES = {"us-east-1": "US East (N. Virginia)"}
_ACTIONS = {"ALARM": "AlarmActions", "OK": "OKActions", "INSUFFICIENT_DATA": "InsufficientDataActions"}


@dataclass(frozen=True)
class State:
    """A state of an alarm.

    Attributes
    ----------
    value : str
        ``OK``, ``ALARM`` or ``INSUFFICIENT_DATA``.
    reason : str
    since : float
        In seconds since the epoch.
    """

    value: str
    reason: str
    since: float

    @property
    def document(self) -> Document:
        """Return it as events show it."""
        return {"value": self.value, "reason": self.reason, "timestamp": _time(self.since)}


@dataclass(frozen=True)
class Change:
    """An alarm that has changed its state.

    Attributes
    ----------
    alarm : mapping
        As DescribeAlarms tells it.
    before, now : State
    """

    alarm: Mapping[str, Any]
    before: State
    now: State

    @property
    def actions(self) -> list[str]:
        """Return the ARNs of the actions to take."""
        enabled = self.alarm.get("ActionsEnabled", True)
        return list(self.alarm.get(_ACTIONS[self.now.value]) or []) if enabled else []

    @property
    def subject(self) -> str:
        """Return the subject of the notification."""
        return f'{self.now.value}: "{self.alarm["AlarmName"]}" in {self._region_name}'[:100]

    @property
    def event(self) -> Document:
        """Return the entry of PutEvents."""
        return {
            "Source": "aws.cloudwatch",
            "DetailType": "CloudWatch Alarm State Change",
            "Resources": [self.alarm["AlarmArn"]],
            "Detail": json.dumps(self._data),
        }

    @property
    def function_event(self) -> Document:
        """Return the event for a function that is the alarm's action."""
        return {
            "source": "aws.cloudwatch",
            "alarmArn": self.alarm["AlarmArn"],
            "accountId": self._account,
            "time": _time(self.now.since),
            "region": self._region,
            "alarmData": self._data,
        }

    @property
    def token(self) -> str:
        """Return a token that is the same whenever this change is reported."""
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{self.alarm['AlarmArn']}{self.now.since}{self.now.value}"))

    @property
    def message(self) -> str:
        """Return the SNS message: a document for programs, a text for e-mail."""
        return json.dumps({"default": json.dumps(self._notification), "email": self._text})

    @property
    def _region(self) -> str:
        region: str = self.alarm["AlarmArn"].split(":")[3]
        return region

    @property
    def _region_name(self) -> str:
        return _REGION_NAMES.get(self._region, self._region)

    @property
    def _account(self) -> str:
        account: str = self.alarm["AlarmArn"].split(":")[4]
        return account

    @property
    def _data(self) -> Document:
        configuration: Document = {"description": self.alarm.get("AlarmDescription") or ""}
        if rule := self.alarm.get("AlarmRule"):
            configuration["alarmRule"] = rule
        else:
            queries = self.alarm.get("Metrics")
            configuration["metrics"] = [_lower_camel(query) for query in queries] if queries else [self._metric]
        states = {"state": self.now.document, "previousState": self.before.document}
        return {"alarmName": self.alarm["AlarmName"], **states, "configuration": configuration}

    @property
    def _metric(self) -> Document:
        dimensions = {each["Name"]: each["Value"] for each in self.alarm.get("Dimensions") or []}
        metric = {"namespace": self.alarm["Namespace"], "name": self.alarm["MetricName"], "dimensions": dimensions}
        stat = {"metric": metric, "period": int(self.alarm["Period"]), "stat": _statistic(self.alarm)}
        name = str(uuid.uuid5(uuid.NAMESPACE_URL, self.alarm["AlarmArn"]))
        return {"id": name, "metricStat": stat, "returnData": True}

    @property
    def _notification(self) -> Document:
        found: Document = {
            "AlarmName": self.alarm["AlarmName"],
            "AlarmDescription": self.alarm.get("AlarmDescription") or None,
            "AWSAccountId": self._account,
            "NewStateValue": self.now.value,
            "NewStateReason": self.now.reason,
            "StateChangeTime": _time(self.now.since),
            "Region": self._region_name,
            "AlarmArn": self.alarm["AlarmArn"],
            "OldStateValue": self.before.value,
            **{name: list(self.alarm.get(name) or []) for name in _ACTIONS.values()},
        }
        if rule := self.alarm.get("AlarmRule"):
            return {**found, "AlarmRule": rule}
        return {**found, "Trigger": {**self._measured, **self._limits}}

    @property
    def _limits(self) -> Document:
        return {
            "EvaluationPeriods": int(self.alarm["EvaluationPeriods"]),
            "DatapointsToAlarm": int(self.alarm.get("DatapointsToAlarm") or self.alarm["EvaluationPeriods"]),
            "ComparisonOperator": self.alarm["ComparisonOperator"],
            "Threshold": float(self.alarm["Threshold"]),
            "TreatMissingData": self.alarm.get("TreatMissingData") or "missing",
        }

    @property
    def _measured(self) -> Document:
        if queries := self.alarm.get("Metrics"):
            return {"Metrics": queries}
        dimensions = [{"name": each["Name"], "value": each["Value"]} for each in self.alarm.get("Dimensions") or []]
        return {
            "MetricName": self.alarm["MetricName"],
            "Namespace": self.alarm["Namespace"],
            "StatisticType": "ExtendedStatistic" if self.alarm.get("ExtendedStatistic") else "Statistic",
            "Statistic": self.alarm.get("ExtendedStatistic") or _statistic(self.alarm).upper(),
            "Unit": self.alarm.get("Unit"),
            "Dimensions": dimensions,
            "Period": int(self.alarm["Period"]),
        }

    @property
    def _text(self) -> str:
        lines = [
            f'The CloudWatch alarm "{self.alarm["AlarmName"]}" in {self._region_name} has entered the state '
            f"{self.now.value}: {self.now.reason}",
            "",
            f"Description:   {self.alarm.get('AlarmDescription') or '-'}",
            f"State change:  {self.before.value} -> {self.now.value}, {_time(self.now.since)}",
            f"Alarm ARN:     {self.alarm['AlarmArn']}",
        ]
        if rule := self.alarm.get("AlarmRule"):
            return "\n".join([*lines, f"Rule:          {rule}"])
        periods = f"in {self.alarm['EvaluationPeriods']} period(s)"
        threshold = f"{self.alarm['ComparisonOperator']} {float(self.alarm['Threshold']):g} {periods}"
        return "\n".join([*lines, *self._measured_lines, f"Threshold:     {threshold}"])

    @property
    def _measured_lines(self) -> list[str]:
        if queries := self.alarm.get("Metrics"):
            return [f"Expression:    {query['Expression']}" for query in queries if query.get("Expression")]
        dimensions = ", ".join(f"{each['Name']} = {each['Value']}" for each in self.alarm.get("Dimensions") or [])
        metric = f"{_statistic(self.alarm)} of {self.alarm['Namespace']} {self.alarm['MetricName']}"
        return [
            f"Metric:        {metric} over {self.alarm['Period']} seconds",
            f"Dimensions:    {dimensions or '-'}",
        ]


def _lower_camel(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {f"{name[:1].lower()}{name[1:]}": _lower_camel(item) for name, item in value.items()}
    return [_lower_camel(item) for item in value] if isinstance(value, list) else value


def _statistic(alarm: Mapping[str, Any]) -> str:
    return str(alarm.get("ExtendedStatistic") or alarm.get("Statistic") or "Average")


def _time(seconds: float) -> str:
    return iso_milliseconds(seconds).replace("Z", "+0000")

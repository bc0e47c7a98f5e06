"""What follows from an alarm: the event, the message to programs, the mail to people, the function."""

import json
import uuid
from typing import Any

import pytest

from localaws.ministack.cloudwatch.alarm_actions import AlarmActions, Ways
from localaws.ministack.sns.mailbox import Mailbox
from tests.conftest import LocalAws
from tests.localaws.queues import messages, new_queue

ALARM = {
    "AlarmName": "slow",
    "AlarmArn": "arn:aws:cloudwatch:us-east-1:000000000000:alarm:slow",
    "Namespace": "AWS/SageMaker",
    "MetricName": "ModelLatency",
    "Dimensions": [{"Name": "EndpointName", "Value": "e"}],
    "ExtendedStatistic": "p99",
    "Period": 60,
    "EvaluationPeriods": 3,
    "Threshold": 100.0,
    "ComparisonOperator": "GreaterThanThreshold",
}


def test_an_alarm_tells_programs_people_and_the_event_bus(local_aws: LocalAws) -> None:
    name = f"alarm-{uuid.uuid4().hex[:8]}"
    cloudwatch, sns, events = (local_aws.client(service) for service in ("cloudwatch", "sns", "events"))
    topic = sns.create_topic(Name=name)["TopicArn"]
    url, queue = new_queue(local_aws, "alarmed")
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)
    sns.subscribe(TopicArn=topic, Protocol="email", Endpoint=f"{name}@example.com")
    assert local_aws.command("mail", "confirm", f"{name}@example.com").returncode == 0
    event_url, event_queue = new_queue(local_aws, "alarm-events")
    pattern = {"source": ["aws.cloudwatch"], "detail": {"alarmName": [name]}}
    events.put_rule(Name=name, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=name, Targets=[{"Id": "q", "Arn": event_queue}])
    cloudwatch.put_metric_alarm(
        AlarmName=name,
        AlarmDescription="too many errors",
        Namespace=name,
        MetricName="Errors",
        Dimensions=[{"Name": "EndpointName", "Value": "e"}],
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=2,
        ComparisonOperator="GreaterThanThreshold",
        AlarmActions=[topic],
    )
    datum = {"MetricName": "Errors", "Value": 3, "Dimensions": [{"Name": "EndpointName", "Value": "e"}]}
    cloudwatch.put_metric_data(Namespace=name, MetricData=[datum])

    [message] = messages(local_aws, url, 1)
    envelope = json.loads(message["Body"])
    assert envelope["Subject"] == f'ALARM: "{name}" in US East (N. Virginia)'
    told = json.loads(envelope["Message"])
    assert (told["AlarmName"], told["NewStateValue"], told["OldStateValue"]) == (name, "ALARM", "INSUFFICIENT_DATA")
    assert "Threshold Crossed" in told["NewStateReason"]
    trigger = told["Trigger"]
    assert (trigger["Statistic"], trigger["Threshold"], trigger["DatapointsToAlarm"]) == ("SUM", 2.0, 1)
    assert trigger["Dimensions"] == [{"name": "EndpointName", "value": "e"}]

    mails = [mail for mail in Mailbox(local_aws.state_dir / "outbox").mails() if mail.to == f"{name}@example.com"]
    assert mails[-1].subject == envelope["Subject"]
    assert "has entered the state ALARM: Threshold Crossed" in mails[-1].text
    assert "too many errors" in mails[-1].text
    assert "{" not in mails[-1].text.partition("--")[0]

    [message] = messages(local_aws, event_url, 1)
    event = json.loads(message["Body"])
    assert event["detail-type"] == "CloudWatch Alarm State Change"
    assert event["resources"] == [told["AlarmArn"]]
    detail = event["detail"]
    assert (detail["state"]["value"], detail["previousState"]["value"]) == ("ALARM", "INSUFFICIENT_DATA")
    [metric] = detail["configuration"]["metrics"]
    assert metric["metricStat"] == {
        "metric": {"namespace": name, "name": "Errors", "dimensions": {"EndpointName": "e"}},
        "period": 60,
        "stat": "Sum",
    }


def test_a_composite_alarm_follows_its_children(local_aws: LocalAws) -> None:
    name = f"alarm-{uuid.uuid4().hex[:8]}"
    cloudwatch, sns = local_aws.client("cloudwatch"), local_aws.client("sns")
    topic = sns.create_topic(Name=name)["TopicArn"]
    url, queue = new_queue(local_aws, "composite")
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)
    cloudwatch.put_metric_alarm(
        AlarmName=f"{name}-child",
        Namespace=name,
        MetricName="Errors",
        Statistic="Sum",
        Period=86_400,
        EvaluationPeriods=1,
        Threshold=2,
        ComparisonOperator="GreaterThanThreshold",
    )
    rule = f'ALARM("{name}-child")'
    cloudwatch.put_composite_alarm(AlarmName=name, AlarmRule=rule, AlarmActions=[topic])
    cloudwatch.put_metric_data(Namespace=name, MetricData=[{"MetricName": "Errors", "Value": 3}])
    [message] = messages(local_aws, url, 1)
    told = json.loads(json.loads(message["Body"])["Message"])
    assert (told["AlarmName"], told["NewStateValue"], told["AlarmRule"]) == (name, "ALARM", rule)


class Said:
    """Hears what would be done."""

    def __init__(self) -> None:
        self.heard: list[tuple[Any, ...]] = []
        self.ways = Ways(self._hear("event"), self._hear("publish"), self._hear("invoke"))

    def _hear(self, what: str) -> Any:
        return lambda *arguments: self.heard.append((what, *arguments))


@pytest.mark.parametrize("enabled", [True, False])
def test_the_event_comes_always_and_actions_when_enabled(enabled: bool) -> None:
    said, topic, function = Said(), "arn:aws:sns:us-east-1:0:t", "arn:aws:lambda:us-east-1:0:function:f"
    actions = {"AlarmActions": [topic, function], "OKActions": [topic], "ActionsEnabled": enabled}
    follow = AlarmActions(said.ways).follow
    follow({**ALARM, **actions}, "OK", "ALARM", "it is slow")
    follow({**ALARM, **actions}, "ALARM", "OK", "it is quick")
    expected = ["event", "publish", "invoke", "event", "publish"] if enabled else ["event", "event"]
    assert [each[0] for each in said.heard] == expected
    first, last = [json.loads(each[1]["Detail"]) for each in said.heard if each[0] == "event"]
    assert first["previousState"]["value"] == "OK"
    assert last["previousState"] == first["state"]
    if enabled:
        event = said.heard[2][2]
        assert (event["source"], event["alarmData"]["state"]["reason"]) == ("aws.cloudwatch", "it is slow")
        trigger = json.loads(json.loads(said.heard[1][2])["default"])["Trigger"]
        assert (trigger["StatisticType"], trigger["Statistic"]) == ("ExtendedStatistic", "p99")


def test_an_action_that_nobody_knows_is_said(caplog: pytest.LogCaptureFixture) -> None:
    action = "arn:aws:ssm:us-east-1:0:opsitem:1"
    AlarmActions(Said().ways).follow({**ALARM, "AlarmActions": [action]}, "OK", "ALARM", "r")
    assert action in caplog.text

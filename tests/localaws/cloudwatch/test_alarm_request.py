"""Alarms that are refused, by AWS or because they would be decided otherwise here."""

import uuid
from typing import Any
from urllib.parse import urlencode

import pytest
from botocore.exceptions import ClientError

from localaws.api_errors import ValidationError
from localaws.ministack.cloudwatch.alarm_request import check_alarm, refused
from localaws.ministack.cloudwatch.data.wire import Request
from tests.conftest import LocalAws, until

GOOD = {
    "AlarmName": "a",
    "Namespace": "N",
    "MetricName": "M",
    "Statistic": "Sum",
    "Period": 60,
    "EvaluationPeriods": 3,
    "Threshold": 1.0,
    "ComparisonOperator": "GreaterThanThreshold",
}
STAT = {"Metric": {"Namespace": "N", "MetricName": "M"}, "Period": 60, "Stat": "Sum"}
QUERIES = [{"Id": "m", "MetricStat": STAT, "ReturnData": False}, {"Id": "e", "Expression": "m * 2"}]


def changed(**members: Any) -> dict[str, Any]:
    """A good alarm with other members; None takes one away."""
    return {name: value for name, value in {**GOOD, **members}.items() if value is not None}


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"Statistic": None, "ExtendedStatistic": "tm99"},
        {"Period": 10, "DatapointsToAlarm": 3, "TreatMissingData": "notBreaching"},
        {"Period": "60", "EvaluationPeriods": "3"},  # of a template
        {"Period": 3600, "EvaluationPeriods": 168},
        {"EvaluateLowSampleCountPercentile": "evaluate"},
        {"Metrics": QUERIES, "MetricName": None, "Statistic": None, "Period": None},
    ],
)
def test_a_good_alarm_is_taken(members: dict[str, Any]) -> None:
    check_alarm(changed(**members))


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"ComparisonOperator": "GreaterThanUpperThreshold"}, "not GreaterThanUpperThreshold"),
        ({"ThresholdMetricId": "band"}, "does not support ThresholdMetricId"),
        ({"EvaluationInterval": 10}, "does not support EvaluationInterval"),
        ({"TreatMissingData": "often"}, "The value often is unsupported for TreatMissingData"),
        ({"EvaluateLowSampleCountPercentile": "ignore"}, "EvaluateLowSampleCountPercentile is ignore"),
        ({"Threshold": None}, "Threshold is required"),
        ({"Statistic": None}, "Exactly one of the parameters Statistic and ExtendedStatistic"),
        ({"ExtendedStatistic": "p99"}, "Exactly one of the parameters Statistic and ExtendedStatistic"),
        ({"Statistic": None, "ExtendedStatistic": "p101"}, "The value p101 is no statistic"),
        ({"MetricName": None}, "Exactly one of the parameters MetricName and Metrics"),
        ({"Metrics": QUERIES}, "Exactly one of the parameters MetricName and Metrics"),
        ({"MetricName": None, "Metrics": [{"Id": "e", "Expression": "RATE(m)"}]}, "RATE is not supported"),
        (
            {"MetricName": None, "Metrics": [{"Id": "m", "MetricStat": {**STAT, "Stat": "Median"}}]},
            "The value Median is no statistic",
        ),
        ({"Period": 45}, "must be 10, 20, 30 or a multiple of 60: 45"),
        ({"EvaluationPeriods": 1441}, "across more than 1 day"),
        ({"Period": 3600, "EvaluationPeriods": 169}, "across more than 7 day"),
        ({"DatapointsToAlarm": 4}, "from 1 to EvaluationPeriods, 3: 4"),
    ],
)
def test_what_an_alarm_cannot_be(members: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        check_alarm(changed(**members))


def test_a_form_is_read_as_well_and_other_requests_are_let_through() -> None:
    good = {"Action": "PutMetricAlarm", **GOOD}
    assert refused(Request("/", {}, urlencode(good).encode(), {})) is None
    assert refused(Request("/", {}, b"Action=DescribeAlarms", {})) is None
    for more, words in (
        ({"Period": 45}, b"multiple of 60: 45"),
        ({"Unit": "Furlong"}, b"enum value set"),
        ({"InsufficientDataActions.member.1": "arn:aws:sns:us-east-1:000000000000:t"}, b"from a form"),
    ):
        answer = refused(Request("/", {}, urlencode({**good, **more}).encode(), {}))
        assert answer is not None
        assert answer[0] == 400
        assert words in answer[2]


def test_hook_a_wrong_alarm_is_not_there(local_aws: LocalAws) -> None:
    """`refuse_alarms` and, for templates, `keep_alarm_expressions`."""
    cloudwatch, name = local_aws.client("cloudwatch"), f"wrong-{uuid.uuid4().hex[:8]}"
    with pytest.raises(ClientError, match=r"ValidationError.*not LessThanLowerThreshold"):
        cloudwatch.put_metric_alarm(**changed(AlarmName=name, ComparisonOperator="LessThanLowerThreshold"))
    stacks = local_aws.client("cloudformation")
    lines = [f"      {member}: {value}" for member, value in changed(AlarmName=name, Period=45).items()]
    template = "\n".join(["Resources:", "  A:", "    Type: AWS::CloudWatch::Alarm", "    Properties:", *lines])
    stacks.create_stack(StackName=name, TemplateBody=template, OnFailure="DELETE")

    def reasons() -> str:
        events = stacks.describe_stack_events(StackName=name)["StackEvents"]
        return " ".join(event.get("ResourceStatusReason", "") for event in events)

    until(lambda: "multiple of 60: 45" in reasons())
    assert cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"] == []

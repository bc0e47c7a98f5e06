"""Alarms: what they are decided by, as tables; and the real ones, by their dimensions and missing data."""

import time

import pytest

from localaws.ministack.cloudwatch.alarm_state import decide
from tests.localaws.sagemaker.conftest import unique

NOW = 1_000_000.0


def alarm(**members):
    return {
        "EvaluationPeriods": 3,
        "Period": 60,
        "Threshold": 10,
        "Statistic": "Average",
        "ComparisonOperator": "GreaterThanThreshold",
        **members,
    }


def mean(points, name):
    assert name == "Average"
    return sum(point["Value"] for point in points) / len(points)


def points(*values):
    """A value in each period, the latest first; None for no data."""
    return [{"Timestamp": NOW - 60 * n - 30, "Value": v} for n, v in enumerate(values) if v is not None]


@pytest.mark.parametrize(
    ("members", "values", "state"),
    [
        ({}, (11, 12, 13), "ALARM"),
        ({}, (11, 9, 13), "OK"),
        ({"DatapointsToAlarm": 2}, (11, 9, 13), "ALARM"),
        ({"DatapointsToAlarm": 2}, (11, 9, 9), "OK"),
        ({}, (10, 10, 10), "OK"),
        ({"ComparisonOperator": "GreaterThanOrEqualToThreshold"}, (10, 10, 10), "ALARM"),
        ({"ComparisonOperator": "LessThanThreshold"}, (9, 9, 9), "ALARM"),
        ({}, (None, None, None), "INSUFFICIENT_DATA"),
        ({"TreatMissingData": "notBreaching"}, (None, None, None), "OK"),
        ({"TreatMissingData": "breaching"}, (None, None, None), "ALARM"),
        ({"TreatMissingData": "ignore"}, (None, None, None), None),
        ({"TreatMissingData": "breaching", "DatapointsToAlarm": 2}, (None, 9, 11), "ALARM"),
        ({"TreatMissingData": "notBreaching", "DatapointsToAlarm": 2}, (None, 9, 11), "OK"),
        ({"EvaluationPeriods": 1}, (9, 50, 50), "OK"),
    ],
)
def test_the_state_by_datapoints_and_missing_data(members, values, state):
    decision = decide(alarm(**members), points(*values), mean, NOW, scale=1)
    assert (decision and decision[0]) == state


def test_a_scaled_period_is_shorter():
    old = [{"Timestamp": NOW - 30, "Value": 50}]
    assert decide(alarm(EvaluationPeriods=1), old, mean, NOW, scale=1)[0] == "ALARM"
    assert decide(alarm(EvaluationPeriods=1), old, mean, NOW, scale=0.1)[0] == "INSUFFICIENT_DATA"


@pytest.fixture
def cloudwatch(local_aws):
    return local_aws.client("cloudwatch")


def state(cloudwatch, name):
    [found] = cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"]
    return found["StateValue"]


def wait_for(cloudwatch, name, wanted):
    deadline = time.monotonic() + 60
    while state(cloudwatch, name) != wanted:
        assert time.monotonic() < deadline, state(cloudwatch, name)
        time.sleep(0.05)


def put(cloudwatch, metric, value, **dimensions):
    named = [{"Name": name, "Value": text} for name, text in dimensions.items()]
    datum = {"MetricName": metric, "Dimensions": named, "Values": [float(value)], "Counts": [2.0]}
    cloudwatch.put_metric_data(Namespace="Test", MetricData=[datum])


def test_an_alarm_hears_of_its_own_dimensions_only(cloudwatch):
    name = unique("alarm")
    cloudwatch.put_metric_alarm(
        AlarmName=name,
        Namespace="Test",
        MetricName=name,
        Dimensions=[{"Name": "EndpointName", "Value": "mine"}],
        Statistic="Average",
        Period=60,
        EvaluationPeriods=1,
        Threshold=0.5,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="notBreaching",
    )
    wait_for(cloudwatch, name, "OK")
    put(cloudwatch, name, 1, EndpointName="other")
    put(cloudwatch, name, 1)
    time.sleep(1.2)
    assert state(cloudwatch, name) == "OK"
    put(cloudwatch, name, 1, EndpointName="mine")
    wait_for(cloudwatch, name, "ALARM")
    history = cloudwatch.describe_alarm_history(AlarmName=name, HistoryItemType="StateUpdate")["AlarmHistoryItems"]
    assert any("to ALARM" in item["HistorySummary"] for item in history)

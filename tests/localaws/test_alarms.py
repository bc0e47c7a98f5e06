"""Alarms: what they are decided by, as tables; and the real ones, by their dimensions and missing data."""

import time

import pytest

from localaws.ministack.cloudwatch.alarm_data import AlarmSchedule, values_of
from localaws.ministack.cloudwatch.alarm_state import decide
from localaws.ministack.cloudwatch.data.aggregate import single
from localaws.ministack.cloudwatch.data.metric import Datum, Metric, Scope
from localaws.ministack.cloudwatch.data.store import MetricStore
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


STATES = {"missing": 0, "ignore": 1, "breaching": 2, "notBreaching": 3}


@pytest.mark.parametrize("treatment", STATES)
@pytest.mark.parametrize(
    ("needed", "told", "states"),
    [
        # The tables of "Configuring how CloudWatch alarms treat missing data": the latest on the right, 9 breaches.
        (3, "0 - 9 - 9", ("OK", "OK", "OK", "OK")),
        (3, "0 - - - -", ("OK", "OK", "OK", "OK")),
        (3, "- - - - -", ("INSUFFICIENT_DATA", None, "ALARM", "OK")),
        (3, "0 9 9 - 9", ("ALARM", "ALARM", "ALARM", "ALARM")),
        (3, "- - 9 - -", ("ALARM", None, "ALARM", "OK")),
        (2, "0 - 9 - 9", ("ALARM", "ALARM", "ALARM", "ALARM")),
        (2, "0 0 9 0 9", ("ALARM", "ALARM", "ALARM", "ALARM")),
        (2, "0 - 9 - -", ("OK", "OK", "ALARM", "OK")),
        (2, "- - - - 0", ("OK", "OK", "ALARM", "OK")),
        (2, "- - - 9 -", ("ALARM", None, "ALARM", "OK")),
        # "Avoiding premature transitions": not yet, as the next may not breach.
        (3, "- - - - 9", ("OK", "OK", "ALARM", "OK")),
        (3, "- - - 9 -", ("OK", "OK", "ALARM", "OK")),
        # What is older than the latest three that have data says nothing.
        (3, "9 9 0 0 0", ("OK", "OK", "OK", "OK")),
        (3, "0 0 9 9 9", ("ALARM", "ALARM", "ALARM", "ALARM")),
    ],
)
def test_the_state_by_datapoints_and_missing_data(needed, told, states, treatment):
    values = [None if text == "-" else float(text) for text in reversed(told.split())]
    members = {"Threshold": 5, "DatapointsToAlarm": needed, "TreatMissingData": treatment}
    decision = decide(alarm(**members), {"": values})
    assert (decision and decision[0]) == states[STATES[treatment]]


@pytest.mark.parametrize(
    ("comparison", "state"),
    [
        ("GreaterThanThreshold", "OK"),
        ("GreaterThanOrEqualToThreshold", "ALARM"),
        ("LessThanThreshold", "OK"),
        ("LessThanOrEqualToThreshold", "ALARM"),
    ],
)
def test_how_a_value_at_the_threshold_compares(comparison, state):
    assert decide(alarm(ComparisonOperator=comparison), {"": [10.0] * 5})[0] == state


def test_an_alarm_reads_the_periods_that_end_now(tmp_path):
    store, mine = MetricStore(tmp_path / "m.sqlite"), Scope("1", "r")
    metric = Metric(mine, "N", "M", (("A", "a"), ("B", "b")))
    ages = (0, 30, 59, 70, 130)
    store.write(Datum(metric, int((NOW - age) * 1000), single(float(age), 1.0)) for age in ages)
    dimensions = [{"Name": "B", "Value": "b"}, {"Name": "A", "Value": "a"}]
    of = alarm(Namespace="N", MetricName="M", Dimensions=dimensions, EvaluationPeriods=2, Statistic="Maximum")
    assert values_of(store, mine, of, NOW, scale=1) == {"": [59.0, 70.0, 130.0, None]}
    assert values_of(store, mine, of, NOW, scale=0.5) == {"": [0.0, 59.0, 70.0, None]}
    assert values_of(store, Scope("2", "r"), of, NOW, scale=1) == {"": [None] * 4}
    percentile = {**of, "Statistic": None, "ExtendedStatistic": "p50"}
    assert values_of(store, mine, percentile, NOW, scale=1)[""][0] == 30.0
    assert values_of(store, mine, {**of, "Unit": "Seconds"}, NOW, scale=1) == {"": [None] * 4}


def test_an_alarm_is_looked_at_as_often_as_its_period_asks_for():
    schedule = AlarmSchedule(1)
    minute = alarm(AlarmArn="minute", MetricName="M", Namespace="N", AlarmConfigurationUpdatedTimestamp=1)
    hour = {**minute, "AlarmArn": "hour", "Period": 3600}
    assert schedule.due([minute, hour]) == [minute, hour]
    assert schedule.due([minute, hour]) == []
    changed = {**hour, "AlarmConfigurationUpdatedTimestamp": 2}
    assert schedule.due([minute, changed]) == [changed]
    time.sleep(1.05)
    assert schedule.due([minute, changed]) == [minute]


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

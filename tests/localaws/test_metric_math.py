"""Alarms on expressions: the arithmetic as a table, and a real one."""

import json
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localaws.ministack.cloudwatch.metric_math import MathError, check, work_out
from tests.conftest import LocalAws
from tests.localaws.test_alarms import wait_for


def queries(expression: str, *names: str) -> list[dict[str, Any]]:
    metrics = [{"Id": name, "MetricStat": {}, "ReturnData": False} for name in names]
    return [*metrics, {"Id": "result", "Expression": expression, "ReturnData": True}]


@pytest.mark.parametrize(
    ("expression", "values", "expected"),
    [
        ("100 * m1 / m2", {"m1": 1.0, "m2": 4.0}, 25.0),
        ("m1 / m2", {"m1": 1.0, "m2": 0.0}, None),
        ("m1 + m2", {"m1": 1.0, "m2": None}, None),
        ("m1 + FILL(m2, 0)", {"m1": 1.0, "m2": None}, 1.0),
        ("-m1 ^ 2", {"m1": 3.0}, -9.0),
        ("IF(m2 > 10, m1 / m2, 0)", {"m1": 5.0, "m2": 20.0}, 0.25),
        ("IF(m2 > 10, m1 / m2, 0)", {"m1": 5.0, "m2": 2.0}, 0.0),
        ("m1 > 1 AND m2 > 1", {"m1": 2.0, "m2": 0.0}, 0.0),
        ("m1 > 1 OR m2 > 1", {"m1": 2.0, "m2": 0.0}, 1.0),
        ("SUM(METRICS())", {"m1": 2.0, "m2": None, "m3": 3.0}, 5.0),
        ("MAX([m1, m2])", {"m1": 2.0, "m2": 7.0}, 7.0),
        ("AVG(METRICS())", {"m1": None}, None),
        ("CEIL(m1)", {"m1": 1.2}, 2.0),
    ],
)
def test_what_an_expression_gives(expression: str, values: dict[str, float | None], expected: float | None) -> None:
    assert work_out(queries(expression, *values), values) == expected


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("ANOMALY_DETECTION_BAND(m1)", "function ANOMALY_DETECTION_BAND is not supported"),
        ("m1 +", "cannot be read"),
        ("m1 + m9", "no metric 'm9'"),
        ("result + 1", "no metric 'result'"),
        ("m1.real", "is not supported"),
        ("ABS(m1, m1)", "number of arguments"),
    ],
)
def test_what_cannot_be_worked_out_is_refused(expression: str, reason: str) -> None:
    with pytest.raises(MathError, match=reason):
        check(queries(expression, "m1"))


def test_one_query_returns_data() -> None:
    with pytest.raises(MathError, match="Exactly one query"):
        check([{"Id": "m1", "MetricStat": {}}, {"Id": "m2", "MetricStat": {}}])


def _error_rate(namespace: str) -> list[dict[str, Any]]:
    def stat(name: str) -> dict[str, Any]:
        return {"Metric": {"Namespace": namespace, "MetricName": name}, "Period": 60, "Stat": "Sum"}

    return [
        {"Id": "errors", "MetricStat": stat("Errors"), "ReturnData": False},
        {"Id": "calls", "MetricStat": stat("Calls"), "ReturnData": False},
        {"Id": "rate", "Expression": "100 * FILL(errors, 0) / calls", "Label": "Error rate", "ReturnData": True},
    ]


@pytest.mark.parametrize("by_stack", [False, True])
def test_an_alarm_on_an_error_rate(local_aws: LocalAws, by_stack: bool) -> None:
    name = f"rate-{uuid.uuid4().hex[:8]}"
    cloudwatch, stacks = local_aws.client("cloudwatch"), local_aws.client("cloudformation")
    alarm = {
        "AlarmName": name,
        "Metrics": _error_rate(name),
        "EvaluationPeriods": 1,
        "Threshold": 5,
        "ComparisonOperator": "GreaterThanThreshold",
    }
    if by_stack:
        template = {"Resources": {"Alarm": {"Type": "AWS::CloudWatch::Alarm", "Properties": alarm}}}
        stacks.create_stack(StackName=name, TemplateBody=json.dumps(template))
        stacks.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1})
    else:
        cloudwatch.put_metric_alarm(**alarm)
    [found] = cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"]
    assert [query["Id"] for query in found["Metrics"]] == ["errors", "calls", "rate"]
    assert "MetricName" not in found
    cloudwatch.put_metric_data(Namespace=name, MetricData=[{"MetricName": "Calls", "Value": 100}])
    wait_for(cloudwatch, name, "OK")
    cloudwatch.put_metric_data(Namespace=name, MetricData=[{"MetricName": "Errors", "Value": 6}])
    wait_for(cloudwatch, name, "ALARM")


def test_an_expression_that_is_not_supported_is_no_alarm(local_aws: LocalAws) -> None:
    metrics = _error_rate("n")
    metrics[-1]["Expression"] = "RATE(errors)"
    cloudwatch = local_aws.client("cloudwatch")
    with pytest.raises(ClientError, match="RATE is not supported"):
        cloudwatch.put_metric_alarm(
            AlarmName="no-alarm",
            Metrics=metrics,
            EvaluationPeriods=1,
            Threshold=5,
            ComparisonOperator="GreaterThanThreshold",
        )
    assert cloudwatch.describe_alarms(AlarmNames=["no-alarm"])["MetricAlarms"] == []

"""Every alarm and dashboard of the templates is about a metric that there is, of a resource that is named rightly."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from cfnlint.decode import cfn_yaml

from tests.deploy.test_templates import TEMPLATES
from tests.localaws.measured import PUBLISHED

# What the value of a dimension has to be, where the resource is in the same template.
_NAMED_BY = {
    "FunctionName": ("AWS::Lambda::Function", "Ref"),
    "QueueName": ("AWS::SQS::Queue", "QueueName"),
    "StateMachineArn": ("AWS::StepFunctions::StateMachine", "Ref"),
}


def metrics_of_alarm(properties: dict[str, Any]) -> list[dict[str, Any]]:
    """The metrics that an alarm is about, be it by an expression."""
    if "Metrics" in properties:
        return [query["MetricStat"]["Metric"] for query in properties["Metrics"] if "MetricStat" in query]
    return [properties]


def metrics_of_dashboard(properties: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The metrics that a dashboard shows, written as in an alarm."""
    for widget in json.loads(properties["DashboardBody"]["Fn::Sub"])["widgets"]:
        for namespace, metric, *pairs in widget["properties"].get("metrics", ()):
            words = [word for word in pairs if isinstance(word, str)]
            named = [{"Name": name, "Value": value} for name, value in zip(words[::2], words[1::2], strict=True)]
            yield {"Namespace": namespace, "MetricName": metric, "Dimensions": named}


def metrics(template: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each metric of a template, with the logical id of the resource that speaks of it."""
    for name, resource in template["Resources"].items():
        if resource["Type"] == "AWS::CloudWatch::Alarm":
            yield from ((name, metric) for metric in metrics_of_alarm(resource["Properties"]))
        elif resource["Type"] == "AWS::CloudWatch::Dashboard":
            yield from ((name, metric) for metric in metrics_of_dashboard(resource["Properties"]))


def fault(metric: dict[str, Any], template: dict[str, Any]) -> str:
    """What is wrong with a metric; empty when nothing is."""
    namespace, name = metric["Namespace"], metric["MetricName"]
    if namespace not in PUBLISHED:
        return f"nothing is published in {namespace}"
    named = {each["Name"]: each["Value"] for each in metric.get("Dimensions", ())}
    if not PUBLISHED[namespace].publishes(name, named):
        return f"{namespace} has no {name} by {sorted(named)}"
    faults = (_fault_of_value(dimension, value, template) for dimension, value in named.items())
    return next((found for found in faults if found), "")


def _fault_of_value(dimension: str, value: Any, template: dict[str, Any]) -> str:
    if dimension not in _NAMED_BY or not isinstance(value, dict):
        return ""
    kind, attribute = _NAMED_BY[dimension]
    [(function, argument)] = value.items()
    target, _, found = ".".join([argument] if isinstance(argument, str) else argument).partition(".")
    resource = template["Resources"].get(target)
    if function not in ("Ref", "Fn::GetAtt") or resource is None:
        return ""
    is_right = resource["Type"] == kind and (found or "Ref") == attribute
    return "" if is_right else f"{dimension} is {function} of {argument}, a {resource['Type']}"


def load(path: Any) -> dict[str, Any]:
    return json.loads(json.dumps(cfn_yaml.load(str(path)), default=str))


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_alarms_are_about_metrics_that_there_are(path):
    template = load(path)
    found = {name: fault(metric, template) for name, metric in metrics(template)}
    assert {name: said for name, said in found.items() if said} == {}
    assert bool(found) == (path.stem in ("api", "automation", "endpoint", "system_test")), list(found)


@pytest.mark.parametrize(
    ("template", "alarm", "change", "said"),
    [
        ("api", "FunctionThrottleAlarm", {"MetricName": "Throttle"}, "AWS/Lambda has no Throttle by"),
        ("api", "ErrorAlarm", {"Namespace": "AWS/APIGateway"}, "nothing is published in AWS/APIGateway"),
        ("automation", "BatchErrorAlarm", {"Name": "Function"}, "has no Errors by ['Function']"),
        ("automation", "BatchDeadLetterAlarm", {"Value": {"Ref": "BatchDeadLetters"}}, "QueueName is Ref of"),
        ("automation", "BatchErrorAlarm", {"Value": {"Ref": "BatchQueue"}}, "a AWS::SQS::Queue"),
        ("system_test", "FailureAlarm", {"MetricName": "ExecutionFailed"}, "has no ExecutionFailed"),
        ("endpoint", "LatencyAlarm", {"MetricName": "Latency"}, "AWS/SageMaker has no Latency"),
    ],
)
def test_a_slip_of_the_pen_would_be_found(template, alarm, change, said):
    [path] = [path for path in TEMPLATES if path.stem == template]
    whole = load(path)
    metric = whole["Resources"][alarm]["Properties"]
    place = metric["Dimensions"][0] if {"Name", "Value"} & set(change) else metric
    assert set(change) <= set(place)
    place.update(change)
    assert said in fault(metric, whole)

"""Expressions and conditions of the definition language."""

from typing import Any

import pytest

from localaws.sagemaker.pipelines.expressions import Scope, UnresolvedError, holds, resolve

REPORT = {"regression_metrics": {"r2": {"value": 0.47}}, "list": [10, 20], "dotted.key": 5, "nothing": None}
SCOPE = Scope(
    parameters={"Rate": 0.1, "Name": "lr", "Count": 3},
    execution={"PipelineExecutionId": "abc"},
    properties={
        "Pre": {"ProcessingOutputConfig": {"Outputs": [{"OutputName": "train", "S3Output": {"S3Uri": "s3://b/t"}}]}},
        "Train": {"FinalMetricDataList": [{"MetricName": "mse", "Value": 1.5}, {"MetricName": "r2", "Value": 0.5}]},
    },
    read_property_file=lambda step, name: REPORT if (step, name) == ("Evaluate", "Report") else None,
    read_s3_json=lambda uri: {"uri": uri},
)


def json_get(path: str) -> dict[str, Any]:
    return {"Std:JsonGet": {"PropertyFile": {"Get": "Steps.Evaluate.PropertyFiles.Report"}, "Path": path}}


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ({"Get": "Parameters.Rate"}, 0.1),
        ({"Get": "Execution.PipelineExecutionId"}, "abc"),
        ({"Get": "Steps.Pre.ProcessingOutputConfig.Outputs['train'].S3Output.S3Uri"}, "s3://b/t"),
        ({"Get": "Steps.Pre.ProcessingOutputConfig.Outputs[0].S3Output.S3Uri"}, "s3://b/t"),
        ({"Get": "Steps.Train.FinalMetricDataList['r2'].Value"}, 0.5),
        ({"Std:Join": {"On": "/", "Values": ["s3:/", {"Get": "Parameters.Name"}, 3, True]}}, "s3://lr/3/true"),
        (json_get("regression_metrics.r2.value"), 0.47),
        (json_get("list[1]"), 20),
        (json_get("['dotted.key']"), 5),
        ({"Std:JsonGet": {"S3Uri": {"Std:Join": {"On": "", "Values": ["s3://", "b"]}}, "Path": "uri"}}, "s3://b"),
        ([{"Get": "Parameters.Count"}, {"deep": {"Get": "Parameters.Name"}}], [3, {"deep": "lr"}]),
        ({"Get": "Parameters.Name", "more": 1}, {"Get": "Parameters.Name", "more": 1}),
    ],
)
def test_values(expression: Any, value: Any) -> None:
    assert resolve(expression, SCOPE) == value


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ({"Get": "Steps.Later.ModelName"}, "step 'Later' did not run"),
        ({"Get": "Steps.Pre.ProcessingOutputConfig.Outputs['test'].S3Output"}, "there is no 'test'"),
        (json_get("regression_metrics.mae.value"), "there is no 'mae'"),
        (json_get("nothing"), "'nothing' is null"),
    ],
)
def test_what_has_no_value_is_named(expression: Any, words: str) -> None:
    with pytest.raises(UnresolvedError, match=words):
        resolve(expression, SCOPE)


def binary(kind: str, left: Any, right: Any) -> dict[str, Any]:
    return {"Type": kind, "LeftValue": left, "RightValue": right}


@pytest.mark.parametrize(
    ("condition", "outcome"),
    [
        (binary("Equals", {"Get": "Parameters.Name"}, "lr"), True),
        (binary("GreaterThan", 2, 2), False),
        (binary("GreaterThanOrEqualTo", json_get("regression_metrics.r2.value"), 0.2), True),
        (binary("LessThan", 1, 2), True),
        (binary("LessThanOrEqualTo", 3, 2), False),
        ({"Type": "In", "QueryValue": {"Get": "Parameters.Name"}, "Values": ["a", "lr"]}, True),
        ({"Type": "Not", "Condition": binary("Equals", 1, 1)}, False),
        ({"Type": "Or", "Conditions": [binary("Equals", 1, 2), binary("Equals", 1, 1)]}, True),
        ({"Type": "Or", "Conditions": [binary("Equals", 1, 2)]}, False),
    ],
)
def test_conditions(condition: dict[str, Any], outcome: bool) -> None:
    assert holds(condition, SCOPE) is outcome


def test_a_text_is_not_compared_with_a_number() -> None:
    with pytest.raises(UnresolvedError, match="'high' and 1 cannot be compared with GreaterThan"):
        holds(binary("GreaterThan", "high", 1), SCOPE)

"""Pipeline definitions: what is refused, and with which words."""

import json
from typing import Any

import pytest

from localaws.sagemaker.errors import ApiError, UnsupportedOperation, ValidationError
from localaws.sagemaker.pipelines.definition import parameter_values, parse

Document = dict[str, Any]


def definition(*steps: Document, parameters: list[Document] | None = None) -> str:
    return json.dumps({"Version": "2020-12-01", "Parameters": parameters or [], "Steps": list(steps)})


def fail(name: str, message: Any = "no", **members: Any) -> Document:
    return {"Name": name, "Type": "Fail", "Arguments": {"ErrorMessage": message}, **members}


def condition(name: str, if_steps: list[Document], else_steps: list[Document] | None = None) -> Document:
    test = {"Type": "Equals", "LeftValue": 1, "RightValue": 1}
    return {
        "Name": name,
        "Type": "Condition",
        "Arguments": {"Conditions": [test], "IfSteps": if_steps, "ElseSteps": else_steps or []},
    }


def test_nested_steps_need_their_condition_and_know_their_branch() -> None:
    parsed = parse(definition(condition("Check", [fail("A")], [fail("B", {"Get": "Steps.Check.Outcome"})])))
    assert list(parsed.steps) == ["Check", "A", "B"]
    assert parsed.steps["A"].branch == ("Check", True)
    assert parsed.steps["B"].branch == ("Check", False)
    assert parsed.steps["B"].needs == {"Check": "Completed"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "it is not JSON"),
        ('{"Steps": {}}', "a list of Steps was expected"),
        ('{"Version": "2019", "Steps": []}', "Version '2019' is not 2020-12-01"),
        (definition(fail("A"), fail("A")), "'A' occurs twice"),
        (definition(condition("C", [fail("A")]), fail("A")), "'A' occurs twice"),
        (definition(fail("a b")), "Step name 'a b' must match"),
        (definition(fail("A", DependsOn=["Nobody"])), "'A' refers to the step 'Nobody', which is not in the pipeline"),
        (definition(fail("A", {"Get": "Steps.Nobody.X"})), "'A' refers to the step 'Nobody'"),
        (definition(fail("A", {"Get": "Parameters.P"})), "'A' refers to 'Parameters.P', which is not in the pipeline"),
        (definition(fail("A", {"Get": "Execution.Nothing"})), "'Execution.Nothing'"),
        (definition(fail("A", 3)), "ErrorMessage must be a string"),
        (
            definition(fail("A", DependsOn=["B"]), fail("B", DependsOn=["A"])),
            "depend on each other in a cycle: ",
        ),
        (
            definition(fail("B", {"Get": "Steps.A.PropertyFiles.Report"}), fail("A")),
            "a property file that step 'A' does not declare",
        ),
        (
            definition({"Name": "T", "Type": "Training", "Arguments": {"Nonsense": 1}}),
            "Step 'T': Unknown member 'Nonsense'",
        ),
        (
            definition({"Name": "C", "Type": "Condition", "Arguments": {"Conditions": [{"Type": "Odd"}]}}),
            "'Odd' is not a type of condition",
        ),
        (
            definition({"Name": "C", "Type": "Condition", "Arguments": {"Conditions": [{"Type": "In"}]}}),
            "a condition of type In needs QueryValue, Values",
        ),
        (
            definition(fail("A", CacheConfig={"Enabled": True, "ExpireAfter": "1h"})),
            "Step 'A': ExpireAfter '1h' is not an ISO 8601 duration",
        ),
        (definition(fail("A", CacheConfig={"Enabled": "yes"})), "Step 'A': CacheConfig.Enabled must be true or false"),
        (
            definition(fail("A", {"Std:JsonGet": {"S3Uri": "s3://b/k", "Path": {"Get": "Execution.PipelineName"}}})),
            "Step 'A': the Path of a Std:JsonGet is",
        ),
        (definition(parameters=[{"Name": "P", "Type": "Text"}]), "has the type 'Text'"),
        (definition(parameters=[{"Name": "P", "Type": "Integer", "DefaultValue": "1"}]), "not of type Integer"),
        (definition(parameters=[{"Name": "P", "Type": "Integer", "DefaultValue": True}]), "not of type Integer"),
    ],
)
def test_what_is_wrong_is_named(text: str, words: str) -> None:
    with pytest.raises(ValidationError) as refused:
        parse(text)
    assert words in refused.value.message


def test_what_is_not_there_yet_is_refused_by_name() -> None:
    with pytest.raises(UnsupportedOperation, match="'EMR'"):
        parse(definition({"Name": "E", "Type": "EMR", "Arguments": {}}))


def test_a_dependency_may_name_the_outcome_that_lets_it_run() -> None:
    parsed = parse(definition(fail("A"), fail("B", DependsOn=["A"]), fail("C", DependsOn=[trigger("A", "Failed")])))
    assert parsed.steps["B"].needs == {"A": "Completed"}
    assert parsed.steps["C"].needs == {"A": "Failed"}
    with pytest.raises(ValidationError, match="one of Completed, Failed, Stopped, Any"):
        parse(definition(fail("A"), fail("B", DependsOn=[trigger("A", "Sometimes")])))


def trigger(step: str, outcome: str) -> Document:
    return {"Step": step, "Trigger": outcome}


PARAMETERS = [
    {"Name": "Rate", "Type": "Float", "DefaultValue": 0.1},
    {"Name": "Count", "Type": "Integer"},
    {"Name": "On", "Type": "Boolean", "DefaultValue": False},
    {"Name": "Status", "Type": "String", "DefaultValue": "Pending", "EnumValues": ["Pending", "Approved"]},
]


def test_parameters_are_converted_by_their_types() -> None:
    parsed = parse(definition(parameters=PARAMETERS))
    values = parameter_values(parsed, {"Rate": "1e-3", "Count": "7", "On": "True", "Status": "Approved"})
    assert values == {"Rate": 1e-3, "Count": 7, "On": True, "Status": "Approved"}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "[Count] have no default"),
        ({"Count": "1.5"}, "'Count' has the value '1.5', which is not of type Integer"),
        ({"Count": "1", "Rate": "fast"}, "'Rate' has the value 'fast', which is not of type Float"),
        ({"Count": "1", "On": "maybe"}, "not of type Boolean"),
        ({"Count": "1", "Status": "Lost"}, "not in its enum values: Pending, Approved"),
        ({"Count": "1", "Colour": "red"}, "[Colour] are not defined in the pipeline, which has: Rate, Count"),
    ],
)
def test_wrong_parameters_are_named(given: dict[str, str], words: str) -> None:
    with pytest.raises(ApiError) as refused:
        parameter_values(parse(definition(parameters=PARAMETERS)), given)
    assert words in refused.value.message

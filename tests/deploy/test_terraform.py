"""deploy/terraform/ says what deploy/templates/project.yml says: the same parameters, defaults, limits and outputs."""

import re
from pathlib import Path
from typing import Any

import hcl2
import pytest
from cfnlint.decode import decode

DEPLOY = Path(__file__).parents[2] / "deploy"
PROJECT, _ = decode(str(DEPLOY / "templates" / "project.yml"))
PARAMETERS, OUTPUTS = PROJECT["Parameters"], PROJECT["Outputs"]
# What aws_cloudformation_stack takes beside parameters.
OF_THE_STACK = {"stack_name", "iam_role_arn", "tags"}
TYPES = {"String": "string", "Number": "number"}
PLAIN = hcl2.SerializationOptions(with_comments=False, explicit_blocks=False, strip_string_quotes=True)


def blocks(name: str, kind: str) -> dict[str, Any]:
    """The blocks of a kind in a file, by their first label."""
    with (DEPLOY / "terraform" / name).open() as file:
        found = hcl2.load(file, serialization_options=PLAIN)[kind]
    return {label: body for each in found for label, body in each.items()}


def variable_name(name: str) -> str:
    """Terraform's way to write a name of CloudFormation's."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name.replace("SageMaker", "Sagemaker")).lower()


def quoted(value: str | int) -> str:
    """A value as Terraform writes it."""
    return str(value) if isinstance(value, int) else _in_quotes(value)


def _in_quotes(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def conditions(name: str) -> set[str]:
    """The conditions that Terraform must put to a variable, so that it refuses what CloudFormation would refuse."""
    declared, variable = PARAMETERS[name], f"var.{variable_name(name)}"
    limits = {"MinLength", "MaxLength"} & set(declared)
    lengths = {"MinLength": ">=", "MaxLength": "<="}
    found = [f"length({variable}) {lengths[limit]} {declared[limit]}" for limit in sorted(limits, reverse=True)]
    wanted = {" && ".join(found)} if found else set()
    if "AllowedPattern" in declared:
        wanted.add(f"can(regex({quoted(declared['AllowedPattern'])}, {variable}))")
    if "AllowedValues" in declared:
        wanted.add(f"contains([{', '.join(quoted(value) for value in declared['AllowedValues'])}], {variable})")
    if "MinValue" in declared:
        wanted.add(f"{variable} >= {declared['MinValue']} && {variable} <= {declared['MaxValue']}")
    return wanted | rules(name)


def rules(name: str) -> set[str]:
    """The conditions that the template's rules put to a parameter: needed when another has a certain value."""
    found = set()
    for rule in PROJECT["Rules"].values():
        [(function, condition)] = rule["RuleCondition"].items()
        if function == "Fn::Not":
            [condition] = condition[0].values()
        unless = "==" if function == "Fn::Not" else "!="
        other, value = condition[0]["Ref"], condition[1]
        for assertion in rule["Assertions"]:
            [equals] = assertion["Assert"]["Fn::Not"]
            if equals["Fn::Equals"] == [{"Ref": name}, ""]:
                found.add(f'var.{variable_name(other)} {unless} "{value}" || var.{variable_name(name)} != ""')
    return found


def test_the_variables_are_the_parameters() -> None:
    assert set(blocks("variables.tf", "variable")) == {*map(variable_name, PARAMETERS), *OF_THE_STACK}


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_variable_says_what_its_parameter_says(name: str) -> None:
    declared, variable = PARAMETERS[name], blocks("variables.tf", "variable")[variable_name(name)]
    assert (variable["type"], variable["description"]) == (TYPES[declared["Type"]], declared["Description"])
    assert ("default" in variable) == ("Default" in declared)
    assert variable.get("default") == declared.get("Default")
    assert variable["nullable"] is False
    written = [each["condition"].removeprefix("${").removesuffix("}") for each in variable.get("validation", [])]
    assert set(written) == conditions(name)
    assert len(written) == len(conditions(name))


def test_every_variable_becomes_a_parameter_of_the_stack() -> None:
    with (DEPLOY / "terraform" / "main.tf").open() as file:
        [known] = hcl2.load(file, serialization_options=PLAIN)["locals"]
    assert known["parameters"] == {name: f"${{var.{variable_name(name)}}}" for name in PARAMETERS}
    stack = blocks("main.tf", "resource")["aws_cloudformation_stack"]["project"]
    assert stack["parameters"] == "${local.parameters}"
    assert "aws_s3_object.template.key" in stack["template_url"]
    assert known["template"] == "${path.module}/../templates/project.yml"


def test_the_outputs_are_the_stacks() -> None:
    written = {name: body["value"] for name, body in blocks("outputs.tf", "output").items()}
    assert written.pop("stack_id") == "${aws_cloudformation_stack.project.id}"
    wanted = {}
    for name, declared in OUTPUTS.items():
        output = f'aws_cloudformation_stack.project.outputs["{name}"]'
        # One that depends on a condition is not always there.
        wanted[variable_name(name)] = f"${{try({output}, null)}}" if "Condition" in declared else f"${{{output}}}"
    assert written == wanted

"""The buildspecs of this project are ones that CodeBuild takes, here and on AWS."""

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cfnlint.decode import decode

from localaws.services.codebuild import buildspec

ROOT = Path(__file__).parent.parent
BUILDSPECS = [ROOT / "codebuild-buildspec.yml", *sorted(ROOT.glob("deploy/**/*buildspec.yml"))]


@pytest.mark.parametrize("path", BUILDSPECS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_it_is_one(path: Path) -> None:
    spec = buildspec.parse(path.read_text())
    assert any(phase.commands for phase in spec.phases)
    assert set(spec.runtimes) == {"python"}


def test_each_installs_by_the_same_script() -> None:
    for path in BUILDSPECS:
        [install] = [phase.commands for phase in buildspec.parse(path.read_text()).phases if phase.name == "INSTALL"]
        assert install[0] == ". deploy/install.sh"


@pytest.mark.parametrize(
    ("command", "returncode", "said"),
    [
        ("echo first && printf '%s|' 'two words' \"and $((1 + 2))\"; echo", 0, "first\ntwo words|and 3|\n"),
        ("echo first && false && echo never", 1, "first\n"),
        ("exit 7", 7, ""),
    ],
)
def test_the_test_command_is_a_line_for_the_shell(command: str, returncode: int, said: str) -> None:
    [pre_build] = [
        phase.commands
        for phase in buildspec.parse((ROOT / "codebuild-buildspec.yml").read_text()).phases
        if phase.name == "PRE_BUILD"
    ]
    environ = {**os.environ, "TEST_COMMAND": command}
    # As CodeBuild runs a phase: one command after the other, until one fails.
    for line in pre_build:
        done = subprocess.run(["sh", "-c", line], env=environ, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout) == (returncode, said)


@pytest.mark.parametrize(
    ("path", "nested"), [("codebuild-buildspec.yml", "Build"), ("deploy/buildspec.yml", "Release")]
)
def test_its_variables_are_parameters_of_the_project(path: str, nested: str) -> None:
    """A project of another model changes them by `deploy-model project`, not in its code."""
    project, child = template("project"), template(nested.lower())
    given = {
        variable["Name"]: variable["Value"]
        for resource in child["Resources"].values()
        if resource["Type"] == "AWS::CodeBuild::Project"
        for variable in resource["Properties"]["Environment"]["EnvironmentVariables"]
    }
    variables = buildspec.parse((ROOT / path).read_text()).variables
    assert variables
    for name, value in variables.items():
        parameter = given[name]["Ref"]
        assert project["Resources"][nested]["Properties"]["Parameters"][parameter] == {"Ref": parameter}
        declared = project["Parameters"][parameter]
        assert declared["Default"] == value
        assert declared == child["Parameters"][parameter] | {"Description": declared["Description"]}


@pytest.mark.parametrize("name", ["project", "build", "release"])
def test_no_password_is_in_a_parameter(name: str) -> None:
    pattern = re.compile(template(name)["Parameters"]["PackageIndexUrl"]["AllowedPattern"])
    assert pattern.search("https://packages.example.com/simple/")
    assert pattern.search("")
    assert not pattern.search("https://reader:secret@packages.example.com/simple/")
    assert not pattern.search("http://packages.example.com/simple/")


def template(name: str) -> dict[str, Any]:
    document, _ = decode(str(ROOT / "deploy" / "templates" / f"{name}.yml"))
    return document

"""Every template passes all of cfn-lint's rules; what the templates and the commands say of names is the same."""

import argparse
import re
import subprocess
import sys
from pathlib import Path

import pytest
from cfnlint.decode.cfn_yaml import load

from deploy.deploy_model import project_name

LINT = str(Path(sys.executable).with_name("cfn-lint"))
TEMPLATES = sorted((Path(__file__).parents[2] / "deploy" / "templates").glob("*.yml"))


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_cfn_lint_finds_nothing(template):
    done = subprocess.run(
        [LINT, "--include-checks", "I", "--include-experimental", "--", str(template)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_cfn_lint_would_find_something(tmp_path):
    wrong = tmp_path / "wrong.yml"
    wrong.write_text(TEMPLATES[0].read_text().replace("AWS::KMS::Key", "AWS::KMS::Lock"))
    done = subprocess.run([LINT, "--", str(wrong)], capture_output=True, text=True, check=False)
    assert "AWS::KMS::Lock" in done.stdout


def accepted_by_command(name):
    try:
        return project_name(name) == name
    except argparse.ArgumentTypeError:
        return False


@pytest.mark.parametrize(
    ("names", "accepted"),
    [(["i", "iris", "iris-2", "2--i"], True), (["Iris", "iris-", "-iris", "a_b", ""], False)],
)
def test_a_project_has_the_same_names_everywhere(names, accepted):
    patterns = {load(str(template))["Parameters"]["SageMakerProjectName"]["AllowedPattern"] for template in TEMPLATES}
    assert len(patterns) == 1
    for name in names:
        assert (bool(re.fullmatch(*patterns, name)), accepted_by_command(name)) == (accepted, accepted)

"""Every template passes all of cfn-lint's rules; what the templates and the commands say of names is the same."""

import argparse
import re
import subprocess
import sys
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from cfnlint.decode.cfn_yaml import load

from deploy.options import project_name

LINT = str(Path(sys.executable).with_name("cfn-lint"))
TEMPLATES = sorted((Path(__file__).parents[2] / "deploy" / "templates").glob("*.yml"))

PROJECT = next(path for path in TEMPLATES if path.stem == "project")


def test_cfn_lint_finds_nothing():
    done = subprocess.run(
        [LINT, "--include-checks", "I", "--include-experimental", "--", *map(str, TEMPLATES)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_cfn_lint_would_find_something(tmp_path):
    wrong = tmp_path / "wrong.yml"
    wrong.write_text(PROJECT.read_text().replace("AWS::KMS::Key", "AWS::KMS::Lock"))
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


@pytest.mark.parametrize(
    ("emails", "accepted"),
    [
        ("", True),
        ("ann@example.com", True),
        (",".join(["ann.lee+ml@mail.example.com"] * 5), True),
        (",".join(["ann@example.com"] * 6), False),
        ("ann@example.com,notanemail", False),
        ("ann@example.com, bob@example.com", False),
        ("ann@example.com,", False),
    ],
)
def test_the_project_tells_addresses_alone_and_five_at_most(emails, accepted, local_aws):
    declared = load(str(PROJECT))["Parameters"]["NotificationEmails"]
    assert bool(re.fullmatch(declared["AllowedPattern"], emails)) == accepted
    if accepted:
        return
    given = {"SageMakerProjectName": "iris", "SageMakerProjectId": "p1", "AssetsBucket": "none", "AssetsPrefix": "none"}
    given["NotificationEmails"] = emails
    with pytest.raises(ClientError, match=r"NotificationEmails.* one to five addresses such as ann@example.com"):
        local_aws.client("cloudformation").create_stack(
            StackName="sagemaker-iris-project",
            TemplateBody=PROJECT.read_text(),
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in given.items()],
            Capabilities=["CAPABILITY_IAM"],
        )

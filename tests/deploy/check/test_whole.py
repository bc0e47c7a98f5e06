"""`check-project` as a user runs it, on a project in which nothing is wrong, and on what is no project."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.deploy.check.conftest import Checked
from tests.deploy.conftest import run_module

TYPES = (
    *("Stack", "Key", "Bucket", "Role", "CodeConnection", "Rule", "Trigger", "Topic", "Queue", "Function"),
    *("StateMachine", "Table", "ModelPackageGroup", "SageMakerPipeline", "Stage", "Quota"),
)


def check_project(whole: Checked, cwd: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return run_module("check_project", *arguments, environ=whole.aws.env, cwd=cwd)


def test_a_whole_project_has_no_failure(whole: Checked, tmp_path: Path):
    done = check_project(whole, tmp_path, "--project-name", whole.name, "--format", "json")
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    assert {finding["Resource"].split()[0] for finding in told["Findings"]} == set(TYPES)
    others = {(one["Resource"], one["Status"]) for one in told["Findings"] if one["Status"] != "ok"}
    assert others == {
        ("CodeConnection aEXAMPLE", "unknown"),
        ("Quota ml.m5.large for endpoint usage", "unknown"),
        ("Quota ml.t2.medium for endpoint usage", "unknown"),
        ("ModelPackageGroup ModelPackageGroup", "warning"),
        (f"SageMakerPipeline {whole.name}-batch", "warning"),
        ("Stage staging", "warning"),
        ("Table Automation/Table", "warning"),
        ("Stage production", "warning"),
        ("Stage api", "warning"),
    }
    assert told["Summary"] == {"ok": len(told["Findings"]) - len(others), "warning": 6, "failed": 0, "unknown": 3}
    assert all(one["Action"] for one in told["Findings"] if one["Status"] != "ok")


def test_the_table_shows_what_is_to_be_done(whole: Checked, tmp_path: Path):
    done = check_project(whole, tmp_path, "--stack-name", f"sagemaker-{whole.name}")
    assert done.returncode == 0, done.stderr
    head, *_rows, summary = done.stdout.splitlines()
    assert head.split("  ")[0] == "Status"
    assert head.rstrip().endswith("What to do next")
    assert "Stage staging" in done.stdout
    assert "Bucket DataBucket" not in done.stdout
    assert summary.split(", ")[1:] == ["6 warning", "0 failed", "3 unknown"]
    every = check_project(whole, tmp_path, "--project-name", whole.name, "--all")
    assert "Bucket DataBucket" in every.stdout


@pytest.mark.parametrize(
    ("arguments", "returncode", "why"),
    [
        (["--project-name", "nobodys"], 1, "project.yml has SageMakerProjectName nobodys: create the project"),
        (["--stack-name", "nobodys"], 1, "there is no stack nobodys"),
        (["--project-name", "no_name"], 2, "1 to 32 lower-case letters, digits and hyphens"),
        (["--project-name", "Iris"], 2, "1 to 32 lower-case letters, digits and hyphens"),
        (["--format", "xml"], 2, "invalid choice: 'xml'"),
    ],
)
def test_what_is_no_project_is_told_in_a_sentence(
    whole: Checked, tmp_path: Path, arguments: list[str], returncode: int, why: str
):
    done = check_project(whole, tmp_path, *arguments)
    assert (done.returncode, done.stdout) == (returncode, "")
    assert why in done.stderr
    assert "Traceback" not in done.stderr

"""docs/aws.md: each command is one that there is and takes these options; those that need no builds run for real."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import invoke_api
from deploy import check_project, deploy_model
from tests.conftest import LocalAws

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "aws.md"
_BLOCK = re.compile(r"^```sh\n(.*?)^```", re.DOTALL | re.MULTILINE)
OURS = {"deploy-model": deploy_model.parser, "check-project": check_project.parser}
NAMES = {"SAGEMAKER_PROJECT_NAME": "proof", "SAGEMAKER_PROJECT_ID": "proof-1", "DATA": "s3://bucket"}
# Of the shell: it says what they do.
SHELL = {"export", "for", "done", "sleep", "printf"}


def commands() -> Iterator[list[str]]:
    """Each command of the page, as words, with the variables of the page."""
    for block in _BLOCK.findall(PAGE.read_text()):
        for line in block.splitlines():
            for part in line.split(" | "):
                expanded = re.sub(r"\$(\w+)", lambda found: NAMES.get(found[1], "1"), part)
                yield shlex.split(expanded)


ALL = list(commands())


@pytest.mark.parametrize("words", [words for words in ALL if words[0] in OURS], ids=" ".join)
def test_our_commands_take_what_the_page_gives(words: list[str]) -> None:
    OURS[words[0]]().parse_args(words[1:])


# A waiter would wait for what is not there; the last test runs it for real.
OF_AWS = [words for words in ALL if words[0] == "aws" and "wait" not in words]


@pytest.mark.parametrize("words", OF_AWS, ids=lambda words: " ".join(words[1:4]))
def test_awss_commands_take_what_the_page_gives(local_aws: LocalAws, words: list[str]) -> None:
    """2 is the AWS CLI's status for a mistake in the command; that there is no such thing is another."""
    done = local_aws.run([str(Path(sys.executable).parent / "aws"), *words[1:]])
    assert done.returncode != 2, done.stderr
    assert "usage:" not in done.stderr
    assert "not supported" not in done.stderr.lower()


def test_there_is_no_command_that_no_test_knows() -> None:
    assert {words[0] for words in ALL} <= {*OURS, *SHELL, "aws", "python"}
    scripts = [words for words in ALL if words[0] == "python"]
    assert {words[1] for words in scripts} == {"-m", "invoke_api.py"}
    assert {words[2] for words in scripts if words[1] == "-m"} == {"pipelines.lr.sample_data"}
    assert invoke_api.__doc__


def test_what_needs_no_build_runs_here(local_aws: LocalAws, tmp_path: Path) -> None:
    """The doctor, the sample's data, and the removal of buckets and tables, as the page has them, in one shell."""
    text, client = PAGE.read_text(), local_aws.client
    blocks = _BLOCK.findall(text)
    [start, doctor, remove] = [blocks[0], blocks[1], blocks[-1]]
    data = [line for line in blocks[3].splitlines() if line.startswith("python -m")]
    assert doctor == "deploy-model doctor\n"
    lines = [
        start.replace("eu-west-1", "us-east-1").replace("proof", "proven"),
        doctor,
        'for b in "" -data -log; do aws s3 mb "s3://sagemaker-project-$SAGEMAKER_PROJECT_ID$b"; done',
        'export DATA="s3://sagemaker-project-$SAGEMAKER_PROJECT_ID-data"',
        *data,
        'aws s3 ls "$DATA/traindata/"',
        *[line for line in remove.splitlines() if line != "deploy-model delete all --yes"],
    ]
    account = "sagemaker-us-east-1-000000000000"
    client("s3").create_bucket(Bucket=account)
    for table in ("versions", "jobs"):
        client("dynamodb").create_table(
            TableName=f"proven-{table}",
            KeySchema=[{"AttributeName": "Arn", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "Arn", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
    # The doctor says that the tables are in the way, and its status is 1.
    script = "\n".join(lines).replace("deploy-model doctor", "deploy-model doctor || test $? = 1")
    client("codecommit").create_repository(repositoryName="sagemaker-proven")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=ROOT,
        env={**local_aws.env, "HOME": str(tmp_path), "PATH": path},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert "failed   Name proven-versions" in done.stdout
    assert "diabetes.csv" in done.stdout
    left = {bucket["Name"] for bucket in client("s3").list_buckets()["Buckets"]}
    assert not [name for name in left if name.startswith("sagemaker-project-proven")]
    assert not [name for name in client("dynamodb").list_tables()["TableNames"] if name.startswith("proven-")]

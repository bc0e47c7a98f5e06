"""The whole automation: one stack, a push, two approvals; everything else follows by itself.

IAM is enforced, so that each service may only do what the role allows that it was given: what a role lacks, fails.
"""

import base64
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from botocore.exceptions import ClientError

from tests.conftest import LocalAws
from tests.deploy.conftest import Registry, hasty_local_aws

ROOT = Path(__file__).parents[2]
NAME = "demo"


# git asks CodeCommit as the root user, whose password may be any.
ROOT_USER = base64.b64encode(b"test:test").decode()
GIT = {
    "GIT_CONFIG_COUNT": "1",
    "GIT_CONFIG_KEY_0": "http.extraHeader",
    "GIT_CONFIG_VALUE_0": f"Authorization: Basic {ROOT_USER}",
}


@pytest.fixture(scope="module")
def local_aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    with mock.patch.dict(os.environ, {"LOCALAWS_IAM": "enforce"}):
        yield from hasty_local_aws(tmp_path_factory.mktemp("demo") / "state", 0.01)


@pytest.fixture
def working_copy(tmp_path: Path) -> Path:
    """The project as a repository of the test's own, however this checkout came about."""
    folder, unwanted = tmp_path / "copy", shutil.ignore_patterns(".*", "*.egg-info", "build", "dist", "__pycache__")
    shutil.copytree(ROOT, folder, ignore=unwanted)
    subprocess.run(["git", "init", "--quiet", str(folder)], check=True)
    subprocess.run(["git", "-C", str(folder), "add", "--all"], check=True)
    return folder


def deploy_model(aws: LocalAws, folder: Path, *arguments: str, returncode: int = 0) -> str:
    """Run a command of the project, whose stack says what it does not; its output."""
    environ = aws.env | GIT | {"SAGEMAKER_PROJECT_NAME": NAME, "PYTHONPATH": os.environ.get("PYTHONPATH", "")}
    done = subprocess.run(
        [sys.executable, "-P", "-m", "deploy.deploy_model", *arguments],
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        timeout=540,
        check=False,
    )
    assert done.returncode == returncode, f"{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


def outputs_of_project(aws: LocalAws) -> dict[str, str]:
    """What the project's stack says of what it has made."""
    [project] = aws.client("cloudformation").describe_stacks(StackName=f"sagemaker-{NAME}-project")["Stacks"]
    return {output["OutputKey"]: output["OutputValue"] for output in project["Outputs"]}


def fail_a_first_deployment(aws: LocalAws) -> None:
    """Approve a version whose model is none: ModelDeploy's creation of staging is rolled back, its stack left."""
    cloudformation = aws.client("cloudformation")
    Registry(aws, NAME, outputs_of_project(aws)["ArtifactBucketName"]).register(status="Approved")
    deadline = time.monotonic() + 400
    while not (staging := stack_status(cloudformation, f"sagemaker-{NAME}-deploy-staging")).startswith("ROLLBACK_COM"):
        assert time.monotonic() < deadline, staging
        time.sleep(0.2)


def keys_of_jobs(aws: LocalAws) -> set[str | None]:
    """The KMS keys of what the project's jobs have written."""
    sagemaker = aws.client("sagemaker")
    trained = sagemaker.list_training_jobs()["TrainingJobSummaries"]
    transformed = sagemaker.list_transform_jobs()["TransformJobSummaries"]
    assert trained
    assert transformed
    outputs = [
        *(
            sagemaker.describe_training_job(TrainingJobName=job["TrainingJobName"])["OutputDataConfig"]
            for job in trained
        ),
        *(
            sagemaker.describe_transform_job(TransformJobName=job["TransformJobName"])["TransformOutput"]
            for job in transformed
        ),
    ]
    return {output.get("KmsKeyId") for output in outputs}


def stack_status(cloudformation: Any, name: str) -> str:
    try:
        return str(cloudformation.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"])
    except ClientError:
        return "not there"


def protected(aws: LocalAws) -> dict[str, bool]:
    """Which of the project's tables there are, and whether nobody can delete them."""
    dynamodb = aws.client("dynamodb")
    names = [name for name in dynamodb.list_tables()["TableNames"] if name.startswith(f"{NAME}-")]
    found = {name: dynamodb.describe_table(TableName=name)["Table"] for name in names}
    return {name.removeprefix(f"{NAME}-"): table["DeletionProtectionEnabled"] for name, table in found.items()}


def call_the_api(aws: LocalAws, *arguments: str) -> subprocess.CompletedProcess[str]:
    return aws.run([sys.executable, str(ROOT / "invoke_api.py"), "--project-name", NAME, *arguments])


KEPT = [
    *("bucket", "bucket", "bucket", "table", "table", "repository", "model package group", "pipeline", "pipeline"),
    *("table", "log group", "log group"),
]


@pytest.mark.timeout(900)
def test_a_push_goes_to_production_and_a_file_is_transformed(
    local_aws: LocalAws, working_copy: Path, tmp_path: Path
) -> None:
    local_aws.client("s3").create_bucket(Bucket="sagemaker-us-east-1-000000000000")
    options = (
        "--source",
        str(working_copy),
        "--notification-emails",
        "you@example.com",
        "--parameters",
        "TestCommand=true",
    )
    made = deploy_model(local_aws, tmp_path, "project", *options)
    assert f"BuildPipelineName        {NAME}-build" in made
    assert "CREATE_COMPLETE" in made
    assert "put training data into s3://sagemaker-project-" in made
    assert "you@example.com confirmed" in local_aws.command("mail", "confirm", "--all").stdout
    fail_a_first_deployment(local_aws)
    shown = deploy_model(local_aws, tmp_path, "demo", "--minutes", "5")
    assert "retraining starts by itself and registers a version beside that of the push" in shown
    assert f"Production     serves {NAME}/" in shown
    assert "Predictions    106.05982369055823, 152.9193581630174, 434.0765649977" in shown
    assert keys_of_jobs(local_aws) == {outputs_of_project(local_aws)["KmsKeyArn"]}
    number = shown.partition(f"Production     serves {NAME}/")[2].split()[0]
    mails = local_aws.command("mail").stdout
    for subject in (
        f"[{NAME}] Version 2 of the model waits for your decision",
        f"[{NAME}] Version {number} of the model waits for your approval for production",
        f"[{NAME}] {NAME}-deploy: DeployResourcesStaging failed",
        f"[{NAME}] {NAME}-production is in service",
        f"[{NAME}] {NAME}-deploy succeeded",
    ):
        assert subject in mails
    deploy_model(local_aws, tmp_path, "api")
    tried = call_the_api(local_aws, "--calls", "5")
    assert (tried.returncode, "/stream  434.0765649977" in tried.stdout) == (0, True), tried.stderr
    # What ModelDeploy has brought to production can be gone back to.
    rows = [line.split() for line in deploy_model(local_aws, tmp_path, "list").splitlines()]
    assert [row[0] for row in rows[1:] if row[-1] == "yes"] == [number]
    assert "No change" in deploy_model(local_aws, tmp_path, "rollback", "--to", number)
    again = deploy_model(local_aws, tmp_path, "project", "--source", str(working_copy))
    assert "is that already" in again, "what is not named is not kept"
    assert "put training data" not in again
    assert "deploy-staging: no change" in deploy_model(local_aws, tmp_path, "plan")
    status = deploy_model(local_aws, tmp_path, "status")
    assert f"project        sagemaker-{NAME}-project  UPDATE_COMPLETE\n" in status
    assert f"system-test    in sagemaker-{NAME}-project" in status
    refused = deploy_model(local_aws, tmp_path, "delete", "project", "--yes", returncode=1)
    assert f"sagemaker-{NAME}-deploy-production" in refused
    assert "`deploy-model delete all` first" in refused
    deploy_model(local_aws, tmp_path, "delete", "all", "--yes")
    assert protected(local_aws) == {"claims": True, "jobs": True, "versions": True}
    left = deploy_model(local_aws, tmp_path, "delete", "project", "--yes")
    assert re.findall(r"^Left .*\((.*)\)$", left, re.MULTILINE) == [*KEPT, "key"]
    assert protected(local_aws) == {"jobs": True, "versions": True}
    refused = deploy_model(local_aws, tmp_path, "project", *options, returncode=1)
    assert "(AWS::S3::Bucket)" in refused, "what is there still is not named"
    assert "Left " in deploy_model(local_aws, tmp_path, "delete", "project", "--yes"), "the creation was rolled back"
    refused = deploy_model(local_aws, tmp_path, "delete", "project", "--yes", returncode=1)
    assert "has no stack of its own; of it there is still sagemaker-project-" in refused
    assert "delete project --delete-retained-resources" in refused
    taken = deploy_model(local_aws, tmp_path, "delete", "project", "--yes", "--delete-retained-resources")
    assert re.findall(r"^Deleted .*\((.*)\)$", taken, re.MULTILINE) == KEPT
    assert protected(local_aws) == {}
    assert deploy_model(local_aws, tmp_path, "delete", "project", "--yes", returncode=1).endswith("stack of its own\n")

"""A registry with versions of a model in it, and `deploy-model` as a user runs it."""

import json
import os
import subprocess
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from deploy import approved, packages
from tests.commands import run_command
from tests.conftest import LocalAws, local_aws_command, start_local_aws
from tests.deploy.automation import Automation, provision

IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.4-2-cpu-py3"
ROLE = "arn:aws:iam::000000000000:role/deploy"

Run = Callable[..., subprocess.CompletedProcess[str]]


def hasty_local_aws(state_dir: Path, scale: float) -> Iterator[LocalAws]:
    """A local AWS in which a second of a configured wait takes so many seconds."""
    with mock.patch.dict(os.environ, {"LOCALAWS_TIME_SCALE": str(scale)}):
        try:
            yield start_local_aws(state_dir)
        finally:
            local_aws_command("reset", "--yes", state_dir=state_dir)


@dataclass(frozen=True)
class Registry:
    """A model package group of a test's own, and the bucket in which its models lie."""

    local_aws: LocalAws
    group: str
    bucket: str

    def register(
        self,
        status: str = "PendingManualApproval",
        evaluation: str | None = None,
        members: Mapping[str, Any] | None = None,
        **metrics: float,
    ) -> str:
        """Register a version with metrics, or with an evaluation that is there or not; give its ARN."""
        name = uuid.uuid4().hex
        report = {"regression_metrics": {metric: {"value": value} for metric, value in metrics.items()}}
        s3 = self.local_aws.client("s3")
        s3.put_object(Bucket=self.bucket, Key=f"{name}/model.tar.gz", Body=b"model")
        s3.put_object(Bucket=self.bucket, Key=f"{name}/evaluation.json", Body=json.dumps(report).encode())
        uri = evaluation or f"s3://{self.bucket}/{name}/evaluation.json"
        statistics = {"ContentType": "application/json", "S3Uri": uri}
        made = self.local_aws.client("sagemaker").create_model_package(
            ModelPackageGroupName=self.group,
            ModelApprovalStatus=status,
            InferenceSpecification={
                "Containers": [{"Image": IMAGE, "ModelDataUrl": f"s3://{self.bucket}/{name}/model.tar.gz"}],
                "SupportedContentTypes": ["text/csv"],
                "SupportedResponseMIMETypes": ["text/csv"],
            },
            ModelMetrics={"ModelQuality": {"Statistics": statistics}},
            **(members or {}),
        )
        return str(made["ModelPackageArn"])

    def register_approved(self, **members: Any) -> str:
        """Register a version and approve it; give its ARN."""
        return self.approve(self.register(members=members))

    def approve(self, arn: str) -> str:
        """Approve a version as `deploy-model approve-model` does; give its ARN."""
        sagemaker = self.local_aws.client("sagemaker")
        approved.approve(self.local_aws.client, sagemaker, packages.describe(sagemaker, arn), "")
        return arn


@pytest.fixture
def registry(local_aws: LocalAws) -> Registry:
    name = f"deploy-{uuid.uuid4().hex[:12]}"
    local_aws.client("s3").create_bucket(Bucket=name)
    local_aws.client("sagemaker").create_model_package_group(ModelPackageGroupName=name)
    return Registry(local_aws, name, name)


def run_module(module: str, *arguments: str, environ: Mapping[str, str], cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a console script as its entry point does: with nothing of the current directory on sys.path."""
    return run_command(f"deploy.{module}", *arguments, environ=environ, cwd=cwd)


@pytest.fixture
def deploy_model(registry: Registry, tmp_path: Path) -> Run:
    """Runs `deploy-model` for a project named as the registry's group."""

    def run(command: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        own = ("--model-package-group-name", registry.group, "--project-name", registry.group)
        where = ("--s3-bucket", registry.bucket, "--role-arn", ROLE)
        environ = registry.local_aws.env
        return run_module("deploy_model", command, *arguments, *own, *where, environ=environ, cwd=tmp_path)

    return run


@pytest.fixture(scope="module")
def automation(local_aws: LocalAws) -> Automation:
    """The stack of automation.yml, a module's own: which modules ran before it in this worker is left to chance."""
    return provision(local_aws)

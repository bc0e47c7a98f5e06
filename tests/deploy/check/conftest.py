"""A project in which nothing is wrong, made by CloudFormation on the real local AWS."""

import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from deploy.check import system
from deploy.check.asking import shared_clients
from deploy.check.catalog import CATALOG, subjects
from deploy.check.examination import examine_subject
from deploy.check.finding import Status, Verdict
from deploy.check.system import System
from tests.conftest import LocalAws

HERE = Path(__file__).parent
CONNECTION = "arn:aws:codeconnections:us-east-1:000000000000:connection/aEXAMPLE"
PIPELINE = '{"Version": "2020-12-01", "Metadata": {}, "Parameters": [], "Steps": []}'


@dataclass(frozen=True)
class Checked:
    """A project, and the clients that it is looked at with."""

    name: str
    aws: LocalAws
    client: Callable[[str], Any]

    def system(self) -> System:
        """Read the stacks anew."""
        return system.read(self.client, self.name, None, "--local")

    def physical_id(self, logical_id: str) -> str:
        """Find a resource of any of the stacks."""
        cloudformation = self.client("cloudformation")
        for stack in self.system().stacks:
            for item in cloudformation.list_stack_resources(StackName=stack.name)["StackResourceSummaries"]:
                if item["LogicalResourceId"] == logical_id:
                    return str(item["PhysicalResourceId"])
        raise LookupError(logical_id)

    def verdicts(self, resource_type: str, physical_id: str) -> dict[str, Verdict]:
        """Check one resource: verdicts by the name of the check."""
        seen = self.system()
        [one] = [one for one in subjects(seen) if (one.type, one.physical_id) == (resource_type, physical_id)]
        return {finding.check: finding.verdict for finding in examine_subject(CATALOG, seen, one)}


def checked_project(name: str, aws: LocalAws) -> Checked:
    """A project that is there."""
    return Checked(name, aws, shared_clients(aws.client))


def make(aws: LocalAws) -> Checked:
    """Make a small project of a name of its own."""
    made = checked_project(f"check-{uuid.uuid4().hex[:10]}", aws)
    name, client = made.name, made.client
    assets = f"{name}-assets"
    client("s3").create_bucket(Bucket=assets)
    client("s3").put_object(Bucket=assets, Key="automation.yml", Body=(HERE / "automation.yml").read_bytes())
    given = {"SageMakerProjectName": name, "SageMakerProjectId": name, "AssetsBucket": assets}
    given["CodeConnectionArn"] = CONNECTION
    client("cloudformation").create_stack(
        StackName=f"sagemaker-{name}",
        TemplateBody=(HERE / "project.yml").read_text(),
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in given.items()],
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"],
    )
    if wait(client("cloudformation"), f"sagemaker-{name}") != "CREATE_COMPLETE":
        raise AssertionError(client("cloudformation").describe_stack_events(StackName=f"sagemaker-{name}"))
    client("s3").put_object(Bucket=f"{name}-data", Key="traindata/day.csv", Body=b"x,y\n1,2\n")
    role = "arn:aws:iam::000000000000:role/pipeline"
    client("sagemaker").create_pipeline(PipelineName=name, PipelineDefinition=PIPELINE, RoleArn=role)
    return made


def wait(cloudformation: Any, name: str) -> str:
    """Wait for the end of a stack's change; its status then."""
    deadline = time.monotonic() + 60
    while True:
        [stack] = cloudformation.describe_stacks(StackName=name)["Stacks"]
        if not stack["StackStatus"].endswith("IN_PROGRESS"):
            return str(stack["StackStatus"])
        assert time.monotonic() < deadline, stack
        time.sleep(0.05)


def statuses(verdicts: dict[str, Verdict]) -> dict[str, Status]:
    """The statuses by the name of the check."""
    return {name: verdict.status for name, verdict in verdicts.items()}


@pytest.fixture(scope="session")
def whole(local_aws: LocalAws) -> Iterator[Checked]:
    """A project that tests only look at."""
    yield make(local_aws)


@pytest.fixture
def checked(local_aws: LocalAws) -> Checked:
    """A project of the test's own, which it may break."""
    return make(local_aws)

"""Staging and production in accounts of their own: built in one account, deployed by ModelDeploy into two others.

IAM is enforced, so that each account gets what the policies of the others give it, and nothing else.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import cfnlint.decode.cfn_yaml
import pytest
from botocore.exceptions import ClientError

from tests.commands import run_command
from tests.conftest import LocalAws, until
from tests.deploy.conftest import hasty_local_aws
from tests.localaws.accounts import AccountOf, another_account

ROOT = Path(__file__).parents[2]
TEMPLATES = ROOT / "deploy" / "templates"
NAME = "apart"
STAGES = ("staging", "production")


@pytest.fixture(scope="module")
def local_aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    with mock.patch.dict(os.environ, {"LOCALAWS_IAM": "enforce"}):
        yield from hasty_local_aws(tmp_path_factory.mktemp("apart") / "state", 0.01)


def deploy_model(aws: LocalAws, folder: Path, *arguments: str) -> str:
    """Run a command of the project; its output."""
    environ = aws.env | {"SAGEMAKER_PROJECT_NAME": NAME, "PYTHONPATH": os.environ.get("PYTHONPATH", "")}
    done = run_command("deploy.deploy_model", *arguments, environ=environ, cwd=folder, timeout=300)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


def make_account_stack(account: AccountOf, stage: str, outputs: dict[str, str]) -> None:
    """Make the roles of a stage in its account, as its administrator."""
    values = {
        "SageMakerProjectName": NAME,
        "StageName": stage,
        "ProjectAccountId": "000000000000",
        "ArtifactBucketName": outputs["ArtifactBucketName"],
        "KmsKeyArn": outputs["KmsKeyArn"],
        "ModelPackageGroupName": outputs["ModelPackageGroupName"],
    }
    stacks, name = account.client("cloudformation"), f"sagemaker-{NAME}-{stage}-account"
    stacks.create_stack(
        StackName=name,
        TemplateBody=(TEMPLATES / "account.yml").read_text(),
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in values.items()],
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )
    until(lambda: stacks.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"] != "CREATE_IN_PROGRESS")
    assert stacks.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"] == "CREATE_COMPLETE"


def outputs_of_project(aws: LocalAws) -> dict[str, str]:
    """What the project's stack says of what it has made."""
    [project] = aws.client("cloudformation").describe_stacks(StackName=f"sagemaker-{NAME}-project")["Stacks"]
    return {output["OutputKey"]: output["OutputValue"] for output in project["Outputs"]}


def state_of(aws: LocalAws) -> dict[str, str]:
    """The state of each action of ModelDeploy, with the reason of one that failed."""
    state = aws.client("codepipeline").get_pipeline_state(name=f"{NAME}-deploy")
    latest = {
        action["actionName"]: action["latestExecution"]
        for stage in state["stageStates"]
        for action in stage["actionStates"]
        if "latestExecution" in action
    }
    return {
        name: f"{found['status']} {found.get('errorDetails', {}).get('message', '')}".strip()
        for name, found in latest.items()
    }


def wait_until_reached(aws: LocalAws, name: str, status: str) -> None:
    """Wait until an action of ModelDeploy has a status."""
    try:
        until(lambda: reached(aws, name, status), 300)
    except AssertionError as error:
        raise AssertionError(f"{name} is not {status}: {state_of(aws)}") from error


def reached(aws: LocalAws, name: str, status: str) -> bool:
    """Whether an action has a status; none may have failed."""
    states = state_of(aws)
    # The first execution, at the pipeline's creation, found no version.
    failed = [
        each for each, found in states.items() if found.startswith("Failed") and each != "BuildDeploymentTemplates"
    ]
    assert not failed, states
    return states.get(name, "").startswith(status)


def served(account: AccountOf, stage: str) -> str:
    """The version that a stage serves in its account."""
    [stack] = account.client("cloudformation").describe_stacks(StackName=f"sagemaker-{NAME}-deploy-{stage}")["Stacks"]
    values = {each["ParameterKey"]: each["ParameterValue"] for each in stack["Parameters"]}
    return str(values["ModelPackageName"])


def refused(call: Any, **members: Any) -> str:
    """Why a call is refused."""
    with pytest.raises(ClientError) as error:
        call(**members)
    return str(error.value)


def check_strangers(aws: LocalAws, production: AccountOf, version: str, bucket: str) -> None:
    """A third account gets nothing, and production's only what it needs."""
    third = another_account(aws)
    assert "AccessDenied" in refused(third.client("sagemaker").describe_model_package, ModelPackageName=version)
    assert "AccessDenied" in refused(third.client("s3").list_objects_v2, Bucket=bucket)
    role = f"arn:aws:iam::{production.account_id}:role/{NAME}-production-deployment"
    assumed = {"RoleArn": role, "RoleSessionName": "third"}
    assert "AccessDenied" in refused(third.client("sts").assume_role, **assumed)
    reject = {"ModelPackageArn": version, "ModelApprovalStatus": "Rejected"}
    assert "AccessDenied" in refused(production.client("sagemaker").update_model_package, **reject)


@pytest.mark.timeout(900)
def test_a_version_goes_from_its_account_to_two_others(local_aws: LocalAws, tmp_path: Path) -> None:
    local_aws.client("s3").create_bucket(Bucket="sagemaker-us-east-1-000000000000")
    accounts = {stage: another_account(local_aws) for stage in STAGES}
    copy = tmp_path / "copy"
    unwanted = shutil.ignore_patterns(".*", "*.egg-info", "build", "dist", "__pycache__")
    shutil.copytree(ROOT, copy, ignore=unwanted)
    subprocess.run(["git", "init", "--quiet", str(copy)], check=True)
    subprocess.run(["git", "-C", str(copy), "add", "--all"], check=True)
    options = ("--source", str(copy), "--parameters", "TestCommand=true")
    deploy_model(local_aws, tmp_path, "project", *options)
    outputs = outputs_of_project(local_aws)
    # ModelBuild, which has begun, has nothing to train on yet.
    data = subprocess.run([sys.executable, "-m", "pipelines.lr.sample_data"], cwd=ROOT, capture_output=True, check=True)
    s3 = local_aws.client("s3")
    s3.put_object(Bucket=outputs["DataBucketName"], Key="traindata/diabetes.csv", Body=data.stdout)
    for stage, account in accounts.items():
        make_account_stack(account, stage, outputs)
    ids = [f"{stage.title()}AccountId={account.account_id}" for stage, account in accounts.items()]
    deploy_model(local_aws, tmp_path, "project", *options, *ids)
    sagemaker = local_aws.client("sagemaker")

    def versions() -> list[str]:
        found = sagemaker.list_model_packages(ModelPackageGroupName=NAME)["ModelPackageSummaryList"]
        return [each["ModelPackageArn"] for each in found]

    until(versions, 300)
    version = versions()[0]
    deploy_model(local_aws, tmp_path, "approve-model", version)
    wait_until_reached(local_aws, "ApproveDeployment", "InProgress")
    assert "TestStaging" in state_of(local_aws)
    assert "SystemTest" not in state_of(local_aws)
    assert served(accounts["staging"], "staging") == version
    deploy_model(local_aws, tmp_path, "answer", "approve")
    wait_until_reached(local_aws, "DeployResourcesProd", "Succeeded")
    assert served(accounts["production"], "production") == version
    record = {"EndpointName": f"{NAME}-production", "ContentType": "text/csv", "Body": b"0.3\n"}
    answer = accounts["production"].client("sagemaker-runtime").invoke_endpoint(**record)
    assert b"434.0765649977" in answer["Body"].read()
    # What an endpoint captures is written into the project's bucket.
    prefix = f"{NAME}/datacapture-staging/"
    assert s3.list_objects_v2(Bucket=outputs["ArtifactBucketName"], Prefix=prefix)["KeyCount"]
    # In the project's account there is neither.
    assert not sagemaker.list_endpoints()["Endpoints"]
    check_strangers(local_aws, accounts["production"], version, outputs["ArtifactBucketName"])
    # By hand, the same ways: `deploy-model` assumes the roles itself.
    status = deploy_model(local_aws, tmp_path, "status")
    assert re.search(rf"^production +sagemaker-{NAME}-deploy-production  CREATE_COMPLETE", status, re.MULTILINE)
    assert f"sagemaker-{NAME}-deploy-staging: no change" in deploy_model(local_aws, tmp_path, "plan")
    assert "FAILED" not in deploy_model(local_aws, tmp_path, "test", "--calls", "10")
    # The API is made by production's administrator.
    there = accounts["production"]
    there.client("s3").create_bucket(Bucket=f"{NAME}-functions")
    made = deploy_model(there, tmp_path, "api", "--s3-bucket", f"{NAME}-functions")
    assert "CREATE_COMPLETE" in made
    deploy_model(there, tmp_path, "delete", "api", "--yes")
    deploy_model(local_aws, tmp_path, "delete", "all", "--yes")
    for account in accounts.values():
        assert not account.client("sagemaker").list_endpoints()["Endpoints"]


def statements(template: str, role: str) -> dict[str, Any]:
    """The statements of a role's policies in a template, by Sid."""
    document = cfnlint.decode.cfn_yaml.load(str(TEMPLATES / template))
    policies = document["Resources"][role]["Properties"]["Policies"]
    return {
        each["Sid"]: json.loads(json.dumps(each))
        for policy in policies
        for each in policy["PolicyDocument"]["Statement"]
    }


def of_stage(statement: Any) -> Any:
    """A statement of the project's account as it is in the account of staging, told by the text of its resources."""
    text = json.dumps(statement)
    for before, after in (
        ("${SageMakerProjectName}-staging", "${SageMakerProjectName}-${StageName}"),
        ("${ArtifactBucket.Arn}", "arn:${AWS::Partition}:s3:::${ArtifactBucketName}"),
        (
            '{"Fn::GetAtt": ["ArtifactBucket", "Arn"]}',
            '{"Fn::Sub": "arn:${AWS::Partition}:s3:::${ArtifactBucketName}"}',
        ),
        ('{"Fn::If": ["MakesKey", {"Fn::GetAtt": ["Key", "Arn"]}, {"Ref": "KmsKeyArn"}]}', '{"Ref": "KmsKeyArn"}'),
        ('{"Ref": "ModelExecutionRoleArn"}', '{"Fn::GetAtt": ["ModelExecutionRole", "Arn"]}'),
        ("${AWS::AccountId}:model-package/", "${ProjectAccountId}:model-package/"),
        ("datacapture-*", "datacapture-${StageName}/*"),
    ):
        text = text.replace(before, after)
    found = json.loads(text)
    resources = found["Resource"]
    if isinstance(resources, list):
        kept = [each for each in resources if "-production" not in json.dumps(each)]
        found["Resource"] = kept[0] if len(kept) == 1 else kept
    return found


@pytest.mark.parametrize(
    ("template", "theirs", "ours", "more"),
    [
        ("release.yml", "DeployRole", "CloudFormationRole", {"SharedVersions"}),
        ("project.yml", "ModelExecutionRole", "ModelExecutionRole", set()),
    ],
)
def test_the_roles_of_an_account_are_those_of_the_project(
    template: str, theirs: str, ours: str, more: set[str]
) -> None:
    """What the project's own account lets its roles do for a stage is what account.yml lets them do."""
    expected = {sid: of_stage(statement) for sid, statement in statements(template, theirs).items()}
    found = {sid: of_stage(statement) for sid, statement in statements("account.yml", ours).items()}
    assert {sid: statement for sid, statement in found.items() if sid not in more} == expected
    assert set(found) - set(expected) == more

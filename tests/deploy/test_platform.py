"""A project with everything that a platform team asks for: what really arrived in each resource and role.

IAM is enforced, so the project is made and its builds, functions and machines are called with roles that a boundary
bounds. No job, model or endpoint of such a project is made here.
"""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import LocalAws

ROOT = Path(__file__).parents[2]
NAME = "platform"
ACCOUNT = "000000000000"
INDEX = "https://packages.example.com/simple/"
SUBNETS, GROUPS = ["subnet-0a1b2c3d", "subnet-4e5f6a7b"], ["sg-0a1b2c3d"]
# It bounds nothing but IAM, so that what goes wrong is the project's fault.
BOUNDARY = (
    '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"},'
    ' {"Effect": "Deny", "Action": "iam:Create*", "Resource": "*"}]}'
)


@dataclass(frozen=True)
class Platform:
    """The project, by its stacks.

    Attributes
    ----------
    resources : dict of str to list of str
        Physical ids by type, of the project's stack and of all that are nested in it.
    """

    aws: LocalAws
    outputs: dict[str, str]
    resources: dict[str, list[str]]
    key: str
    boundary: str
    secret: str

    def each(self, resource_type: str) -> list[str]:
        """The physical ids of all resources of a type, at least one."""
        return self.resources[resource_type]


def nested_resources(cloudformation: Any, stack: str) -> Iterator[tuple[str, str]]:
    """Type and physical id of what is in a stack, and in those that are nested in it."""
    for page in cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack):
        for item in page["StackResourceSummaries"]:
            yield item["ResourceType"], item["PhysicalResourceId"]
            if item["ResourceType"] == "AWS::CloudFormation::Stack":
                yield from nested_resources(cloudformation, item["PhysicalResourceId"])


@pytest.fixture(scope="module")
def platform(enforcing_local_aws: LocalAws, tmp_path_factory: pytest.TempPathFactory) -> Platform:
    aws = enforcing_local_aws
    key = aws.client("kms").create_key()["KeyMetadata"]["Arn"]
    boundary = aws.client("iam").create_policy(PolicyName="boundary", PolicyDocument=BOUNDARY)["Policy"]["Arn"]
    secret = aws.client("secretsmanager").create_secret(
        Name="team/index", SecretString='{"username": "reader", "password": "of the index"}'
    )["ARN"]
    aws.client("s3").create_bucket(Bucket="platform-assets")
    copy = tmp_path_factory.mktemp("platform") / "copy"
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".*", "*.egg-info", "build", "dist", "__pycache__"))
    subprocess.run(["git", "init", "--quiet", str(copy)], check=True)
    subprocess.run(["git", "-C", str(copy), "add", "--all"], check=True)
    parameters = {
        "TestCommand": "true",
        "VpcId": "vpc-0a1b2c3d",
        "SubnetIds": ",".join(SUBNETS),
        "SecurityGroupIds": ",".join(GROUPS),
        "EnableNetworkIsolation": "true",
        "EnableInterContainerTrafficEncryption": "true",
        "KmsKeyArn": key,
        "EnableJobVolumeEncryption": "true",
        "PermissionsBoundaryArn": boundary,
        "RolePath": "/ml/",
        "LogRetentionInDays": "731",
        "PackageIndexUrl": INDEX,
        "PackageIndexSecretArn": secret,
        "RequireHashes": "true",
    }
    done = subprocess.run(
        [
            *(sys.executable, "-P", "-m", "deploy.deploy_model", "project", "--project-name", NAME),
            *("--s3-bucket", "platform-assets", "--source", str(copy)),
            *("--parameters", *(f"{name}={value}" for name, value in parameters.items())),
        ],
        env=aws.env,
        cwd=copy,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    cloudformation = aws.client("cloudformation")
    stack = f"sagemaker-{NAME}-project"
    [found] = cloudformation.describe_stacks(StackName=stack)["Stacks"]
    resources: dict[str, list[str]] = {}
    for kind, physical_id in nested_resources(cloudformation, stack):
        resources.setdefault(kind, []).append(physical_id)
    outputs = {item["OutputKey"]: item["OutputValue"] for item in found["Outputs"]}
    return Platform(aws, outputs, resources, key, boundary, secret)


def test_no_key_is_made_where_one_is_given(platform: Platform) -> None:
    assert "AWS::KMS::Key" not in platform.resources
    assert platform.outputs["KmsKeyArn"] == platform.key


def test_each_role_has_the_path_and_the_boundary(platform: Platform) -> None:
    iam = platform.aws.client("iam")
    roles = [iam.get_role(RoleName=name)["Role"] for name in platform.each("AWS::IAM::Role")]
    assert len(roles) > 10
    for role in roles:
        assert role["Arn"].startswith(f"arn:aws:iam::{ACCOUNT}:role/ml/"), role["RoleName"]
        assert role["PermissionsBoundary"]["PermissionsBoundaryArn"] == platform.boundary, role["RoleName"]
    assert platform.each("AWS::IAM::ManagedPolicy") == [platform.outputs["NetworkPolicyArn"]]
    assert ":policy/ml/" in platform.outputs["NetworkPolicyArn"]


def test_each_function_is_in_the_subnets_and_its_role_may_reach_them(platform: Platform) -> None:
    functions, iam = platform.aws.client("lambda"), platform.aws.client("iam")
    for name in platform.each("AWS::Lambda::Function"):
        found = functions.get_function_configuration(FunctionName=name)
        assert found["VpcConfig"]["SubnetIds"] == SUBNETS, name
        assert found["VpcConfig"]["SecurityGroupIds"] == GROUPS, name
        assert found["KMSKeyArn"] == platform.key, name
        attached = iam.list_attached_role_policies(RoleName=found["Role"].rpartition("/")[2])["AttachedPolicies"]
        assert [each["PolicyArn"] for each in attached] == [platform.outputs["NetworkPolicyArn"]], name


def test_each_build_is_in_the_vpc_and_knows_what_to_ask_of_jobs(platform: Platform) -> None:
    found = platform.aws.client("codebuild").batch_get_projects(names=platform.each("AWS::CodeBuild::Project"))
    assert len(found["projects"]) == 3
    for project in found["projects"]:
        where = {"vpcId": "vpc-0a1b2c3d", "subnets": SUBNETS, "securityGroupIds": GROUPS}
        assert (project["vpcConfig"], project["encryptionKey"]) == (where, platform.key)
        variables = {each["name"]: each["value"] for each in project["environment"]["environmentVariables"]}
        if project["name"] != f"{NAME}-test":
            asked = {
                "SUBNET_IDS": ",".join(SUBNETS),
                "SECURITY_GROUP_IDS": ",".join(GROUPS),
                "ENABLE_NETWORK_ISOLATION": "true",
                "ENABLE_INTER_CONTAINER_TRAFFIC_ENCRYPTION": "true",
                "VOLUME_KMS_KEY_ARN": platform.key,
            }
            assert variables.items() >= asked.items()


def test_each_build_has_the_index(platform: Platform) -> None:
    found = platform.aws.client("codebuild").batch_get_projects(names=platform.each("AWS::CodeBuild::Project"))
    for project in found["projects"]:
        variables = {
            each["name"]: (each.get("type", "PLAINTEXT"), each["value"])
            for each in project["environment"]["environmentVariables"]
        }
        wanted = {
            "PACKAGE_INDEX_URL": ("PLAINTEXT", INDEX),
            "PACKAGE_INDEX_USERNAME": ("SECRETS_MANAGER", f"{platform.secret}:username"),
            "PACKAGE_INDEX_PASSWORD": ("SECRETS_MANAGER", f"{platform.secret}:password"),
            "REQUIRE_HASHES": ("PLAINTEXT", "true"),
        }
        assert variables.items() >= wanted.items()


def built(platform: Platform, *variables: dict[str, str]) -> tuple[dict[str, Any], str]:
    """A build of ModelBuild's project that says what it knows of the secret, and its log."""
    codebuild, logs = platform.aws.client("codebuild"), platform.aws.client("logs")
    said = 'echo "$PACKAGE_INDEX_USERNAME asks with a password of ${#PACKAGE_INDEX_PASSWORD}: $PACKAGE_INDEX_PASSWORD"'
    build = codebuild.start_build(
        projectName=f"{NAME}-build",
        sourceTypeOverride="NO_SOURCE",
        artifactsOverride={"type": "NO_ARTIFACTS"},
        environmentVariablesOverride=list(variables),
        buildspecOverride=f"version: 0.2\nphases: {{build: {{commands: [{json.dumps(said)}]}}}}",
    )["build"]
    deadline = time.monotonic() + 120
    while build["buildStatus"] == "IN_PROGRESS" and time.monotonic() < deadline:
        time.sleep(0.2)
        [build] = codebuild.batch_get_builds(ids=[build["id"]])["builds"]
    events = logs.get_log_events(logGroupName=build["logs"]["groupName"], logStreamName=build["logs"]["streamName"])
    return build, "".join(event["message"] for event in events["events"])


def test_a_builds_password_comes_from_the_secret_and_is_not_in_its_log(platform: Platform) -> None:
    build, log = built(platform)
    assert build["buildStatus"] == "SUCCEEDED", build
    assert "*** asks with a password of 12: ***" in log


def test_a_build_may_read_no_other_secret(platform: Platform) -> None:
    other = platform.aws.client("secretsmanager").create_secret(Name="team/other", SecretString="theirs")["ARN"]
    build, log = built(platform, {"name": "OTHER", "type": "SECRETS_MANAGER", "value": other})
    assert build["buildStatus"] == "FAILED"
    assert "asks with" not in log
    assert any("AccessDenied" in each["message"] for phase in build["phases"] for each in phase.get("contexts", ()))


def test_the_key_and_the_retention_are_everywhere(platform: Platform) -> None:
    client = platform.aws.client
    for name in platform.each("AWS::Logs::LogGroup"):
        [log] = client("logs").describe_log_groups(logGroupNamePrefix=name)["logGroups"]
        assert (log["retentionInDays"], log["kmsKeyId"]) == (731, platform.key), name
    for name in platform.each("AWS::DynamoDB::Table"):
        table = client("dynamodb").describe_table(TableName=name)["Table"]
        assert table["SSEDescription"]["KMSMasterKeyArn"] == platform.key, name
    for url in platform.each("AWS::SQS::Queue"):
        found = client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["KmsMasterKeyId"])["Attributes"]
        assert found["KmsMasterKeyId"] == platform.key, url
    for arn in platform.each("AWS::SNS::Topic"):
        assert client("sns").get_topic_attributes(TopicArn=arn)["Attributes"]["KmsMasterKeyId"] == platform.key
    keys = set()
    for name in platform.each("AWS::S3::Bucket"):
        encryption = client("s3").get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]
        keys.add(encryption["Rules"][0]["ApplyServerSideEncryptionByDefault"].get("KMSMasterKeyID"))
    # S3 writes access logs to buckets with its own keys only.
    assert keys == {platform.key, None}

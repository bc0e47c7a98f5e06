"""Nobody gets in: each role of each template is made for real, assumed, and tries what it may and what it may not.

A role may do what `MAY` says and nothing else of `tries`; a role that is not in `MAY` may do nothing of it. Who may do
something gets any answer but a denial, mostly that there is no such thing. Roles are made by CloudFormation from their
own templates, from which all else is left out: what a policy refers to becomes a parameter.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import botocore.session
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from cfnlint.decode import cfn_yaml

from tests.conftest import LocalAws
from tests.deploy.role_tries import (
    ACCOUNT,
    BUCKET,
    FOREIGN_BUCKET,
    MAY,
    MODEL_ROLE,
    PARAMETERS,
    PROJECT,
    Try,
    arn,
    tags,
    tries,
)

TEMPLATES = sorted((Path(__file__).parents[2] / "deploy" / "templates").glob("*.yml"))
DENIALS = {"AccessDenied", "AccessDeniedException", "AuthorizationError"}
# How the ARNs of what a policy refers to begin, for the types that a template of a project has.
KINDS = {
    "AWS::S3::Bucket": "arn:aws:s3:::",
    "AWS::CodeBuild::Project": arn("codebuild", "project/"),
    "AWS::CodePipeline::Pipeline": arn("codepipeline", ""),
    "AWS::DynamoDB::Table": arn("dynamodb", "table/"),
    "AWS::SQS::Queue": arn("sqs", ""),
    "AWS::SNS::Topic": arn("sns", ""),
    "AWS::Lambda::Function": arn("lambda", "function:"),
    "AWS::StepFunctions::StateMachine": arn("states", "stateMachine:"),
}
REFERRED_BY_ARN = {"AWS::SNS::Topic", "AWS::StepFunctions::StateMachine"}
NAMES = ("Name", "BucketName", "TopicName", "QueueName", "TableName", "FunctionName", "StateMachineName")


@dataclass(frozen=True)
class Roles:
    """The roles of all templates in an AWS that enforces IAM.

    Attributes
    ----------
    local_aws : LocalAws
    tries : dict
    arns : dict
        By template and logical id, such as ``api.yml FunctionRole``.
    """

    local_aws: LocalAws
    tries: dict[str, Try]
    arns: dict[str, str]


@pytest.fixture(scope="module")
def roles(enforcing_local_aws: LocalAws) -> Roles:
    local_aws = enforcing_local_aws
    s3, kms = local_aws.client("s3"), local_aws.client("kms")
    for bucket in (BUCKET, f"{BUCKET}-data", FOREIGN_BUCKET):
        s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=BUCKET, Key="iris/x.json", Body=b"{}")
    sagemaker = local_aws.client("sagemaker")
    for project in (PROJECT, "other"):
        own = {"PrimaryContainer": {"Image": "python"}, "ExecutionRoleArn": MODEL_ROLE, "Tags": tags(project)}
        sagemaker.create_model(ModelName=project, **own)
        variant = {"VariantName": "v", "ModelName": project, "InstanceType": "ml.t2.medium", "InitialInstanceCount": 1}
        sagemaker.create_endpoint_config(EndpointConfigName=project, ProductionVariants=[variant], Tags=tags(project))
    key = kms.create_key()["KeyMetadata"]
    arns: dict[str, str] = {}
    given = {**PARAMETERS, "KmsKeyArn": key["Arn"]}
    # The roles of project.yml are handed to its nested stacks.
    for template in sorted(TEMPLATES, key=lambda path: path.name != "project.yml"):
        made = make_roles(local_aws, only_roles(template, given), template.stem.replace("_", "-"))
        arns |= {f"{template.name} {name}": role for name, role in made.items()}
        given |= {f"{name}Arn": role for name, role in made.items() if f"{name}Arn" in PARAMETERS}
    passed = (given["PipelineExecutionRoleArn"], given["ModelExecutionRoleArn"])
    return Roles(local_aws, tries(key["KeyId"], *passed), arns)


def make_roles(local_aws: LocalAws, template: dict[str, Any], stack: str) -> dict[str, str]:
    """Make the roles of a template; their ARNs by logical id."""
    names = [name for name, each in template["Resources"].items() if each["Type"] == "AWS::IAM::Role"]
    if not names:
        return {}
    cloudformation = local_aws.client("cloudformation")
    body = json.dumps(template)
    cloudformation.create_stack(StackName=stack, TemplateBody=body, Capabilities=["CAPABILITY_NAMED_IAM"])
    cloudformation.get_waiter("stack_create_complete").wait(StackName=stack, WaiterConfig={"Delay": 0.05})
    made = cloudformation.describe_stack_resources(StackName=stack)["StackResources"]
    ids = {each["LogicalResourceId"]: each["PhysicalResourceId"] for each in made}
    return {name: f"arn:aws:iam::{ACCOUNT}:role/{ids[name]}" for name in names if name in ids}


def only_roles(path: Path, given: dict[str, str]) -> dict[str, Any]:
    """A template of the roles of another one, with these values of its parameters."""
    whole = json.loads(json.dumps(cfn_yaml.load(str(path)), default=str))
    kept = {name: each for name, each in whole["Resources"].items() if each["Type"].startswith("AWS::IAM::")}
    others = {name: each for name, each in whole["Resources"].items() if name not in kept}
    values = {name: str(each.get("Default", name)) for name, each in whole.get("Parameters", {}).items()} | given
    for name, resource in others.items():
        own_key = resource["Type"] == "AWS::KMS::Key"
        values[name], values[f"{name}Arn"] = (given["KmsKeyArn"],) * 2 if own_key else reference(name, resource)
    text = json.dumps({"Conditions": whole.get("Conditions", {}), "Resources": kept})
    names = "|".join(others) or "-"
    text = re.sub(rf'{{"Fn::GetAtt": \["({names})", "Arn"\]}}', r'{"Ref": "\1Arn"}', text)
    text = re.sub(rf"\$\{{({names})\.Arn\}}", r"${\1Arn}", text)
    parameters = {name: {"Type": "String", "Default": value} for name, value in values.items()}
    return {"Parameters": parameters, **json.loads(text)}


def reference(logical_id: str, resource: dict[str, Any]) -> tuple[str, str]:
    """What ``Ref`` and ``.Arn`` of a resource may be."""
    properties = resource.get("Properties", {})
    name = next((properties[each] for each in NAMES if each in properties), logical_id)
    text = str(name.get("Fn::Sub", logical_id) if isinstance(name, dict) else name)
    for parameter, value in PARAMETERS.items():
        text = text.replace(f"${{{parameter}}}", value)
    found = KINDS.get(resource["Type"], "") + text
    return (found if resource["Type"] in REFERRED_BY_ARN else text), found


class Caller:
    """Clients that sign as whoever has been assumed last."""

    def __init__(self, local_aws: LocalAws) -> None:
        self._iam, self._sts = local_aws.client("iam"), local_aws.client("sts")
        self._session, self._as_service = botocore.session.get_session(), dict[str, str]()
        self._sts.meta.events.register("before-send", lambda request, **_: request.headers.update(self._as_service))
        self._session.set_credentials("nobody", "nothing", "nowhere")
        self._url, self._clients = f"http://127.0.0.1:{local_aws.port}", dict[str, Any]()

    def assume(self, role_arn: str) -> None:
        """Assume a role as who its trust policy names: a service, or the root user of the account."""
        trust = self._iam.get_role(RoleName=role_arn.rpartition("/")[2])["Role"]["AssumeRolePolicyDocument"]
        [principal] = {json.dumps(each["Principal"]) for each in trust["Statement"] if each["Effect"] == "Allow"}
        service = json.loads(principal).get("Service")
        self._as_service = {"X-Localaws-Service": service} if service else {}
        found = self._sts.assume_role(RoleArn=role_arn, RoleSessionName="tries")["Credentials"]
        own = self._session.get_credentials()
        own.access_key, own.secret_key, own.token = (
            found[name] for name in ("AccessKeyId", "SecretAccessKey", "SessionToken")
        )

    def is_let_in(self, service: str, method: str, arguments: dict[str, Any]) -> bool:
        if service not in self._clients:
            session = boto3.Session(botocore_session=self._session, region_name="us-east-1")
            options = Config(retries={"total_max_attempts": 1})
            self._clients[service] = session.client(service, endpoint_url=self._url, config=options)
        try:
            getattr(self._clients[service], method)(**arguments)
        except ClientError as error:
            return error.response["Error"]["Code"] not in DENIALS
        return True


def test_each_role_may_do_what_it_has_to_and_nothing_else(roles: Roles) -> None:
    caller = Caller(roles.local_aws)
    found = {}
    for name, role_arn in roles.arns.items():
        caller.assume(role_arn)
        found[name] = {each for each, what in roles.tries.items() if caller.is_let_in(*what)}
    assert {name: may for name, may in found.items() if may} == {
        name: may for name, may in MAY.items() if name in roles.arns
    }


def test_nobody_may_do_what_breaks_a_project(roles: Roles) -> None:
    """The table does not let in anybody by mistake."""
    never = {
        name
        for name in roles.tries
        if re.search(
            "foreign|admin|user|widen|open|approve |as approved|register what|delete own|anything|secret|iris-2", name
        )
    }
    assert len(never) > 20
    assert not never & {each for may in MAY.values() for each in may}

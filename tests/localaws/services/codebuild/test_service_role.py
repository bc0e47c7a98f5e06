"""What a build may, where IAM is enforced."""

import json
import uuid

from tests.conftest import LocalAws
from tests.localaws.services.codebuild.conftest import Project, zipped
from tests.localaws.services.codebuild.test_builds import spec

COMMAND = 'python3 -c \'import boto3; print(boto3.client("sts").get_caller_identity()["Arn"])\''


def test_a_build_has_the_credentials_of_its_service_role(enforcing_local_aws: LocalAws) -> None:
    iam, name = enforcing_local_aws.client("iam"), f"build-{uuid.uuid4().hex[:8]}"
    trust = {"Effect": "Allow", "Principal": {"Service": "codebuild.amazonaws.com"}, "Action": "sts:AssumeRole"}
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps({"Statement": [trust]}))["Role"]["Arn"]
    project = Project(enforcing_local_aws, name)
    project.create(spec(COMMAND), serviceRole=role)
    assert f"assumed-role/{name}/" in project.log(project.build())


def test_a_build_fails_when_its_service_role_cannot_be_assumed(enforcing_local_aws: LocalAws) -> None:
    project = Project(enforcing_local_aws, f"build-{uuid.uuid4().hex[:8]}")
    project.create(spec("true"))
    build = project.build()
    contexts = [context for phase in build["phases"] for context in phase.get("contexts", ())]
    assert build["buildStatus"] == "FAILED"
    [message] = [context["message"] for context in contexts if context["statusCode"] == "ACCESS_DENIED"]
    assert "Could not assume role arn:aws:iam::000000000000:role/build" in message


def test_a_repositorys_first_commit_is_made_and_cloned_by_the_services(enforcing_local_aws: LocalAws) -> None:
    """Their git asks in their own name, where nobody else's gets in."""
    name, cloudformation = f"code-{uuid.uuid4().hex[:8]}", enforcing_local_aws.client("cloudformation")
    s3, iam = enforcing_local_aws.client("s3"), enforcing_local_aws.client("iam")
    s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=name, Key="code.zip", Body=zipped({"said.txt": "first commit"}))
    code = {"BranchName": "main", "S3": {"Bucket": name, "Key": "code.zip"}}
    repository = {"Type": "AWS::CodeCommit::Repository", "Properties": {"RepositoryName": name, "Code": code}}
    cloudformation.create_stack(StackName=name, TemplateBody=json.dumps({"Resources": {"Repository": repository}}))
    cloudformation.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 0.1})
    trust = {"Effect": "Allow", "Principal": {"Service": "codebuild.amazonaws.com"}, "Action": "sts:AssumeRole"}
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps({"Statement": [trust]}))["Role"]["Arn"]
    project = Project(enforcing_local_aws, name)
    location = f"https://git-codecommit.us-east-1.amazonaws.com/v1/repos/{name}"
    source = {"type": "CODECOMMIT", "location": location, "buildspec": spec("cat said.txt")}
    project.create(source=source, serviceRole=role)
    build = project.build(sourceVersion="main")
    assert "first commit" in project.log(build), build

"""CodeCommit where IAM is enforced: the services' own git gets in."""

import json
import uuid

from tests.conftest import LocalAws
from tests.localaws.services.codebuild.conftest import Project, zipped
from tests.localaws.services.codebuild.test_builds import spec


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

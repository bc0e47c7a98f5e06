"""CodeCommit where IAM is enforced: the services' own git gets in."""

import json
import uuid

from tests.conftest import LocalAws
from tests.localaws.roles import allow, make_role
from tests.localaws.services.codebuild.conftest import Project, spec, zipped


def test_a_repositorys_first_commit_is_made_and_cloned_by_the_services(enforcing_local_aws: LocalAws) -> None:
    """Their git asks in their own name, where nobody else's gets in."""
    name, cloudformation = f"code-{uuid.uuid4().hex[:8]}", enforcing_local_aws.client("cloudformation")
    s3 = enforcing_local_aws.client("s3")
    s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=name, Key="code.zip", Body=zipped({"said.txt": "first commit"}))
    code = {"BranchName": "main", "S3": {"Bucket": name, "Key": "code.zip"}}
    repository = {"Type": "AWS::CodeCommit::Repository", "Properties": {"RepositoryName": name, "Code": code}}
    cloudformation.create_stack(StackName=name, TemplateBody=json.dumps({"Resources": {"Repository": repository}}))
    cloudformation.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 0.1})
    may = [allow("codecommit:GitPull", f"arn:aws:codecommit:us-east-1:000000000000:{name}"), allow("logs:*")]
    role = make_role(enforcing_local_aws, "codebuild", *may)
    project = Project(enforcing_local_aws, name)
    location = f"https://git-codecommit.us-east-1.amazonaws.com/v1/repos/{name}"
    source = {"type": "CODECOMMIT", "location": location, "buildspec": spec("cat said.txt")}
    project.create(source=source, serviceRole=role)
    build = project.build(sourceVersion="main")
    assert "first commit" in project.log(build), build
    project.client.update_project(name=name, serviceRole=make_role(enforcing_local_aws, "codebuild", may[1]))
    denied = project.build(sourceVersion="main")
    assert denied["buildStatus"] == "FAILED"
    assert "is not authorized to perform: codecommit:GitPull" in json.dumps(denied["phases"], default=str)

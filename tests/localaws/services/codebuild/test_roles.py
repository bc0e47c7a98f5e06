"""A build's commands may do what the project's role may, and nothing else, where IAM is enforced."""

import json
import uuid

from tests.conftest import LocalAws
from tests.localaws.services.codebuild.conftest import Project
from tests.localaws.services.codebuild.test_builds import spec

ASK = "python -c \"import boto3; boto3.client('{service}').{operation}\""


def role(local_aws: LocalAws, service: str) -> str:
    """A role that a service may assume, and that may list topics."""
    iam, name = local_aws.client("iam"), f"role-of-{service}-{uuid.uuid4().hex[:12]}"
    trust = {"Effect": "Allow", "Principal": {"Service": f"{service}.amazonaws.com"}, "Action": "sts:AssumeRole"}
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy(trust))["Role"]["Arn"]
    may = {"Effect": "Allow", "Action": "sns:ListTopics", "Resource": "*"}
    iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=policy(may))
    return str(arn)


def policy(statement: dict[str, object]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def test_the_commands_run_as_the_projects_role(enforcing_local_aws: LocalAws) -> None:
    allowed = ASK.format(service="sns", operation="list_topics()")
    denied = ASK.format(service="sqs", operation="list_queues()")
    project = Project(enforcing_local_aws, f"build-{uuid.uuid4().hex[:12]}")
    project.create(spec(f"{allowed} && echo is-allowed", denied), serviceRole=role(enforcing_local_aws, "codebuild"))
    build = project.build()
    log = project.log(build)
    assert build["buildStatus"] == "FAILED"
    assert "\nis-allowed" in log, log
    assert "AccessDenied" in log and "role-of-codebuild-" in log, log


def test_a_role_that_is_not_there_fails_the_build(enforcing_local_aws: LocalAws) -> None:
    project = Project(enforcing_local_aws, f"build-{uuid.uuid4().hex[:12]}")
    project.create(spec("echo never"), serviceRole="arn:aws:iam::000000000000:role/nobody")
    build = project.build()
    assert build["buildStatus"] == "FAILED"
    [context] = next(phase["contexts"] for phase in build["phases"] if phase["phaseType"] == "DOWNLOAD_SOURCE")
    assert context["statusCode"] == "ACCESS_DENIED"
    assert "role/nobody" in context["message"]

"""Checks on answers that local AWS does not give: of services that it has not, and of things in rare states.

botocore's Stubber holds each answer against the service's model.
"""

from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from deploy.check.catalog import subjects
from deploy.check.examination import examine_resource
from deploy.check.finding import Status
from deploy.check.system import Resource, System
from deploy.stacks import Stack

ARN = "arn:aws:cloudformation:eu-west-1:111122223333:stack/sagemaker-p/1"
CONNECTION = "arn:aws:codeconnections:eu-west-1:111122223333:connection/abc"
ROLE = "arn:aws:iam::111122223333:role/code"
COMMIT = "4c5e8a1b7f0e26a80caa5ee04b0a9d5c5b7e8a1b"
Answers = list[tuple[str, dict[str, Any] | str]]


def stack(name: str, **parameters: str) -> Stack:
    return Stack(name, ARN, "CREATE_COMPLETE", "", parameters, {}, {})


def judge(resource_type: str, physical_id: str, stages: dict[str, Stack | None] | None = None, **answers: Answers):
    """Check a resource with a service that gives these answers; one that is a text is an error's code."""
    clients = {}
    for service, given in answers.items():
        name = service.replace("_", "-")
        clients[name] = boto3.client(name, "eu-west-1", aws_access_key_id="x", aws_secret_access_key="x")
        stubber = Stubber(clients[name])
        for operation, answer in given:
            if isinstance(answer, str):
                stubber.add_client_error(operation, answer, "no")
            else:
                stubber.add_response(operation, answer)
        stubber.activate()
    given = {"RepositoryName": "sagemaker-p", "BranchName": "main", "CodeConnectionArn": CONNECTION}
    root = stack("sagemaker-p", **given)
    one = Resource(resource_type, physical_id, root, physical_id)
    system = System(clients.__getitem__, "p", root, (root,), (one,), stages or {}, "--project-name p")
    assert one.type in {subject.type for subject in subjects(system)}
    return {finding.check: finding.verdict for finding in examine_resource(system, one)}


def trusting(service: str) -> Answers:
    """IAM's answer about a role that a service may assume."""
    document = (
        f'{{"Statement": {{"Effect": "Allow", "Principal": {{"Service": "{service}"}}, "Action": "sts:AssumeRole"}}}}'
    )
    role = {"Path": "/", "RoleName": "code", "RoleId": "A" * 16, "Arn": ROLE, "CreateDate": "2026-01-01T00:00:00Z"}
    return [("get_role", {"Role": {**role, "AssumeRolePolicyDocument": document}})]


PROJECT = {"name": "p-build", "serviceRole": ROLE, "logsConfig": {"cloudWatchLogs": {"status": "ENABLED"}}}
PIPELINE = {
    "name": "p-build",
    "roleArn": ROLE,
    "stages": [{"name": "Source", "actions": []}, {"name": "Build", "actions": []}],
}
STOPPED = {"stageName": "Build", "inboundTransitionState": {"enabled": False, "disabledReason": "holidays"}}


def test_a_build_projects_role_must_be_codebuilds():
    asked = [("batch_get_projects", {"projects": [{**PROJECT, "logsConfig": {}}]})] * 3
    seen = judge("AWS::CodeBuild::Project", "p-build", codebuild=asked, iam=trusting("lambda.amazonaws.com"))
    assert (seen["Role"].status, seen["Role"].why) == (Status.FAILED, "codebuild.amazonaws.com may not assume code")
    assert seen["Log"].status is Status.WARNING


def test_pipelines():
    asked: Answers = [("get_pipeline", {"pipeline": PIPELINE})] * 2
    state: Answers = [("get_pipeline_state", {"stageStates": [{"stageName": "Source"}, STOPPED]})]
    iam = trusting("codepipeline.amazonaws.com")
    seen = judge("AWS::CodePipeline::Pipeline", "p-build", codepipeline=asked + state, iam=iam)
    assert (seen["There"].status, seen["There"].why) == (Status.OK, "Source, Build")
    assert seen["Role"].status is Status.OK
    assert (seen["Transitions"].status, seen["Transitions"].why) == (
        Status.WARNING,
        "no execution gets into Build (holidays)",
    )


@pytest.mark.parametrize(
    ("code", "status", "action"),
    [
        ("PipelineNotFoundException", Status.FAILED, "somebody has deleted it"),
        ("AccessDeniedException", Status.UNKNOWN, "allow whoever checks to call GetPipeline"),
        ("UnsupportedOperation", Status.UNKNOWN, "where this API is not there, nothing"),
    ],
)
def test_what_a_refusal_means(code: str, status: Status, action: str):
    seen = judge("AWS::CodePipeline::Pipeline", "p-build", codepipeline=[("get_pipeline", code)])
    assert list(seen) == ["There"]
    assert (seen["There"].status, action in seen["There"].action) == (status, True)


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        ({"branch": {"branchName": "main", "commitId": COMMIT}}, Status.OK),
        ("BranchDoesNotExistException", Status.FAILED),
    ],
)
def test_repositories(answer: Any, status: Status):
    metadata = {"repositoryMetadata": {"cloneUrlHttp": "https://git-codecommit/sagemaker-p"}}
    asked: Answers = [("get_repository", metadata), ("get_branch", answer)]
    seen = judge("AWS::CodeCommit::Repository", "0a1b2c3d", codecommit=asked)
    assert (seen["There"].status, seen["Branch"].status) == (Status.OK, status)


@pytest.mark.parametrize(("state", "status"), [("AVAILABLE", Status.OK), ("PENDING", Status.FAILED)])
def test_code_connections(state: str, status: Status):
    answer = {"Connection": {"ConnectionStatus": state, "ProviderType": "GitHub"}}
    seen = judge("CodeConnection", CONNECTION, codeconnections=[("get_connection", answer)])
    assert seen["Available"].status is status


@pytest.mark.parametrize(
    ("value", "status", "why"),
    [
        (8.0, Status.OK, "8; the stages run 4, 8 while one is updated"),
        (5.0, Status.WARNING, "5: the stages run 4, but an update needs 8 for a while"),
        (2.0, Status.FAILED, "2, and the stages run 4"),
        (None, Status.UNKNOWN, "knows no 'ml.m5.large for endpoint usage'"),
    ],
)
def test_quotas(value: float | None, status: Status, why: str):
    """Production as its file has it, scaled to 4 instances."""
    quota = {"QuotaName": "ml.m5.large for endpoint usage", "QuotaCode": "L-61F225D9", "Value": value or 0.0}
    answer = {"Quotas": [quota] if value else []}
    stages = {"staging": None, "production": stack("production", MaxCapacity="4"), "api": None}
    seen = judge("Quota", "ml.m5.large", stages, service_quotas=[("list_service_quotas", answer)])["Enough"]
    assert (seen.status, why in seen.why) == (status, True), seen
    assert ("--quota-code L-61F225D9 --desired-value 8" in seen.action) == (status in (Status.WARNING, Status.FAILED))


@pytest.mark.parametrize(
    ("arns", "status", "why"),
    [
        (["arn:aws:sns:eu-west-1:111122223333:p:1", "PendingConfirmation"], Status.WARNING, "not confirmed: b@example"),
        (["PendingConfirmation", "PendingConfirmation"], Status.FAILED, "no subscription is confirmed: a@example"),
    ],
)
def test_subscriptions_wait_for_their_people(arns: list[str], status: Status, why: str):
    topic = "arn:aws:sns:eu-west-1:111122223333:p-notifications"
    people = ["a@example.com", "b@example.com"]
    listed = [
        {"SubscriptionArn": arn, "Owner": "111122223333", "Protocol": "email", "Endpoint": who, "TopicArn": topic}
        for arn, who in zip(arns, people, strict=True)
    ]
    attributes = [("get_topic_attributes", {"Attributes": {"KmsMasterKeyId": "key"}})] * 2
    asked: Answers = [*attributes, ("list_subscriptions_by_topic", {"Subscriptions": listed})]
    seen = judge("AWS::SNS::Topic", topic, sns=asked)["Subscriptions"]
    assert (seen.status, why in seen.why) == (status, True), seen


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("UPDATE_COMPLETE", Status.OK),
        ("UPDATE_IN_PROGRESS", Status.WARNING),
        ("UPDATE_ROLLBACK_COMPLETE", Status.WARNING),
        ("CREATE_FAILED", Status.FAILED),
        ("DELETE_COMPLETE", Status.FAILED),
    ],
)
def test_stacks(status: str, expected: Status):
    answer = {"StackName": "sagemaker-p", "StackId": ARN, "StackStatus": status, "CreationTime": "2026-01-01T00:00:00Z"}
    seen = judge("AWS::CloudFormation::Stack", ARN, cloudformation=[("describe_stacks", {"Stacks": [answer]})])
    assert seen["Whole"].status is expected

"""Checks on answers that local AWS does not give: of services that it has not, and of things in rare states.

botocore's Stubber holds each answer against the service's model.
"""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from deploy.check.catalog import CATALOG, subjects
from deploy.check.examination import examine_subject
from deploy.check.finding import Status
from deploy.check.system import Resource, System
from deploy.stacks import Stack
from tests.deploy.check.stubbed import Answers, stubbed_clients

ARN = "arn:aws:cloudformation:eu-west-1:111122223333:stack/sagemaker-p/1"
CONNECTION = "arn:aws:codeconnections:eu-west-1:111122223333:connection/abc"
ROLE = "arn:aws:iam::111122223333:role/code"
COMMIT = "4c5e8a1b7f0e26a80caa5ee04b0a9d5c5b7e8a1b"


def stack(name: str, **parameters: str) -> Stack:
    return Stack(name, ARN, "CREATE_COMPLETE", "", parameters, {}, {}, datetime.now(UTC))


def judge(resource_type: str, physical_id: str, stages: dict[str, Stack | None] | None = None, **answers: Answers):
    """Check a resource with a service that gives these answers; one that is a text is an error's code."""
    clients = stubbed_clients(answers)
    given = {"RepositoryName": "sagemaker-p", "BranchName": "main", "CodeConnectionArn": CONNECTION}
    if "sagemaker" in answers:
        given["TrainingPipelineName"] = "p"
    root = stack("sagemaker-p", **given)
    one = Resource(resource_type, physical_id, root, physical_id)
    system = System(clients.__getitem__, "p", root, (root,), (one,), stages or {}, "--project-name p")
    assert one.type in {subject.type for subject in subjects(system)}
    return {finding.check: finding.verdict for finding in examine_subject(CATALOG, system, one)}


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
BUILD_ID = "p-build:8745a7a9-c340-456a-9166-edf953571bee"
FAILED = (
    "get_pipeline_state",
    {
        "stageStates": [
            {
                "stageName": "Build",
                "latestExecution": {"pipelineExecutionId": "1", "status": "Failed"},
                "actionStates": [
                    {
                        "actionName": "BuildModel",
                        "latestExecution": {
                            "status": "Failed",
                            "externalExecutionId": BUILD_ID,
                            "errorDetails": {"message": "exit status 1"},
                        },
                    }
                ],
            }
        ]
    },
)
BUILD: dict[str, Answers] = {
    "codebuild": [("batch_get_builds", {"builds": [{"logs": {"groupName": "g", "streamName": "s"}}]})],
    "logs": [("get_log_events", {"events": [{"message": "r2 is 0.1, below 0.2\n"}, {"message": "[Container] end\n"}]})],
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
    seen = judge("AWS::CodePipeline::Pipeline", "p-build", codepipeline=asked + state + [FAILED], **BUILD, iam=iam)
    assert (seen["There"].status, seen["There"].why) == (Status.OK, "Source, Build")
    assert seen["Role"].status is Status.OK
    assert (seen["Transitions"].status, seen["Transitions"].why) == (
        Status.WARNING,
        "no execution gets into Build (holidays)",
    )
    said, why = seen["LastExecution"], "p-build: Build, BuildModel failed: exit status 1 (r2 is 0.1, below 0.2)"
    assert (said.status, said.why) == (Status.WARNING, why)
    assert said.action.startswith(f"`deploy-model log {BUILD_ID}")


VERSION = {
    "ModelPackageArn": "arn:aws:sagemaker:eu-west-1:111122223333:model-package/p/1",
    "ModelPackageStatus": "Completed",
    "CreationTime": datetime(2026, 1, 1, tzinfo=UTC),
}


@pytest.mark.parametrize(
    ("answer", "status", "why"),
    [
        ({"ModelPackageSummaryList": []}, Status.OK, "p-deploy waits for a first approved version"),
        ("ValidationException", Status.OK, "p-deploy waits for a first approved version"),
        ({"ModelPackageSummaryList": [VERSION]}, Status.WARNING, "p-deploy: Build, BuildModel failed: exit status 1"),
    ],
)
def test_the_first_execution_of_modeldeploy_has_not_failed(answer: Any, status: Status, why: str):
    """Without any approved version, or any group of versions, it has nothing to deploy."""
    asked: Answers = [("get_pipeline", {"pipeline": {**PIPELINE, "name": "p-deploy"}})] * 2
    state: Answers = [("get_pipeline_state", {"stageStates": []})]
    given: dict[str, Answers] = {
        "codepipeline": [*asked, *state, FAILED],
        "sagemaker": [("list_model_packages", answer)],
    }
    given["iam"] = trusting("codepipeline.amazonaws.com")
    seen = judge("AWS::CodePipeline::Pipeline", "p-deploy", **given, **BUILD)["LastExecution"]
    assert (seen.status, seen.why.startswith(why)) == (status, True), seen


@pytest.mark.parametrize(
    ("code", "status", "action"),
    [
        ("PipelineNotFoundException", Status.FAILED, "it was deleted"),
        ("AccessDeniedException", Status.UNKNOWN, "allow the caller to call GetPipeline"),
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
        (8.0, Status.OK, "8; the stages run 4"),
        (5.0, Status.WARNING, "5: the stages run 4, but an update needs 8 for a while"),
        (2.0, Status.FAILED, "2, and the stages run 4"),
        (None, Status.UNKNOWN, "knows no 'ml.m5.large for endpoint usage'"),
    ],
)
def test_quotas_of_endpoints(value: float | None, status: Status, why: str):
    """Production as its file has it, scaled to 4 instances."""
    quota = {"QuotaName": "ml.m5.large for endpoint usage", "QuotaCode": "L-61F225D9", "Value": value or 0.0}
    answer = {"Quotas": [quota] if value else []}
    stages = {"staging": None, "production": stack("production", MaxCapacity="4"), "api": None}
    asked: Answers = [("list_service_quotas", answer)]
    seen = judge("Quota", "ml.m5.large for endpoint usage", stages, service_quotas=asked)["Enough"]
    assert (seen.status, why in seen.why) == (status, True), seen
    assert ("--quota-code L-61F225D9 --desired-value 8" in seen.action) == (status in (Status.WARNING, Status.FAILED))


def defined(*steps: dict[str, Any]) -> Answers:
    """SageMaker's answers about a pipeline with these steps."""
    definition = json.dumps({"Version": "2020-12-01", "Parameters": [], "Steps": list(steps)})
    return [("describe_pipeline", {"PipelineName": "p", "PipelineDefinition": definition})] * 2


TRAIN = {"Name": "Train", "Type": "Training", "Arguments": {"ResourceConfig": {"InstanceType": "ml.m5.large"}}}


@pytest.mark.parametrize(("value", "status"), [(1.0, Status.OK), (0.0, Status.FAILED)])
def test_quotas_of_jobs_are_those_that_the_pipelines_definition_asks_for(value: float, status: Status):
    name = "ml.m5.large for training job usage"
    quota = {"QuotaName": name, "QuotaCode": "L-611FA074", "Value": value}
    asked: Answers = [("list_service_quotas", {"Quotas": [quota]})]
    seen = judge("Quota", name, sagemaker=defined(TRAIN), service_quotas=asked)["Enough"]
    assert (seen.status, "Train of p takes 1" in seen.why) == (status, True), seen


@pytest.mark.parametrize(
    ("answers", "why"),
    [
        ([("describe_pipeline", "AccessDeniedException")] * 2, "no"),
        (
            defined({**TRAIN, "Arguments": {"ResourceConfig": {"InstanceType": {"Get": "Steps.S.X"}}}}),
            "only an execution knows the instance type of Train",
        ),
    ],
)
def test_a_pipeline_that_does_not_say_what_it_needs_is_unknown(answers: Answers, why: str):
    seen = judge("PipelineQuota", "p", sagemaker=answers)["Known"]
    assert (seen.status, seen.why) == (Status.UNKNOWN, why)


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


def version(number: int) -> dict[str, Any]:
    """A version, as a list shows it."""
    return {
        "ModelPackageArn": f"arn:aws:sagemaker:eu-west-1:111122223333:model-package/p/{number}",
        "CreationTime": "2026-01-01T00:00:00Z",
        "ModelPackageStatus": "Completed",
    }


@pytest.mark.parametrize(
    ("pages", "status", "why"),
    [
        # SageMaker filters a page after it has taken it: an empty one need not be the last.
        (([], [version(3)]), Status.OK, "version 3 is the latest approved one"),
        (([], [], [version(4)]), Status.WARNING, "no version is approved"),
        (([], [], []), Status.WARNING, "no version yet"),
    ],
)
def test_an_approved_version_may_be_on_a_later_page(pages: Any, status: Status, why: str):
    made = {"ModelPackageGroupName": "p", "ModelPackageGroupArn": "arn:aws:sagemaker:eu-west-1:1:model-package-group/p"}
    made |= {"CreationTime": "2026-01-01T00:00:00Z", "CreatedBy": {}, "ModelPackageGroupStatus": "Completed"}
    asked: Answers = [("describe_model_package_group", made)]
    for number, found in enumerate(pages):
        asked.append(
            ("list_model_packages", {"ModelPackageSummaryList": found, **({"NextToken": "t"} if number == 0 else {})})
        )
    seen = judge("AWS::SageMaker::ModelPackageGroup", "p", sagemaker=asked)["Approved"]
    assert (seen.status, seen.why) == (status, why)


@pytest.mark.parametrize(
    ("told", "status", "why"),
    [
        ({"State": "Active", "LastUpdateStatus": "Successful"}, Status.OK, "Active, last update Successful"),
        ({"State": "Inactive"}, Status.OK, "Inactive, last update Successful"),
        ({"State": "Active", "LastUpdateStatus": "InProgress"}, Status.OK, "Active, last update InProgress"),
        ({"State": "Pending"}, Status.WARNING, "Pending"),
        ({"State": "Failed", "StateReason": "no image"}, Status.FAILED, "Failed, last update Successful: no image"),
        (
            {"State": "Active", "LastUpdateStatus": "Failed", "LastUpdateStatusReason": "no code"},
            Status.FAILED,
            "Active, last update Failed: no code",
        ),
        ({"State": "Failed"}, Status.FAILED, "Failed, last update Successful: no reason is given"),
    ],
)
def test_functions(told: dict[str, str], status: Status, why: str):
    asked: Answers = [("get_function_configuration", {"Role": ROLE, **told})] * 2
    asked += [("list_event_source_mappings", {"EventSourceMappings": []}), ("get_policy", "ResourceNotFoundException")]
    answers = {"lambda": asked, "iam": trusting("lambda.amazonaws.com")}
    seen = next(iter(judge("AWS::Lambda::Function", "p-start", **answers).values()))
    assert (seen.status, seen.why) == (status, why)


@pytest.mark.parametrize(
    ("told", "status", "why"),
    [
        ("Creating", Status.WARNING, "Creating: it answers with the version before"),
        ("Updating", Status.WARNING, "Updating: it answers with the version before"),
        ("Failed", Status.FAILED, "Failed: no disk"),
        ("OutOfService", Status.FAILED, "OutOfService: no disk"),
    ],
)
def test_endpoints(told: str, status: Status, why: str):
    moment = "2026-01-01T00:00:00Z"
    arn = "arn:aws:sagemaker:eu-west-1:111122223333:endpoint/p-staging"
    known = {"EndpointName": "p-staging", "EndpointArn": arn, "EndpointConfigName": "c", "FailureReason": "no disk"}
    known |= {"EndpointStatus": told, "CreationTime": moment, "LastModifiedTime": moment}
    asked: Answers = [("describe_endpoint", known)] * 3
    seen = judge("AWS::SageMaker::Endpoint", arn, sagemaker=asked)["InService"]
    assert (seen.status, why in seen.why) == (status, True), seen


def policies(*statements: dict[str, Any], principal: Any) -> Answers:
    """IAM's answers about a role: whom it trusts, its own policy and one that is attached to it."""
    [(_, told)] = trusting("")
    trust = {"Statement": [{"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}]}
    role = {**told["Role"], "AssumeRolePolicyDocument": json.dumps(trust)}
    own, attached = (json.dumps({"Statement": list(each)}) for each in (statements[:1], statements[1:]))
    arn = "arn:aws:iam::aws:policy/Wide"
    version = {"Document": attached, "VersionId": "v1", "IsDefaultVersion": True}
    return [
        # botocore decodes the document where it is.
        *(("get_role", {"Role": dict(role)}) for _ in range(2)),
        ("list_role_policies", {"PolicyNames": ["own"]}),
        ("get_role_policy", {"RoleName": "code", "PolicyName": "own", "PolicyDocument": own}),
        ("list_attached_role_policies", {"AttachedPolicies": [{"PolicyName": "Wide", "PolicyArn": arn}]}),
        ("get_policy", {"Policy": {"PolicyName": "Wide", "Arn": arn, "DefaultVersionId": "v1"}}),
        ("get_policy_version", {"PolicyVersion": version}),
    ]


NARROW = {"Effect": "Allow", "Action": ["s3:Get*", "sns:Publish"], "Resource": "*"}


@pytest.mark.parametrize(
    ("own", "attached", "why"),
    [
        (NARROW, {**NARROW, "Effect": "Deny", "Action": "*"}, "names its actions"),
        (NARROW, {**NARROW, "Action": "*"}, "it may do * (policy Wide)"),
        ({**NARROW, "Action": ["s3:Get", "iam:*"]}, NARROW, "it may do iam:* (policy own)"),
        ({"Effect": "Allow", "NotAction": "iam:*"}, NARROW, "it may do everything but iam:* (policy own)"),
    ],
)
def test_what_a_role_may_do(own: dict[str, Any], attached: dict[str, Any], why: str):
    given = policies(own, attached, principal={"Service": "lambda.amazonaws.com"})
    seen = judge("AWS::IAM::Role", "code", iam=given)
    assert (seen["Trust"].status, seen["Trust"].why) == (Status.OK, "lambda.amazonaws.com may assume it")
    assert (seen["NoStar"].why, seen["NoStar"].status) == (why, Status.OK if why.startswith("names") else Status.FAILED)


@pytest.mark.parametrize(
    ("principal", "why"),
    [
        ({"AWS": "arn:aws:iam::111122223333:root"}, "its trust policy lets no service assume it"),
        ("*", "its trust policy lets anybody assume it"),
        ({"AWS": ["x", "*"]}, "its trust policy lets anybody assume it"),
    ],
)
def test_whom_a_role_trusts(principal: Any, why: str):
    seen = judge("AWS::IAM::Role", "code", iam=policies(NARROW, NARROW, principal=principal))["Trust"]
    assert (seen.status, seen.why) == (Status.FAILED, why)

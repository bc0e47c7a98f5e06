"""What each provider of actions does, and what EventBridge and SNS hear of it."""

import io
import json
import time
import uuid
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from botocore.validate import ParamValidator

from localaws.account.clients import Aws
from localaws.service.context import Context
from localaws.services.codepipeline.actions.action import Job
from localaws.services.codepipeline.actions.codebuild import build_request
from localaws.services.codepipeline.artifacts import ArtifactStore
from tests.conftest import LocalAws
from tests.localaws.services.pipelines import Pipelines, action, source, stage
from tests.localaws.services.test_codecommit import git
from tests.localaws.services.test_codepipeline import PAUSE, TEMPLATE

Document = dict[str, Any]

# Says by its user parameters how its job ended.
FUNCTION = """
import boto3, json

def handler(event, context):
    job = event["CodePipeline.job"]
    data, client = job["data"], boto3.client("codepipeline")
    asked = data["actionConfiguration"]["configuration"]["UserParameters"]
    if asked == "fail":
        details = {"type": "JobFailed", "message": "the function does not want to"}
        client.put_job_failure_result(jobId=job["id"], failureDetails=details)
    elif asked == "twice" and "continuationToken" not in data:
        client.put_job_success_result(jobId=job["id"], continuationToken="halfway")
    else:
        place = data["inputArtifacts"][0]["location"]["s3Location"]
        size = boto3.client("s3").head_object(Bucket=place["bucketName"], Key=place["objectKey"])["ContentLength"]
        said = {"Size": str(size), "Token": data.get("continuationToken", "none")}
        client.put_job_success_result(jobId=job["id"], outputVariables=said)
"""


@pytest.fixture
def pipelines(local_aws: LocalAws) -> Pipelines:
    """Pipelines of the shared local AWS."""
    return Pipelines(local_aws)


def zipped(name: str, text: str) -> bytes:
    """A zip file of one file."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr(name, text)
    return content.getvalue()


def queue(aws: LocalAws) -> tuple[str, Callable[[], list[Document]]]:
    """A queue's ARN, and what reads all that is in it."""
    sqs, name = aws.client("sqs"), f"q-{uuid.uuid4().hex[:12]}"
    url = sqs.create_queue(QueueName=name)["QueueUrl"]

    def read() -> list[Document]:
        found = []
        while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                found.append(json.loads(message["Body"]))
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return found

    return f"arn:aws:sqs:us-east-1:000000000000:{name}", read


@pytest.mark.parametrize(
    ("asked", "status", "token"),
    [("once", "Succeeded", "none"), ("twice", "Succeeded", "halfway"), ("fail", "Failed", "")],
)
def test_a_function_says_how_its_job_ended(pipelines: Pipelines, asked: str, status: str, token: str) -> None:
    function = f"job-{uuid.uuid4().hex[:12]}"
    pipelines.aws.client("lambda").create_function(
        FunctionName=function,
        Runtime="python3.12",
        Role="arn:aws:iam::000000000000:role/r",
        Handler="index.handler",
        Code={"ZipFile": zipped("index.py", FUNCTION)},
    )
    invoke = action(
        "Invoke",
        "Lambda",
        configuration={"FunctionName": function, "UserParameters": asked},
        inputArtifacts=[{"name": "Code"}],
        namespace="Function",
    )
    name = pipelines.create(stage("Source", source(pipelines.repository())), stage("Invoke", invoke))
    assert pipelines.end(name) == status
    [latest] = [
        each["output"]
        for each in pipelines.client.list_action_executions(pipelineName=name)["actionExecutionDetails"]
        if each["actionName"] == "Lambda"
    ]
    if status == "Succeeded":
        assert latest["outputVariables"]["Token"] == token
        assert int(latest["outputVariables"]["Size"]) > 100
    else:
        details = latest["executionResult"]["errorDetails"]
        assert details == {"code": "JobFailed", "message": "the function does not want to"}


def test_results_of_unknown_jobs_are_refused(pipelines: Pipelines) -> None:
    with pytest.raises(pipelines.client.exceptions.JobNotFoundException):
        pipelines.client.put_job_success_result(jobId=str(uuid.uuid4()))


@pytest.mark.parametrize(("figure", "status"), [(3, "Succeeded"), (1, "Failed")])
def test_a_state_machine_gets_a_file_and_is_waited_for(pipelines: Pipelines, figure: int, status: str) -> None:
    definition = {
        "StartAt": "Wait",
        "States": {
            "Wait": {"Type": "Wait", "Seconds": 1, "Next": "Look"},
            "Look": {
                "Type": "Choice",
                "Choices": [{"Variable": "$.figure", "NumericGreaterThan": 2, "Next": "Good"}],
                "Default": "Bad",
            },
            "Good": {"Type": "Succeed"},
            "Bad": {"Type": "Fail", "Error": "TooSmall", "Cause": "the figure is too small"},
        },
    }
    machine = pipelines.aws.client("stepfunctions").create_state_machine(
        name=f"m-{uuid.uuid4().hex[:12]}",
        definition=json.dumps(definition),
        roleArn="arn:aws:iam::000000000000:role/r",
    )["stateMachineArn"]
    invoke = action(
        "Invoke",
        "StepFunctions",
        configuration={"StateMachineArn": machine, "InputType": "FilePath", "Input": "input.json"},
        inputArtifacts=[{"name": "Code"}],
    )
    repository = pipelines.repository(input_json=json.dumps({"figure": figure}))
    name = pipelines.create(stage("Source", source(repository)), stage("Invoke", invoke))
    assert pipelines.end(name) == status
    state = pipelines.action_state(name, "StepFunctions")
    assert state["externalExecutionId"].startswith(machine.replace(":stateMachine:", ":execution:"))
    if status == "Failed":
        assert state["errorDetails"]["message"].endswith("is FAILED. TooSmall: the figure is too small")


def test_a_new_version_of_an_object_starts_the_pipeline(pipelines: Pipelines) -> None:
    s3, bucket = pipelines.aws.client("s3"), f"source-{uuid.uuid4().hex[:12]}"
    s3.create_bucket(Bucket=bucket)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(Bucket=bucket, Key="code.zip", Body=zipped("a", "1"))
    fetch = action(
        "Source",
        "S3",
        configuration={"S3Bucket": bucket, "S3ObjectKey": "code.zip"},
        outputArtifacts=[{"name": "Code"}],
    )
    name = pipelines.create(stage("Source", fetch), PAUSE)
    pipelines.answer(name, "Approve", "Ask")
    assert pipelines.end(name) == "Succeeded"
    version = s3.put_object(Bucket=bucket, Key="code.zip", Body=zipped("a", "2"))["VersionId"]
    pipelines.wait(lambda: pipelines.latest(name)["trigger"]["triggerType"] == "PollForSourceChanges")
    pipelines.answer(name, "Approve", "Ask")
    assert pipelines.end(name) == "Succeeded"
    assert pipelines.latest(name)["sourceRevisions"][0]["revisionId"] == version


def test_a_change_set_is_made_executed_and_the_stack_deleted(pipelines: Pipelines) -> None:
    stack, topic = f"stack-{uuid.uuid4().hex[:12]}", f"t-{uuid.uuid4().hex[:12]}"

    def change(mode: str, **more: str) -> Document:
        settings = {"ActionMode": mode, "StackName": stack, **more}
        return action("Deploy", "CloudFormation", mode, configuration=settings, inputArtifacts=[{"name": "Code"}])

    make = change(
        "CHANGE_SET_REPLACE",
        ChangeSetName="changes",
        TemplatePath="Code::template.json",
        ParameterOverrides=json.dumps({"Name": topic, "Commit": {"Fn::GetParam": ["Code", "commit.json", "Commit"]}}),
    )
    execute = change("CHANGE_SET_EXECUTE", ChangeSetName="changes") | {"runOrder": 2, "namespace": "Stack"}
    ask = action("Approval", "Manual", "Ask", runOrder=3, configuration={"CustomData": "#{Stack.Commit}"})
    delete = change("DELETE_ONLY") | {"runOrder": 4}
    files = {"template_json": TEMPLATE, "commit_json": '{"Commit": "abc"}'}
    name = pipelines.create(
        stage("Source", source(pipelines.repository(**files))), stage("Deploy", make, execute, ask, delete)
    )
    pipelines.token(name, "Ask")
    cloudformation = pipelines.aws.client("cloudformation")
    assert cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"] == "CREATE_COMPLETE"
    found = pipelines.client.list_action_executions(pipelineName=name)["actionExecutionDetails"]
    [asked] = [each for each in found if each["actionName"] == "Ask"]
    assert asked["input"]["resolvedConfiguration"]["CustomData"] == "abc"
    pipelines.answer(name, "Deploy", "Ask")
    assert pipelines.end(name) == "Succeeded"
    with pytest.raises(ClientError, match="does not exist"):
        cloudformation.describe_stacks(StackName=stack)


def test_a_stack_that_fails_fails_its_action_with_the_reason(pipelines: Pipelines) -> None:
    bad = json.dumps({"Resources": {"Queue": {"Type": "AWS::SNS::Subscription", "Properties": {"Protocol": "sqs"}}}})
    settings = {
        "ActionMode": "CREATE_UPDATE",
        "StackName": f"s-{uuid.uuid4().hex[:12]}",
        "TemplatePath": "Code::t.json",
    }
    deploy = action("Deploy", "CloudFormation", configuration=settings, inputArtifacts=[{"name": "Code"}])
    name = pipelines.create(stage("Source", source(pipelines.repository(t_json=bad))), stage("Deploy", deploy))
    assert pipelines.end(name) == "Failed"
    message = pipelines.action_state(name, "CloudFormation")["errorDetails"]["message"]
    assert "is ROLLBACK_COMPLETE. Queue: " in message
    assert "required key [TopicArn] not found" in message


def test_people_are_asked_by_sns_and_eventbridge_hears_of_every_state(pipelines: Pipelines) -> None:
    sns, events = pipelines.aws.client("sns"), pipelines.aws.client("events")
    asked_arn, asked = queue(pipelines.aws)
    heard_arn, heard = queue(pipelines.aws)
    topic = sns.create_topic(Name=f"ask-{uuid.uuid4().hex[:12]}")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=asked_arn)
    rule = f"rule-{uuid.uuid4().hex[:12]}"
    events.put_rule(Name=rule, EventPattern=json.dumps({"source": ["aws.codepipeline"]}))
    events.put_targets(Rule=rule, Targets=[{"Id": "q", "Arn": heard_arn}])
    configuration = {"NotificationArn": topic, "CustomData": "Shall it?", "ExternalEntityLink": "https://example.com"}
    ask = action("Approval", "Manual", "Ask", configuration=configuration, timeoutInMinutes=60)
    name = pipelines.create(stage("Source", source(pipelines.repository())), stage("Approve", ask))
    pipelines.answer(name, "Approve", "Ask")
    pipelines.end(name)

    [message] = pipelines.wait(asked)
    assert message["Subject"] == f"APPROVAL NEEDED: AWS CodePipeline {name} for action Ask"
    said = json.loads(message["Message"])
    state = pipelines.action_state(name, "Ask")
    assert said["approval"]["token"] == state["actionExecutionId"]
    assert (said["approval"]["customData"], said["approval"]["externalEntityLink"]) == (
        "Shall it?",
        "https://example.com",
    )
    expires = time.mktime(time.strptime(said["approval"]["expires"], "%Y-%m-%dT%H:%MZ")) - time.timezone
    assert 58 * 60 <= expires - time.time() <= 60 * 60

    found: list[tuple[str, str, str]] = []

    def all_heard() -> bool:
        for event in heard():
            detail = event["detail"]
            if detail["pipeline"] == name:
                where = detail.get("action") or detail.get("stage") or "pipeline"
                found.append((event["detail-type"].split()[1], where, detail["state"]))
        return ("Pipeline", "pipeline", "SUCCEEDED") in found

    pipelines.wait(all_heard)
    assert found == [
        ("Pipeline", "pipeline", "STARTED"),
        ("Stage", "Source", "STARTED"),
        ("Action", "CodeCommit", "STARTED"),
        ("Action", "CodeCommit", "SUCCEEDED"),
        ("Stage", "Source", "SUCCEEDED"),
        ("Stage", "Approve", "STARTED"),
        ("Action", "Ask", "STARTED"),
        ("Action", "Ask", "SUCCEEDED"),
        ("Stage", "Approve", "SUCCEEDED"),
        ("Pipeline", "pipeline", "SUCCEEDED"),
    ]


def test_a_code_connection_stands_for_a_repository_of_this_machine(pipelines: Pipelines, tmp_path: Path) -> None:
    name, work = f"team/{uuid.uuid4().hex[:12]}", tmp_path / "work"
    git(tmp_path, "init", "--quiet", "--initial-branch", "main", str(work))
    git(work, "commit", "--quiet", "--allow-empty", "-m", "from afar")
    connection = "arn:aws:codeconnections:us-east-1:000000000000:connection/1"
    fetch = action(
        "Source",
        "CodeStarSourceConnection",
        "Fetch",
        configuration={
            "ConnectionArn": connection,
            "FullRepositoryId": name,
            "BranchName": "main",
            "DetectChanges": "false",
        },
        outputArtifacts=[{"name": "Code"}],
    )
    pipeline = pipelines.create(stage("Source", fetch), PAUSE)
    assert pipelines.end(pipeline) == "Failed"
    message = pipelines.action_state(pipeline, "Fetch")["errorDetails"]["message"]
    assert f"map {name} to a repository on this machine in " in message and "connections.json, such as" in message

    path = pipelines.aws.state_dir / "services" / "codepipeline" / "connections.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({name: str(work)}))
    pipelines.client.start_pipeline_execution(name=pipeline)
    pipelines.token(pipeline, "Ask")
    assert pipelines.latest(pipeline)["sourceRevisions"][0]["revisionId"] == git(work, "rev-parse", "HEAD")


BUILDSPEC = """
version: 0.2
env:
  exported-variables: [VERDICT]
phases:
  build:
    commands:
      - export VERDICT="$(cat verdict) of $COMMIT_ID"
      - grep good verdict
      - cp verdict made
artifacts:
  files: [made]
"""


@pytest.mark.parametrize(("verdict", "status"), [("good", "Succeeded"), ("bad", "Failed")])
def test_a_build_gets_the_code_and_gives_an_artifact_and_variables(
    pipelines: Pipelines, verdict: str, status: str
) -> None:
    project = f"project-{uuid.uuid4().hex[:12]}"
    pipelines.aws.client("codebuild").create_project(
        name=project,
        source={"type": "CODEPIPELINE", "buildspec": "build.yml"},
        artifacts={"type": "CODEPIPELINE"},
        environment={
            "type": "LINUX_CONTAINER",
            "image": "aws/codebuild/standard:7.0",
            "computeType": "BUILD_GENERAL1_SMALL",
        },
        serviceRole="arn:aws:iam::000000000000:role/r",
    )
    build = action(
        "Build",
        "CodeBuild",
        configuration={
            "ProjectName": project,
            "EnvironmentVariables": '[{"name": "COMMIT_ID", "value": "#{Source.CommitId}"}]',
        },
        inputArtifacts=[{"name": "Code"}],
        outputArtifacts=[{"name": "Made"}],
        namespace="Build",
    )
    repository = pipelines.repository(build_yml=BUILDSPEC, verdict=verdict)
    name = pipelines.create(stage("Source", source(repository)), stage("Build", build))
    assert pipelines.end(name, seconds=60) == status
    [done] = [
        each
        for each in pipelines.client.list_action_executions(pipelineName=name)["actionExecutionDetails"]
        if each["actionName"] == "CodeBuild"
    ]
    assert done["output"]["executionResult"]["externalExecutionId"].startswith(f"{project}:")
    if status == "Failed":
        assert "Build terminated with state: FAILED" in done["output"]["executionResult"]["errorDetails"]["message"]
        return
    commit = pipelines.latest(name)["sourceRevisions"][0]["revisionId"]
    assert done["output"]["outputVariables"] == {"VERDICT": f"good of {commit}"}
    [made] = done["output"]["outputArtifacts"]
    where = made["s3location"]
    stored = pipelines.aws.client("s3").get_object(Bucket=where["bucket"], Key=where["key"])["Body"].read()
    with zipfile.ZipFile(io.BytesIO(stored)) as archive:
        assert archive.read("made") == b"good"


def test_a_build_is_asked_for_with_the_artifacts_by_s3(tmp_path: Path) -> None:
    aws = Aws("http://127.0.0.1:9", "us-east-1", "000000000000")
    context = Context.of(tmp_path / "store.sqlite", aws, tmp_path)
    job = Job(
        context=context,
        number=str(uuid.uuid4()),
        again=False,
        pipeline_name="p",
        stage="Build",
        declaration={"name": "Build"},
        configuration={
            "ProjectName": "project",
            "PrimarySource": "Code",
            "EnvironmentVariables": '[{"name": "COMMIT_ID", "value": "abc"}]',
        },
        inputs={"Stages": {"bucket": "b", "key": "p/Stages/1"}, "Code": {"bucket": "b", "key": "p/Code/2"}},
        outputs={"Out": {"bucket": "b", "key": "p/Out/3"}},
        artifacts=ArtifactStore(context, {"type": "S3", "location": "b"}),
        memory={},
        started=0.0,
        expires=1.0,
        revision=None,
    )
    request = build_request(job)
    assert request["sourceLocationOverride"] == "b/p/Code/2"
    [secondary] = request["secondarySourcesOverride"]
    assert secondary == {"type": "S3", "location": "b/p/Stages/1", "sourceIdentifier": "Stages"}
    artifacts = request["artifactsOverride"]
    assert (artifacts["location"], artifacts["path"], artifacts["name"]) == ("b", "p/Out", "3")
    shape = aws.client("codebuild").meta.service_model.operation_model("StartBuild").input_shape
    assert not ParamValidator().validate(request, shape).has_errors()

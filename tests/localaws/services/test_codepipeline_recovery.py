"""A pipeline whose server is killed at each of its actions goes on, and begins nothing twice."""

import json
import os
import signal
import subprocess
import threading
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import LocalAws, local_aws_command, start_local_aws, wait_until_gone
from tests.localaws.services.pipelines import Pipelines, action, source, stage
from tests.localaws.services.test_codecommit import git
from tests.localaws.services.test_codepipeline import PAUSE, TEMPLATE
from tests.localaws.services.test_codepipeline_actions import zipped

Document = dict[str, Any]

# Writes down which job it was given, and takes its time.
FUNCTION = """
import boto3, time

def handler(event, context):
    job = event["CodePipeline.job"]
    bucket = job["data"]["actionConfiguration"]["configuration"]["UserParameters"]
    boto3.client("s3").put_object(Bucket=bucket, Key="calls/" + job["id"])
    time.sleep(2)
    boto3.client("codepipeline").put_job_success_result(jobId=job["id"])
"""
BUILDSPEC = """
version: 0.2
phases:
  build:
    commands: [sleep 1]
"""
MACHINE = {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 3, "End": True}}}


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """A local AWS that may be killed, in which 5 minutes of an approval are 3 seconds."""
    state_dir = tmp_path_factory.mktemp("recovery") / "state"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOCALAWS_TIME_SCALE", "0.01")
        try:
            yield start_local_aws(state_dir)
        finally:
            local_aws_command("reset", "--yes", state_dir=state_dir)


def kill(aws: LocalAws) -> None:
    """Kill the server; its supervisor starts another one."""
    pid = aws.pids()["services"]
    os.kill(pid, signal.SIGKILL)
    wait_until_gone([pid])


def test_killed_at_each_kind_of_action_a_pipeline_goes_on(aws: LocalAws) -> None:
    pipelines = Pipelines(aws)
    function, stack = f"f-{uuid.uuid4().hex[:12]}", f"s-{uuid.uuid4().hex[:12]}"
    role = "arn:aws:iam::000000000000:role/r"
    aws.client("lambda").create_function(
        FunctionName=function,
        Runtime="python3.12",
        Role=role,
        Handler="index.handler",
        Code={"ZipFile": zipped("index.py", FUNCTION)},
    )
    stepfunctions = aws.client("stepfunctions")
    machine = stepfunctions.create_state_machine(name=stack, definition=json.dumps(MACHINE), roleArn=role)
    aws.client("codebuild").create_project(
        name=stack,
        source={"type": "CODEPIPELINE", "buildspec": BUILDSPEC},
        artifacts={"type": "CODEPIPELINE"},
        environment={"type": "LINUX_CONTAINER", "image": "x", "computeType": "BUILD_GENERAL1_SMALL"},
        serviceRole=role,
    )
    deploy = {"ActionMode": "CREATE_UPDATE", "StackName": stack, "TemplatePath": "Code::template.json"}
    deploy["ParameterOverrides"] = json.dumps({"Name": stack})
    name = pipelines.create(
        stage("Source", source(pipelines.repository(template_json=TEMPLATE))),
        stage("Deploy", action("Deploy", "CloudFormation", configuration=deploy, inputArtifacts=[{"name": "Code"}])),
        stage(
            "Build",
            action("Build", "CodeBuild", configuration={"ProjectName": stack}, inputArtifacts=[{"name": "Code"}]),
        ),
        stage(
            "Function",
            action("Invoke", "Lambda", configuration={"FunctionName": function, "UserParameters": pipelines.bucket}),
        ),
        stage("Test", action("Invoke", "StepFunctions", configuration={"StateMachineArn": machine["stateMachineArn"]})),
        stage("Approve", action("Approval", "Manual", "Ask")),
    )
    other = ""
    # The supervisor gives a server up that dies six times within a minute.
    for each in ("CloudFormation", "CodeBuild", "Lambda", "StepFunctions"):
        pipelines.wait(lambda each=each: pipelines.action_state(name, each))  # type: ignore[misc]
        if not other:
            other = pipelines.create(stage("Source", source(pipelines.repository())), PAUSE)
        kill(aws)
    token = pipelines.token(name, "Ask")
    kill(aws)
    assert pipelines.token(name, "Ask") == token
    pipelines.answer(name, "Approve", "Ask")
    assert pipelines.end(name) == "Succeeded"

    assert len(pipelines.client.list_action_executions(pipelineName=name)["actionExecutionDetails"]) == 6
    pipelines.answer(other, "Approve", "Ask")
    assert pipelines.end(other) == "Succeeded", "killed as its source was fetched"
    assert len(stepfunctions.list_executions(stateMachineArn=machine["stateMachineArn"])["executions"]) == 1
    assert aws.client("s3").list_objects_v2(Bucket=pipelines.bucket, Prefix="calls/")["KeyCount"] == 1
    events = aws.client("cloudformation").describe_stack_events(StackName=stack)["StackEvents"]
    statuses = [event["ResourceStatus"] for event in events if event["LogicalResourceId"] == stack]
    assert statuses == ["CREATE_COMPLETE", "CREATE_IN_PROGRESS"]


def test_killed_with_everything_in_a_state_machine_a_pipeline_goes_on(own_local_aws: Callable[[], LocalAws]) -> None:
    """By itself: nobody retries the stage, and the machine's execution is the one that was begun."""
    aws = own_local_aws()
    pipelines, stepfunctions = Pipelines(aws), aws.client("stepfunctions")
    made = stepfunctions.create_state_machine(
        name="test", definition=json.dumps(MACHINE), roleArn="arn:aws:iam::000000000000:role/r"
    )
    invoke = action("Invoke", "StepFunctions", configuration={"StateMachineArn": made["stateMachineArn"]})
    name = pipelines.create(stage("Source", source(pipelines.repository())), stage("Test", invoke))
    execution = pipelines.wait(lambda: pipelines.action_state(name, "StepFunctions").get("externalExecutionId"))
    pids = aws.pids().values()
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    wait_until_gone(pids)

    aws = own_local_aws()
    pipelines, stepfunctions = Pipelines(aws), aws.client("stepfunctions")
    assert pipelines.end(name) == "Succeeded"
    assert pipelines.action_state(name, "StepFunctions")["externalExecutionId"] == execution
    assert len(pipelines.client.list_action_executions(pipelineName=name)["actionExecutionDetails"]) == 2
    events = stepfunctions.get_execution_history(executionArn=execution)["events"]
    assert [event["type"] for event in events].count("WaitStateEntered") == 1


def test_an_approval_that_nobody_gives_fails_in_time(aws: LocalAws) -> None:
    pipelines = Pipelines(aws)
    ask = action("Approval", "Manual", "Ask", timeoutInMinutes=5)
    name = pipelines.create(stage("Source", source(pipelines.repository())), stage("Approve", ask))
    token = pipelines.token(name, "Ask")
    assert pipelines.end(name) == "Failed"
    details = pipelines.action_state(name, "Ask")["errorDetails"]
    assert details["message"] == "The action Ask has timed out: it took more than 5 minutes"
    with pytest.raises(pipelines.client.exceptions.ApprovalAlreadyCompletedException):
        pipelines.client.put_approval_result(
            pipelineName=name,
            stageName="Approve",
            actionName="Ask",
            result={"summary": "too late", "status": "Approved"},
            token=token,
        )


def test_of_two_pushes_at_once_the_newer_is_built_and_none_is_lost(aws: LocalAws, tmp_path: Path) -> None:
    pipelines = Pipelines(aws)
    repository = pipelines.repository()
    url = aws.client("codecommit").get_repository(repositoryName=repository)["repositoryMetadata"]["cloneUrlHttp"]
    name = pipelines.create(stage("Source", source(repository, poll="true")), PAUSE)
    pipelines.answer(name, "Approve", "Ask")
    assert pipelines.end(name) == "Succeeded"

    pushed = {}
    for who in ("ada", "bob"):
        git(tmp_path, "clone", "--quiet", "--branch", "main", url, who)
        git(tmp_path / who, "commit", "--quiet", "--allow-empty", "-m", f"by {who}")

    def push(who: str) -> None:
        done = subprocess.run(
            ["git", "push", "-q", "origin", "main"], cwd=tmp_path / who, capture_output=True, check=False
        )
        pushed[who] = done.returncode

    together = [threading.Thread(target=push, args=(who,)) for who in ("ada", "bob")]
    for thread in together:
        thread.start()
    for thread in together:
        thread.join()
    assert sorted(code > 0 for code in pushed.values()) == [False, True], "git refuses one of two that diverge"
    loser = next(who for who, code in pushed.items() if code)
    git(tmp_path / loser, "pull", "--quiet", "--rebase", "origin", "main")
    git(tmp_path / loser, "push", "--quiet", "origin", "main")
    head = git(tmp_path / loser, "rev-parse", "HEAD")

    def newest_waits() -> bool:
        found = pipelines.latest(name).get("sourceRevisions") or [{}]
        return found[0].get("revisionId") == head

    pipelines.wait(newest_waits)
    while pipelines.latest(name)["status"] == "InProgress":
        pipelines.answer(name, "Approve", "Ask")
        pipelines.wait(
            lambda: pipelines.latest(name)["status"] != "InProgress" or pipelines.action_state(name, "Ask").get("token")
        )
    assert pipelines.latest(name)["status"] == "Succeeded"

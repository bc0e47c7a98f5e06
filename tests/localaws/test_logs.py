"""``local-aws logs``: whatever has written a log is found by its name, or listed."""

import io
import json
import uuid
import zipfile
from datetime import UTC, datetime, timedelta

import pytest

from localaws.command.logs.kinds import KINDS
from localaws.command.logs.parser import TYPES, moment
from tests.conftest import LocalAws, until
from tests.localaws.services.pipelines import Pipelines, action, source, stage

ROLE = "arn:aws:iam::000000000000:role/any"
BUILDSPEC = "version: 0.2\nphases:\n  build:\n    commands:\n      - echo r2 is 0.1\n      - exit 3\n"


def unique(what: str) -> str:
    return f"{what}-{uuid.uuid4().hex[:10]}"


def logged(local_aws: LocalAws, *arguments: str) -> str:
    done = local_aws.command("logs", *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def processed(local_aws: LocalAws, command: str) -> str:
    name = unique("says")
    local_aws.client("sagemaker").create_processing_job(
        ProcessingJobName=name,
        RoleArn=ROLE,
        AppSpecification={"ImageUri": "python:3", "ContainerEntrypoint": ["python3", "-c", command]},
        ProcessingResources={
            "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.t3.medium", "VolumeSizeInGB": 1}
        },
    )
    return name


def test_logs_of_a_server(local_aws: LocalAws) -> None:
    assert "ministack started" in logged(local_aws, "supervisor")
    refused = local_aws.command("logs", "supervisor", "--since", "1h")
    assert (refused.returncode, "--since is not for the servers" in refused.stderr) == (1, True)


def test_a_job_is_followed_to_its_end(local_aws: LocalAws) -> None:
    name = processed(local_aws, "for n in range(3): print('line', n)")
    followed = logged(local_aws, name, "--follow")
    assert [line for line in followed.splitlines() if line.startswith("line")] == ["line 0", "line 1", "line 2"]
    assert logged(local_aws, name) == followed
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    since = local_aws.command("logs", name, "--since", later)
    assert (since.returncode, since.stdout) == (0, "")
    assert f"{name} has written no log line since then" in since.stderr
    assert name in logged(local_aws, "--type", "processing")
    unknown = local_aws.command("logs", "no-such-job", "--type", "processing")
    assert unknown.returncode == 1
    assert "There is no processing 'no-such-job'. The latest:" in unknown.stderr
    assert name in unknown.stderr


def test_a_build_and_the_pipeline_that_failed_by_it(local_aws: LocalAws) -> None:
    pipelines, project = Pipelines(local_aws), unique("logged")
    local_aws.client("codebuild").create_project(
        name=project,
        source={"type": "CODEPIPELINE", "buildspec": BUILDSPEC},
        artifacts={"type": "CODEPIPELINE"},
        environment={"type": "LINUX_CONTAINER", "image": "x", "computeType": "BUILD_GENERAL1_SMALL"},
        serviceRole=ROLE,
    )
    build = action(
        "Build", "CodeBuild", "Try", configuration={"ProjectName": project}, inputArtifacts=[{"name": "Code"}]
    )
    name = pipelines.create(stage("Source", source(pipelines.repository())), stage("Build", build))
    assert pipelines.end(name) == "Failed"
    happened = logged(local_aws, name)
    failed = next(line for line in happened.splitlines() if "Build, Try" in line and "Failed" in line)
    build_id = failed.rpartition("local-aws logs ")[2].rstrip(")")
    assert build_id.startswith(f"{project}:")
    assert "exit status 3" in failed
    for own in (build_id, project):
        assert "r2 is 0.1" in logged(local_aws, own, "--follow")
    assert build_id in logged(local_aws, "--type", "build")


def test_a_function(local_aws: LocalAws) -> None:
    name, code = unique("function"), io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("f.py", "def handler(event, context):\n    print('asked', event['n'])\n")
    functions = local_aws.client("lambda")
    functions.create_function(
        FunctionName=name, Runtime="python3.12", Handler="f.handler", Role=ROLE, Code={"ZipFile": code.getvalue()}
    )
    functions.get_waiter("function_active_v2").wait(FunctionName=name)
    functions.invoke(FunctionName=name, Payload=json.dumps({"n": 1}))
    until(lambda: "asked 1" in logged(local_aws, name))
    assert name in logged(local_aws, "--type", "function")


def test_a_state_machine_and_a_pipeline_of_the_same_name(local_aws: LocalAws) -> None:
    name, states, sagemaker = unique("both"), local_aws.client("stepfunctions"), local_aws.client("sagemaker")
    end = {"Type": "Fail", "Error": "TooBad", "Cause": "r2 is 0.1, below 0.2"}
    definition = json.dumps({"StartAt": "Judge", "States": {"Judge": end}})
    machine = states.create_state_machine(name=name, definition=definition, roleArn=ROLE)["stateMachineArn"]
    execution = states.start_execution(stateMachineArn=machine, name="first")["executionArn"]
    step = {"Name": "Stop", "Type": "Fail", "Arguments": {"ErrorMessage": "r2 is 0.1, below 0.2"}}
    document = json.dumps({"Version": "2020-12-01", "Parameters": [], "Steps": [step]})
    sagemaker.create_pipeline(
        PipelineName=name, PipelineDefinition=document, RoleArn=ROLE, ClientRequestToken=uuid.uuid4().hex
    )
    started = sagemaker.start_pipeline_execution(PipelineName=name, ClientRequestToken=uuid.uuid4().hex)
    refused = local_aws.command("logs", name)
    assert refused.returncode == 1
    assert f"{name!r} may be several things" in refused.stderr
    assert f"local-aws logs {name} --type state-machine" in refused.stderr
    for own in (execution, f"{name}/first"):
        assert "TooBad: r2 is 0.1, below 0.2" in logged(local_aws, own, "--follow")
    arn = started["PipelineExecutionArn"]
    for own in (arn, f"{name}/{arn.rpartition('/')[2]}"):
        assert "Failed: r2 is 0.1, below 0.2" in logged(local_aws, own, "--follow")
    assert f"{name}/first" in logged(local_aws, "--type", "state-machine")


def test_every_kind_can_be_named() -> None:
    assert [kind.name for kind in KINDS] == list(TYPES)


@pytest.mark.parametrize(("text", "seconds"), [("30s", 30), ("10m", 600), ("2h", 7200), ("1d", 86400)])
def test_a_time_ago(text: str, seconds: int) -> None:
    assert abs((datetime.now(UTC) - moment(text)).total_seconds() - seconds) < 60

"""Events on their way to targets: what arrives, what is repeated, what ends in the dead-letter queue."""

import json
import os
import signal
import time
import uuid
from collections.abc import Callable
from typing import Any

import botocore.session
import pytest
from botocore.exceptions import ClientError
from botocore.validate import ParamValidator

from localaws.ministack.eventbridge import target_input
from localaws.ministack.eventbridge.failures import TargetError
from localaws.ministack.eventbridge.targets import Delivery, call_for, refusal
from tests.conftest import LocalAws, until
from tests.localaws.queues import messages, new_queue
from tests.localaws.services.pipelines import Pipelines, action, stage
from tests.localaws.services.pipelines import source as code_source

REGION = "us-east-1:000000000000"
ROLE = "arn:aws:iam::000000000000:role/any"
EVENT = {
    "version": "0",
    "id": "11111111-2222-3333-4444-555555555555",
    "detail-type": "Object Created",
    "source": "aws.s3",
    "account": "000000000000",
    "time": "2026-01-31T12:00:00Z",
    "region": "us-east-1",
    "resources": ["arn:aws:s3:::b"],
    "detail": {"bucket": {"name": "b"}, "object": {"key": "input/1.csv", "size": 3}, "a.b": 1},
}


def _rule(local_aws: LocalAws, targets: list[dict[str, Any]]) -> tuple[str, str]:
    """A rule for a source of its own; source and ARN."""
    events, name = local_aws.client("events"), f"rule-{uuid.uuid4().hex[:8]}"
    arn = events.put_rule(Name=name, EventPattern=json.dumps({"source": [name]}))["RuleArn"]
    assert events.put_targets(Rule=name, Targets=targets)["FailedEntryCount"] == 0
    return name, arn


def _put(local_aws: LocalAws, source: str, detail: dict[str, Any]) -> None:
    entry = {"Source": source, "DetailType": "Test", "Detail": json.dumps(detail), "Resources": ["r-0", "r-1"]}
    assert local_aws.client("events").put_events(Entries=[entry])["FailedEntryCount"] == 0


def test_a_target_gets_what_its_input_says(local_aws: LocalAws) -> None:
    url, arn = new_queue(local_aws, "inputs")
    transformer = {
        "InputPathsMap": {"key": "$.detail.object.key", "second": "$.resources[1]"},
        "InputTemplate": '{"file": <key>, "text": "<second> of <aws.events.rule-name>"}',
    }
    kinds = [{}, {"Input": '{"constant": 1}'}, {"InputPath": "$.resources[1]"}, {"InputTransformer": transformer}]
    source, _ = _rule(local_aws, [{"Id": str(n), "Arn": arn, **kind} for n, kind in enumerate(kinds)])
    _put(local_aws, source, {"object": {"key": "k"}})
    bodies = [json.loads(message["Body"]) for message in messages(local_aws, url, 4)]
    [event] = [body for body in bodies if isinstance(body, dict) and "detail" in body]
    assert (event["source"], event["detail"]) == (source, {"object": {"key": "k"}})
    assert {"constant": 1} in bodies
    assert "r-1" in bodies
    assert {"file": "k", "text": f"r-1 of {source}"} in bodies


def test_topics_and_state_machines_are_reached(local_aws: LocalAws) -> None:
    sns, states = local_aws.client("sns"), local_aws.client("stepfunctions")
    url, queue_arn = new_queue(local_aws, "by-topic")
    topic = sns.create_topic(Name=f"events-{uuid.uuid4().hex[:8]}")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue_arn)
    definition = json.dumps({"StartAt": "S", "States": {"S": {"Type": "Succeed"}}})
    machine = states.create_state_machine(name=f"m-{uuid.uuid4().hex[:8]}", definition=definition, roleArn=ROLE)
    targets = [
        {"Id": "topic", "Arn": topic},
        {"Id": "machine", "Arn": machine["stateMachineArn"], "RoleArn": ROLE, "InputPath": "$.detail"},
    ]
    source, _ = _rule(local_aws, targets)
    _put(local_aws, source, {"n": 1})
    [message] = messages(local_aws, url, 1)
    assert json.loads(json.loads(message["Body"])["Message"])["detail"] == {"n": 1}

    def inputs_of_executions() -> list[Any]:
        found = states.list_executions(stateMachineArn=machine["stateMachineArn"])["executions"]
        arns = [execution["executionArn"] for execution in found]
        return [json.loads(states.describe_execution(executionArn=arn)["input"]) for arn in arns]

    until(lambda: inputs_of_executions() == [{"n": 1}])


def _pipeline(local_aws: LocalAws) -> tuple[str, str]:
    """A pipeline of one Fail step, which shows its parameter; name and ARN."""
    name = f"p-{uuid.uuid4().hex[:8]}"
    step = {"Name": "F", "Type": "Fail", "Arguments": {"ErrorMessage": {"Get": "Parameters.Key"}}}
    parameters = [{"Name": "Key", "Type": "String", "DefaultValue": "none"}]
    definition = {"Version": "2020-12-01", "Metadata": {}, "Parameters": parameters, "Steps": [step]}
    answer = local_aws.client("sagemaker").create_pipeline(
        PipelineName=name, PipelineDefinition=json.dumps(definition), RoleArn=ROLE, ClientRequestToken=name * 4
    )
    return name, answer["PipelineArn"]


def _parameters_of_executions(local_aws: LocalAws, pipeline: str) -> list[dict[str, str]]:
    sagemaker = local_aws.client("sagemaker")
    found = sagemaker.list_pipeline_executions(PipelineName=pipeline)["PipelineExecutionSummaries"]
    answers = [
        sagemaker.list_pipeline_parameters_for_execution(PipelineExecutionArn=each["PipelineExecutionArn"])
        for each in found
    ]
    return [{each["Name"]: each["Value"] for each in answer["PipelineParameters"]} for answer in answers]


def test_a_pipeline_is_started_by_a_rule(local_aws: LocalAws) -> None:
    name, arn = _pipeline(local_aws)
    listed = [{"Name": "Key", "Value": "$.detail.object.key"}]
    target = {"Id": "p", "Arn": arn, "RoleArn": ROLE, "SageMakerPipelineParameters": {"PipelineParameterList": listed}}
    source, _ = _rule(local_aws, [target])
    _put(local_aws, source, {"object": {"key": "input/1.csv"}})
    until(lambda: _parameters_of_executions(local_aws, name) == [{"Key": "input/1.csv"}])


def test_a_build_is_started_by_a_rule(local_aws: LocalAws) -> None:
    codebuild, name = local_aws.client("codebuild"), f"b-{uuid.uuid4().hex[:8]}"
    codebuild.create_project(
        name=name,
        source={"type": "NO_SOURCE", "buildspec": "version: 0.2\nphases: {build: {commands: [test $KEY = k]}}\n"},
        artifacts={"type": "NO_ARTIFACTS"},
        environment={
            "type": "LINUX_CONTAINER",
            "image": "aws/codebuild/standard:7.0",
            "computeType": "BUILD_GENERAL1_SMALL",
        },
        serviceRole=ROLE,
    )
    transformer = {
        "InputPathsMap": {"key": "$.detail.key"},
        "InputTemplate": '{"environmentVariablesOverride": [{"name": "KEY", "value": <key>}]}',
    }
    arn = f"arn:aws:codebuild:{REGION}:project/{name}"
    source, _ = _rule(local_aws, [{"Id": "b", "Arn": arn, "RoleArn": ROLE, "InputTransformer": transformer}])
    _put(local_aws, source, {"key": "k"})

    def statuses() -> list[str]:
        ids = codebuild.list_builds_for_project(projectName=name)["ids"]
        return [build["buildStatus"] for build in codebuild.batch_get_builds(ids=ids)["builds"]] if ids else []

    until(lambda: statuses() == ["SUCCEEDED"], 30)


def test_a_code_pipeline_is_started_by_a_rule(local_aws: LocalAws) -> None:
    pipelines = Pipelines(local_aws)
    ask = action("Approval", "Manual", "Ask")
    name = pipelines.create(stage("Source", code_source(pipelines.repository())), stage("Approve", ask))
    first = pipelines.latest(name)["pipelineExecutionId"]
    source, _ = _rule(local_aws, [{"Id": "p", "Arn": f"arn:aws:codepipeline:{REGION}:{name}", "RoleArn": ROLE}])
    _put(local_aws, source, {})
    until(lambda: pipelines.latest(name)["pipelineExecutionId"] != first)


@pytest.mark.parametrize("universal", [False, True])
def test_a_pipeline_is_started_by_a_schedule(local_aws: LocalAws, universal: bool) -> None:
    name, arn = _pipeline(local_aws)
    listed = [{"Name": "Key", "Value": "by schedule"}]
    target: dict[str, Any] = {"Arn": arn, "SageMakerPipelineParameters": {"PipelineParameterList": listed}}
    if universal:
        request = {"PipelineName": name, "PipelineParameters": listed, "ClientRequestToken": "s" * 32}
        target = {
            "Arn": "arn:aws:scheduler:::aws-sdk:sagemaker:startPipelineExecution",
            "Input": json.dumps(request),
        }
    local_aws.client("scheduler").create_schedule(
        Name=name,
        ScheduleExpression=f"at({time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime())})",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"RoleArn": ROLE, **target},
    )
    until(lambda: _parameters_of_executions(local_aws, name) == [{"Key": "by schedule"}])


def test_what_cannot_be_delivered_is_buried_with_the_reason(local_aws: LocalAws) -> None:
    url, dead = new_queue(local_aws, "dead")
    missing = f"arn:aws:sagemaker:{REGION}:pipeline/no-such-pipeline"
    source, rule_arn = _rule(
        local_aws,
        [{"Id": "p", "Arn": missing, "RoleArn": ROLE, "Input": "{}", "DeadLetterConfig": {"Arn": dead}}],
    )
    _put(local_aws, source, {"n": 1})
    [message] = messages(local_aws, url, 1)
    said = {name: value["StringValue"] for name, value in message["MessageAttributes"].items()}
    assert said["RULE_ARN"] == rule_arn
    assert said["TARGET_ARN"] == missing
    assert said["ERROR_CODE"] == "NO_RESOURCE"
    assert "no-such-pipeline" in said["ERROR_MESSAGE"]
    assert said["RETRY_ATTEMPTS"] == "0"
    assert json.loads(message["Body"])["detail"] == {"n": 1}  # the event itself, not the target's input


def test_a_service_that_is_down_is_tried_again(own_local_aws: Callable[[], LocalAws]) -> None:
    own = own_local_aws()
    name, arn = _pipeline(own)
    source, _ = _rule(own, [{"Id": "p", "Arn": arn, "RoleArn": ROLE}])
    # Killed: its port refuses connections until the supervisor has it up again.
    os.kill(own.pids()["sagemaker"], signal.SIGKILL)
    _put(own, source, {})
    until(lambda: own.command("status").returncode == 0 and _answers(own))
    until(lambda: len(_parameters_of_executions(own, name)) == 1)


def _answers(local_aws: LocalAws) -> bool:
    try:
        local_aws.client("sagemaker").list_pipelines()
    except Exception:
        return False
    return True


def test_a_delivery_survives_kill_9(own_local_aws: Callable[[], LocalAws]) -> None:
    first = own_local_aws()
    name, arn = _pipeline(first)
    source, _ = _rule(first, [{"Id": "p", "Arn": arn, "RoleArn": ROLE}])
    time.sleep(1.2)  # MiniStack's own state, the rule, is saved within a second
    pids = first.pids()
    os.kill(pids["supervisor"], signal.SIGSTOP)  # nobody brings the server back
    os.kill(pids["sagemaker"], signal.SIGKILL)
    _put(first, source, {})
    for pid in (pids["ministack"], pids["services"], pids["supervisor"]):
        os.kill(pid, signal.SIGKILL)
    again = own_local_aws()
    until(lambda: len(_parameters_of_executions(again, name)) == 1)


def test_a_target_that_nobody_reaches_is_refused(local_aws: LocalAws) -> None:
    events, name = local_aws.client("events"), f"rule-{uuid.uuid4().hex[:8]}"
    events.put_rule(Name=name, EventPattern='{"source": ["x"]}')
    batch = f"arn:aws:batch:{REGION}:job-queue/q"
    with pytest.raises(ClientError, match=r"cannot deliver events to arn:aws:batch.*lambda"):
        events.put_targets(Rule=name, Targets=[{"Id": "b", "Arn": batch, "RoleArn": ROLE}])
    assert events.list_targets_by_rule(Rule=name)["Targets"] == []
    with pytest.raises(ClientError, match="cannot deliver events to arn:aws:batch"):
        local_aws.client("scheduler").create_schedule(
            Name=name,
            ScheduleExpression="rate(1 day)",
            FlexibleTimeWindow={"Mode": "OFF"},
            Target={"Arn": batch, "RoleArn": ROLE},
        )


@pytest.mark.parametrize(
    ("pattern", "target", "reason"),
    [
        ({"source": ["x"]}, f"arn:aws:batch:{REGION}:job-queue/q", "cannot deliver events to arn:aws:batch"),
        ({"source": "x"}, f"arn:aws:sqs:{REGION}:q", "must be an object or an array"),
    ],
)
def test_a_stack_cannot_make_such_a_rule(local_aws: LocalAws, pattern: Any, target: str, reason: str) -> None:
    properties = {"EventPattern": pattern, "Targets": [{"Id": "t", "Arn": target, "RoleArn": ROLE}]}
    template = {"Resources": {"Rule": {"Type": "AWS::Events::Rule", "Properties": properties}}}
    stacks, name = local_aws.client("cloudformation"), f"s-{uuid.uuid4().hex[:8]}"
    stacks.create_stack(StackName=name, TemplateBody=json.dumps(template), OnFailure="DO_NOTHING")
    until(lambda: stacks.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"] == "CREATE_FAILED")
    said = [
        each.get("ResourceStatusReason", "") for each in stacks.describe_stack_events(StackName=name)["StackEvents"]
    ]
    assert any(reason in text for text in said), said


# The calls, without a server.


def _delivery(arn: str, payload: str | None = None, **members: Any) -> Delivery:
    return Delivery({"Id": "t", "Arn": arn, **members}, EVENT, payload, f"arn:aws:events:{REGION}:rule/r")


@pytest.mark.parametrize(
    ("delivery", "operation", "expected"),
    [
        (_delivery(f"arn:aws:codepipeline:{REGION}:p"), "StartPipelineExecution", {"name": "p"}),
        (
            _delivery(f"arn:aws:codepipeline:{REGION}:p", '{"variables": [{"name": "n", "value": "v"}], "x": 1}'),
            "StartPipelineExecution",
            {"variables": [{"name": "n", "value": "v"}]},
        ),
        (
            _delivery(f"arn:aws:codebuild:{REGION}:project/b", '{"sourceVersion": "main", "projectName": "other"}'),
            "StartBuild",
            {"projectName": "b", "sourceVersion": "main"},
        ),
        (
            _delivery(f"arn:aws:sqs:{REGION}:q.fifo", "m", SqsParameters={"MessageGroupId": "g"}),
            "SendMessage",
            {"MessageBody": "m", "MessageGroupId": "g"},
        ),
        (
            _delivery(
                f"arn:aws:kinesis:{REGION}:stream/s", KinesisParameters={"PartitionKeyPath": "$.detail.bucket.name"}
            ),
            "PutRecord",
            {"StreamName": "s", "PartitionKey": "b"},
        ),
        (
            _delivery(f"arn:aws:firehose:{REGION}:deliverystream/d", "m"),
            "PutRecord",
            {"DeliveryStreamName": "d", "Record": {"Data": "m"}},
        ),
        (
            _delivery(f"arn:aws:lambda:{REGION}:function:f:alias", "m"),
            "Invoke",
            {"FunctionName": f"arn:aws:lambda:{REGION}:function:f:alias", "InvocationType": "Event", "Payload": "m"},
        ),
    ],
)
def test_the_call_of_a_target(delivery: Delivery, operation: str, expected: dict[str, Any]) -> None:
    call = call_for(delivery)
    assert call.operation == operation
    assert {name: call.members[name] for name in expected} == expected
    model = botocore.session.get_session().get_service_model(call.service).operation_model(operation)
    assert not ParamValidator().validate(call.members, model.input_shape).has_errors()


def test_one_event_has_one_token_at_one_target() -> None:
    arn = f"arn:aws:codepipeline:{REGION}:p"
    assert _delivery(arn).token == _delivery(arn, "{}").token
    assert _delivery(arn).token != _delivery(arn + "2").token


def test_input_that_a_target_cannot_use() -> None:
    for payload in ("no json", "[1]"):
        with pytest.raises(TargetError, match="is not"):
            call_for(_delivery(f"arn:aws:codebuild:{REGION}:project/b", payload))
    assert "not in correct format" in str(refusal({"Arn": "nonsense"}))


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("$.detail.object.size", 3),
        ("$.resources[0]", "arn:aws:s3:::b"),
        ("$.detail-type", "Object Created"),
        ("$.detail['a.b']", 1),
        ("$", EVENT),
    ],
)
def test_paths_into_an_event(path: str, expected: Any) -> None:
    assert target_input.at(EVENT, path) == expected


@pytest.mark.parametrize("path", ["$.detail.none", "$.resources[7]", "$.detail[0]", "$.source.x", "$..x"])
def test_a_path_to_nowhere_gives_the_whole_event(path: str) -> None:
    assert target_input.payload({"InputPath": path}, EVENT, {}, lambda template, _: template) is None

"""What a Task state calls, and the names with which it fails: Retry and Catch match them as on AWS."""

import json
import time
import uuid
from dataclasses import replace
from typing import Any

import pytest

from localaws.ministack.stepfunctions import sagemaker as sagemaker_integration
from localaws.ministack.stepfunctions import sdk
from localaws.ministack.stepfunctions.task import Task, TaskFailed
from tests.conftest import LocalAws
from tests.localaws.sagemaker.conftest import Bench
from tests.localaws.stepfunctions.conftest import States

INVOKE = "arn:aws:states:::lambda:invoke"
RAISES = """
class NotYetError(Exception):
    pass

def handler(event, context):
    if event["tries"] < 2:
        raise NotYetError(f"only {event['tries']} tries")
    return event["tries"]
"""


def test_a_retrier_matches_the_class_of_an_exception(states: States) -> None:
    arguments = {"FunctionName": states.function(RAISES), "Payload": {"tries.$": "$$.State.RetryCount"}}
    retry = [{"ErrorEquals": ["NotYetError"], "IntervalSeconds": 0, "MaxAttempts": 3}]
    task = {"Type": "Task", "Resource": INVOKE, "Parameters": arguments}
    done = states.run({**task, "OutputPath": "$.Payload", "Retry": retry})
    assert (done["status"], done["output"]) == ("SUCCEEDED", "2")
    other = states.run({**task, "Retry": [{**retry[0], "ErrorEquals": ["OtherError"]}]})
    assert (other["status"], other["error"]) == ("FAILED", "NotYetError")


def test_a_catcher_gets_lambdas_error_document_as_the_cause(states: States) -> None:
    caught = states.run(
        {
            "Type": "Task",
            "Resource": INVOKE,
            "Parameters": {"FunctionName": states.function(RAISES), "Payload": {"tries": 0}},
            "Catch": [
                {"ErrorEquals": ["Runtime.HandlerError"], "Next": "Wrong"},
                {"ErrorEquals": ["NotYetError"], "Next": "Seen"},
            ],
            "then": {"Seen": {"Type": "Pass", "End": True}, "Wrong": {"Type": "Fail", "Error": "Wrong"}},
        }
    )
    assert caught["status"] == "SUCCEEDED", caught
    error = json.loads(caught["output"])
    cause = json.loads(error["Cause"])
    assert (error["Error"], cause["errorType"], cause["errorMessage"]) == ("NotYetError", "NotYetError", "only 0 tries")
    assert 'raise NotYetError(f"only' in cause["stackTrace"][0]
    assert cause["requestId"]


def test_lambdas_own_errors_have_lambdas_names(states: States) -> None:
    missing = states.run({"Type": "Task", "Resource": INVOKE, "Parameters": {"FunctionName": "no-such-function"}})
    assert missing["error"] == "Lambda.ResourceNotFoundException"
    name = states.function("def handler(event, context): return 1")
    states.functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    throttled = states.run({"Type": "Task", "Resource": INVOKE, "Parameters": {"FunctionName": name}})
    assert throttled["error"] == "Lambda.TooManyRequestsException"


def sagemaker(action: str, arguments: object) -> dict[str, object]:
    return {"Type": "Task", "Resource": f"arn:aws:states:::sagemaker:{action}", "Parameters": arguments}


def test_a_job_is_waited_for_and_described(states: States, bench: Bench) -> None:
    request = bench.processing("print('done')")
    done = states.run(sagemaker("createProcessingJob.sync", request))
    assert done["status"] == "SUCCEEDED", done
    job = json.loads(done["output"])
    assert (job["ProcessingJobName"], job["ProcessingJobStatus"]) == (request["ProcessingJobName"], "Completed")
    assert job["CreationTime"].endswith("Z")


def test_without_sync_nobody_waits(states: States, bench: Bench) -> None:
    request = bench.processing("import time; time.sleep(1)")
    done = states.run(sagemaker("createProcessingJob", request))
    assert list(json.loads(done["output"])) == ["ProcessingJobArn"]
    name = request["ProcessingJobName"]
    assert bench.sagemaker.describe_processing_job(ProcessingJobName=name)["ProcessingJobStatus"] == "InProgress"


def test_a_job_that_fails_fails_its_state_with_the_reason(states: States, bench: Bench) -> None:
    failed = states.run(sagemaker("createTrainingJob.sync", bench.training("raise ValueError('no such column')")))
    assert (failed["status"], failed["error"]) == ("FAILED", "States.TaskFailed")
    assert "no such column" in json.loads(failed["cause"])["FailureReason"]


@pytest.mark.parametrize("ending", ["stop", "timeout"])
def test_a_job_that_nobody_waits_for_is_stopped(states: States, bench: Bench, ending: str) -> None:
    request = bench.processing("import time; time.sleep(60)")
    task = {**sagemaker("createProcessingJob.sync", request), "End": True}
    limit = {"TimeoutSeconds": 1} if ending == "timeout" else {}
    arn = states.start({"StartAt": "Job", "States": {"Job": {**task, **limit}}})
    name = request["ProcessingJobName"]
    deadline = time.monotonic() + 60
    while not bench.sagemaker.list_processing_jobs(NameContains=name)["ProcessingJobSummaries"]:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    if ending == "stop":
        states.client.stop_execution(executionArn=arn, error="Enough", cause="it is late")
    assert bench.wait("processing", name)["ProcessingJobStatus"] == "Stopped"
    ended = states.wait(arn)
    expected = {"stop": ("ABORTED", "Enough"), "timeout": ("FAILED", "States.Timeout")}
    assert (ended["status"], ended["error"]) == expected[ending]


def test_errors_have_the_names_of_the_integration_that_asked(states: States) -> None:
    arguments = {"EndpointName": "e-1", "EndpointConfigName": "no-such-config"}
    optimized = states.run(sagemaker("createEndpoint", arguments))
    assert optimized["error"] == "SageMaker.AmazonSageMakerException"
    assert "no-such-config" in optimized["cause"]
    updated = states.run(sagemaker("updateEndpoint", {**arguments, "EndpointName": "no-such-endpoint"}))
    assert updated["error"] == "SageMaker.AmazonSageMakerException"
    assert "no-such-endpoint" in updated["cause"]
    sdk = "arn:aws:states:::aws-sdk:sagemaker:"
    unnamed = states.run({"Type": "Task", "Resource": f"{sdk}createEndpoint", "Parameters": arguments})
    assert unnamed["error"] == "SageMaker.SageMakerException"
    pipeline = {"PipelineName": "no-such-pipeline"}
    named = states.run({"Type": "Task", "Resource": f"{sdk}describePipeline", "Parameters": pipeline})
    assert named["error"] == "SageMaker.ResourceNotFoundException"
    runtime = "arn:aws:states:::aws-sdk:sagemakerruntime:invokeEndpoint"
    asked = {"EndpointName": "no-such-endpoint", "Body": "1"}
    refused = states.run({"Type": "Task", "Resource": runtime, "Parameters": asked})
    assert refused["error"] == "SageMakerRuntime.ValidationErrorException"


@pytest.mark.parametrize(
    ("resource", "why"),
    [
        ("sagemaker:createLabelingJob.sync", "optimized integrations here are createEndpoint, "),
        ("sagemaker:createEndpoint.sync", "createEndpoint has no .sync, as on AWS"),
        ("sagemaker:startPipelineExecution.sync", "try aws-sdk:sagemaker"),
        ("sagemaker:createModel.waitForTaskToken", "returns no task token"),
        ("aws-sdk:sagemaker:createTrainingJob.sync", "it has no .sync"),
        ("aws-sdk:sagemaker:makeCoffee", "sagemaker has no action makeCoffee"),
    ],
)
def test_what_is_not_done_is_refused_by_name(states: States, resource: str, why: str) -> None:
    arn = f"arn:aws:states:::{resource}"
    refused = states.run({"Type": "Task", "Resource": arn, "Parameters": {"Token.$": "$$.Execution.Id"}})
    assert (refused["status"], refused["error"]) == ("FAILED", "States.Runtime")
    assert why in refused["cause"]
    assert arn in refused["cause"]


def test_an_sdk_integration_speaks_as_javas_does(states: States, bench: Bench) -> None:
    name = f"group-{uuid.uuid4().hex[:8]}"
    bench.sagemaker.create_model_package_group(ModelPackageGroupName=name)
    resource = "arn:aws:states:::aws-sdk:sagemaker:describeModelPackageGroup"
    done = states.run({"Type": "Task", "Resource": resource, "Parameters": {"ModelPackageGroupName": name}})
    group = json.loads(done["output"])
    assert group["ModelPackageGroupName"] == name
    assert group["CreationTime"].endswith("Z")


def task(resource: str, arguments: object, **members: Any) -> Task:
    given = {"token": uuid.uuid4().hex * 2, "began": time.time(), "again": False, "is_wanted": lambda: True}
    return Task(f"arn:aws:states:::{resource}", arguments, **{**given, **members})


def test_a_call_that_is_made_again_makes_nothing_twice(bench: Bench) -> None:
    request = bench.processing("pass")
    first = task("sagemaker:createProcessingJob", request)
    made = sagemaker_integration.call(lambda _: bench.sagemaker, first)
    assert sagemaker_integration.call(lambda _: bench.sagemaker, replace(first, again=True)) == made
    with pytest.raises(TaskFailed, match=r"SageMaker\.ResourceInUseException"):
        sagemaker_integration.call(lambda _: bench.sagemaker, replace(first, again=True, began=time.time() + 1))
    with pytest.raises(TaskFailed, match="it is not waited for any more"):
        unwanted = task("sagemaker:createProcessingJob", bench.processing("pass"), again=True, is_wanted=lambda: False)
        sagemaker_integration.call(lambda _: bench.sagemaker, unwanted)


def test_an_sdk_integration_gives_each_call_its_token(bench: Bench) -> None:
    name, steps = f"p-{uuid.uuid4().hex[:8]}", [{"Name": "F", "Type": "Fail", "Arguments": {"ErrorMessage": "no"}}]
    definition = json.dumps({"Version": "2020-12-01", "Steps": steps})
    role = "arn:aws:iam::000000000000:role/r"
    bench.sagemaker.create_pipeline(
        PipelineName=name, PipelineDefinition=definition, RoleArn=role, ClientRequestToken=name * 4
    )
    start = task("aws-sdk:sagemaker:startPipelineExecution", {"PipelineName": name})
    arns = {sdk.call(lambda _: bench.sagemaker, start)["PipelineExecutionArn"] for _ in range(2)}
    assert len(arns) == 1
    other = sdk.call(lambda _: bench.sagemaker, replace(start, token="t" * 64))
    assert other["PipelineExecutionArn"] not in arns


def test_figures_go_to_cloudwatch_and_rows_to_dynamodb(states: States, local_aws: LocalAws) -> None:
    namespace, table = f"n-{uuid.uuid4().hex}", f"t-{uuid.uuid4().hex}"
    datum = {"MetricName": "R2", "Value.$": "$.r2"}
    put = {"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:cloudwatch:putMetricData"}
    assert states.run({**put, "Parameters": {"Namespace": namespace, "MetricData": [datum]}}, r2=0.47)["status"] == (
        "SUCCEEDED"
    )
    assert local_aws.client("cloudwatch").list_metrics(Namespace=namespace)["Metrics"][0]["MetricName"] == "R2"
    key = [{"AttributeName": "Id", "AttributeType": "S"}]
    local_aws.client("dynamodb").create_table(
        TableName=table,
        AttributeDefinitions=key,
        KeySchema=[{"AttributeName": "Id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    once = {"TableName": table, "Item": {"Id": {"S": "1"}}, "ConditionExpression": "attribute_not_exists(Id)"}
    for resource, error in (
        ("dynamodb:putItem", "DynamoDB.ConditionalCheckFailedException"),
        ("aws-sdk:dynamodb:putItem", "DynamoDb.ConditionalCheckFailedException"),
    ):
        once["Item"]["Id"]["S"] = resource
        task = {"Type": "Task", "Resource": f"arn:aws:states:::{resource}", "Parameters": once}
        assert states.run(dict(task))["status"] == "SUCCEEDED"
        assert states.run(dict(task))["error"] == error

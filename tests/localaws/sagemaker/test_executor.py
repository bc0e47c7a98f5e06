"""What executions can do beyond running once: caching, retries, callbacks, functions, retry, selection, triggers."""

import io
import json
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localaws.account.clients import Aws
from localaws.sagemaker.errors import InternalFailure, ValidationError
from localaws.sagemaker.parts import Parts
from localaws.sagemaker.pipelines.cache_config import duration
from localaws.sagemaker.pipelines.definition import parse
from localaws.sagemaker.pipelines.executor import Executor
from localaws.sagemaker.pipelines.record import STEP
from localaws.service.context import Context
from localaws.storage.store import Resource
from tests.conftest import LocalAws
from tests.localaws.sagemaker.conftest import ROLE, Bench, processing_output, unique
from tests.localaws.sagemaker.definitions import callback_step, definition, fail, next_message, processing

Document = dict[str, Any]

CACHED = {"CacheConfig": {"Enabled": True, "ExpireAfter": "P1D"}}
COUNT = """
import os, pathlib, uuid, boto3
boto3.client("s3").put_object(Bucket=os.environ["BUCKET"], Key=f"ran/{os.environ['STEP']}/{uuid.uuid4()}", Body=b"")
pathlib.Path("/opt/ml/processing/out/word").write_text("done")
"""


def counted(
    bench: Bench, name: str, script: str = COUNT, environment: Document | None = None, **members: Any
) -> Document:
    """A processing step that leaves a mark in S3 each time when it really runs."""
    target = {"Std:Join": {"On": "/", "Values": [f"s3://{bench.bucket}/out", {"Get": "Execution.PipelineExecutionId"}]}}
    output = processing_output("out", "", "/opt/ml/processing/out")
    output["S3Output"]["S3Uri"] = target
    arguments = {
        "Environment": {"BUCKET": bench.bucket, "STEP": name, **(environment or {})},
        "ProcessingOutputConfig": {"Outputs": [output]},
    }
    return processing(bench, name, script, Arguments=arguments, **members)


def runs(bench: Bench, name: str) -> int:
    """How often a step has really run."""
    return len(bench.keys(f"ran/{name}/"))


def create(bench: Bench, *steps: Document, parameters: list[Document] | None = None) -> str:
    name = unique("pipeline")
    text = definition(*steps, parameters=parameters)
    bench.sagemaker.create_pipeline(PipelineName=name, PipelineDefinition=text, RoleArn=ROLE)
    return name


def finish(bench: Bench, name: str, **parameters: str) -> tuple[Document, dict[str, Document]]:
    execution = bench.wait_for_execution(bench.start(name, **parameters))
    return execution, bench.steps(execution["PipelineExecutionArn"])


def test_a_cached_step_is_not_run_again_and_its_outputs_are_handed_on(bench: Bench) -> None:
    environment = {"WORD": {"Get": "Parameters.Word"}}
    uri = {"Get": "Steps.One.ProcessingOutputConfig.Outputs['out'].S3Output.S3Uri"}
    source = {"S3Uri": uri, "LocalPath": "/opt/ml/processing/in", "S3DataType": "S3Prefix", "S3InputMode": "File"}
    two = processing(bench, "Two", "assert open('/opt/ml/processing/in/word').read() == 'done'")
    two["Arguments"]["ProcessingInputs"].append({"InputName": "in", "S3Input": source})
    parameters = [{"Name": "Word", "Type": "String", "DefaultValue": "a"}]
    name = create(bench, counted(bench, "One", environment=environment, **CACHED), two, parameters=parameters)

    first, _ = finish(bench, name)
    again, steps = finish(bench, name)
    assert (first["PipelineExecutionStatus"], again["PipelineExecutionStatus"]) == ("Succeeded", "Succeeded")
    assert runs(bench, "One") == 1
    assert steps["One"]["CacheHitResult"] == {"SourcePipelineExecutionArn": first["PipelineExecutionArn"]}
    assert "CacheHitResult" not in steps["Two"]

    _, changed = finish(bench, name, Word="b")
    assert runs(bench, "One") == 2
    assert "CacheHitResult" not in changed["One"]


def test_neither_a_failed_run_nor_an_expired_one_nor_another_pipelines_is_a_hit(bench: Bench) -> None:
    failing = counted(bench, "Failing", COUNT + "raise SystemExit(1)", **CACHED)
    name = create(bench, failing)
    finish(bench, name)
    finish(bench, name)
    assert runs(bench, "Failing") == 2

    brief = counted(bench, "Brief", **{"CacheConfig": {"Enabled": True, "ExpireAfter": "T1S"}})
    name = create(bench, brief)
    finish(bench, name)
    time.sleep(1.1)
    finish(bench, name)
    assert runs(bench, "Brief") == 2
    finish(bench, create(bench, brief))
    assert runs(bench, "Brief") == 3


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("P30D", 2_592_000), ("30d", 2_592_000), ("T16m", 960), ("30dT5h", 2_610_000), ("PT1H30M", 5_400)],
)
def test_durations(text: str, seconds: int) -> None:
    assert duration(text) == seconds


@pytest.mark.parametrize("text", ["", "P", "soon", "5"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValidationError, match="ISO 8601"):
        duration(text)


def test_a_failed_execution_is_retried_from_the_failed_step(bench: Bench) -> None:
    needs_help = COUNT + (
        "s3 = boto3.client('s3')\n"
        "assert s3.list_objects_v2(Bucket=os.environ['BUCKET'], Prefix='help').get('KeyCount'), 'no help'\n"
    )
    name = create(bench, counted(bench, "First"), counted(bench, "Second", needs_help, DependsOn=["First"]))
    execution, steps = finish(bench, name)
    arn = execution["PipelineExecutionArn"]
    assert steps["Second"]["FailureReason"] == "AlgorithmError: AssertionError: no help, exit code: 1"
    bench.put("help", "")
    bench.sagemaker.retry_pipeline_execution(PipelineExecutionArn=arn)
    assert bench.wait_for_execution(arn)["PipelineExecutionStatus"] == "Succeeded"
    assert (runs(bench, "First"), runs(bench, "Second")) == (1, 2)
    assert "FailureReason" not in bench.sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)
    with pytest.raises(ClientError, match="only a failed or stopped"):
        bench.sagemaker.retry_pipeline_execution(PipelineExecutionArn=arn)


def test_selected_steps_run_with_the_results_of_an_earlier_execution(bench: Bench) -> None:
    after = counted(bench, "After", DependsOn=["Chosen"])
    name = create(bench, counted(bench, "Before"), counted(bench, "Chosen", DependsOn=["Before"]), after)
    source = finish(bench, name)[0]["PipelineExecutionArn"]
    selection = {"SelectedSteps": [{"StepName": "Chosen"}], "SourcePipelineExecutionArn": source}
    started = bench.sagemaker.start_pipeline_execution(PipelineName=name, SelectiveExecutionConfig=selection)
    execution = bench.wait_for_execution(started["PipelineExecutionArn"])
    steps = bench.steps(execution["PipelineExecutionArn"])
    assert execution["PipelineExecutionStatus"] == "Succeeded"
    assert (runs(bench, "Before"), runs(bench, "Chosen"), runs(bench, "After")) == (1, 2, 1)
    assert steps["Before"]["SelectiveExecutionResult"] == {"SourcePipelineExecutionArn": source}
    assert set(steps) == {"Before", "Chosen"}
    for wrong, words in (
        ({"SelectedSteps": [{"StepName": "Ghost"}]}, r"\[Ghost\] are not in the pipeline"),
        ({"SelectedSteps": [{"StepName": "Chosen"}]}, r"need the results of \[Before\]"),
        (selection | {"SourcePipelineExecutionArn": f"{source}x"}, "is not an execution of"),
    ):
        with pytest.raises(ClientError, match=words):
            bench.sagemaker.start_pipeline_execution(PipelineName=name, SelectiveExecutionConfig=wrong)


def test_a_trigger_answers_a_failure(bench: Bench) -> None:
    broken = processing(bench, "Broken", "raise SystemExit(1)")
    answer = counted(bench, "Answer", DependsOn=[{"Step": "Broken", "Trigger": "Failed"}])
    other = counted(bench, "Other", DependsOn=["Broken"])
    execution, steps = finish_as(bench, create(bench, broken, answer, other), "CompletedWithFailures")
    assert execution["PipelineExecutionStatus"] == "CompletedWithFailures"
    assert {name: step["StepStatus"] for name, step in steps.items()} == {"Broken": "Failed", "Answer": "Succeeded"}


def finish_as(bench: Bench, name: str, status: str) -> tuple[Document, dict[str, Document]]:
    arn = bench.start(name)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        execution = bench.sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)
        if execution["PipelineExecutionStatus"] == status:
            return execution, bench.steps(arn)
        time.sleep(0.02)
    raise AssertionError(f"{arn} did not become {status}")


@pytest.fixture
def function(local_aws: LocalAws) -> Callable[[str], str]:
    """Makes a Lambda function of Python source; its ARN."""

    def make(source: str) -> str:
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("index.py", source)
        created = local_aws.client("lambda").create_function(
            FunctionName=unique("function"),
            Runtime="python3.12",
            Role=ROLE,
            Handler="index.handler",
            Code={"ZipFile": packed.getvalue()},
        )
        arn: str = created["FunctionArn"]
        return arn

    return make


def lambda_step(name: str, arn: str, arguments: Document, **members: Any) -> Document:
    outputs = [{"OutputName": "total", "OutputType": "Integer"}]
    return {
        "Name": name,
        "Type": "Lambda",
        "FunctionArn": arn,
        "Arguments": arguments,
        "OutputParameters": outputs,
        **members,
    }


def test_a_lambda_step_hands_its_outputs_on(bench: Bench, function: Callable[[str], str]) -> None:
    arn = function("def handler(event, context):\n    return {'total': event['a'] + event['b']}\n")
    total = {"Get": "Steps.Sum.OutputParameters['total']"}
    message = {"Std:Join": {"On": "", "Values": ["total ", total]}}
    name = create(bench, lambda_step("Sum", arn, {"a": 2, "b": 40}), fail("Tell", message))
    _, steps = finish(bench, name)
    assert steps["Sum"]["Metadata"]["Lambda"]["Arn"] == arn
    assert steps["Tell"]["FailureReason"] == "total 42"


def test_a_lambda_that_raises_or_returns_something_else_fails_its_step(
    bench: Bench, function: Callable[[str], str]
) -> None:
    raising = function("def handler(event, context):\n    raise ValueError('no such table')\n")
    wrong = function("def handler(event, context):\n    return {'total': 'many'}\n")
    reasons = [
        finish(bench, create(bench, lambda_step("Sum", arn, {})))[1]["Sum"]["FailureReason"] for arn in (raising, wrong)
    ]
    assert "no such table" in reasons[0]
    assert "the output 'total' is 'many', which is not of type Integer" in reasons[1]


def test_a_functions_number_is_the_text_of_a_string_output(bench: Bench, function: Callable[[str], str]) -> None:
    """AWS's own example of a Lambda step returns `"statusCode": 200` for an output of type String."""
    arn = function("def handler(event, context):\n    return {'statusCode': 200, 'on': True, 'lost': [1]}\n")
    outputs = [{"OutputName": name, "OutputType": "String"} for name in ("statusCode", "on")]
    refused = [{"OutputName": "lost", "OutputType": "String"}]
    name = create(
        bench,
        lambda_step("Good", arn, {}, OutputParameters=outputs),
        lambda_step("Bad", arn, {}, OutputParameters=refused),
    )
    _, steps = finish(bench, name)
    told = steps["Good"]["Metadata"]["Lambda"]["OutputParameters"]
    assert told == [{"Name": "statusCode", "Value": "200"}, {"Name": "on", "Value": "true"}]
    assert "the output 'lost' is [1], which is not of type String" in steps["Bad"]["FailureReason"]


def test_parameters_are_listed_as_they_were_given(bench: Bench) -> None:
    parameters = [
        {"Name": "On", "Type": "Boolean"},
        {"Name": "Rate", "Type": "Float"},
        {"Name": "Off", "Type": "Boolean", "DefaultValue": False},
    ]
    arn = bench.start(create(bench, fail("A", "no"), parameters=parameters), On="True", Rate="0.40")
    listed = bench.sagemaker.list_pipeline_parameters_for_execution(PipelineExecutionArn=arn)["PipelineParameters"]
    assert {each["Name"]: each["Value"] for each in listed} == {"On": "True", "Rate": "0.40", "Off": "false"}


def for_each(items: Any, *body: Document, **arguments: Any) -> Document:
    given = {"IterableItems": items, "MaxConcurrency": 2, "ForEachBody": list(body), **arguments}
    return {"Name": "Loop", "Type": "ForEach", "Arguments": given}


def item(path: str = "") -> Document:
    return {"Get": f"ForEach.CurrentItem{path}"}


def test_a_body_runs_for_each_item_and_the_best_is_picked(bench: Bench, function: Callable[[str], str]) -> None:
    square = function("def handler(event, context):\n    return {'total': event['value'] ** 2}\n")
    add = function("def handler(event, context):\n    return {'total': event['value'] + 1}\n")
    first = lambda_step("Square", square, {"value": item(".n")})
    second = lambda_step("Add", add, {"value": {"Get": "Steps.Square.OutputParameters['total']"}})
    selector = {"Pick": "MaxBy", "Field": {"Get": "IterationOutput.Add.OutputParameters['total']"}}
    loop = for_each({"Get": "Parameters.Items"}, first, second, Selector=selector)
    told = [
        {"Get": "Steps.Loop.InputItemCount"},
        {"Get": "Steps.Loop.SucceededStepCount"},
        {"Get": "Steps.Loop.IterationOutputs[1].Square.OutputParameters['total']"},
        {"Get": "Steps.Loop.Selected.OutputParameters['total']"},
    ]
    items = json.dumps([json.dumps({"n": n}) for n in (2, -5, 3)])
    parameters = [{"Name": "Items", "Type": "String", "DefaultValue": items}]
    name = create(bench, loop, fail("Tell", {"Std:Join": {"On": " ", "Values": told}}), parameters=parameters)
    _, steps = finish(bench, name)
    assert steps["Loop"]["StepStatus"] == "Succeeded", steps["Loop"]
    assert {f"{body}-{index}" for body in ("Square", "Add") for index in range(3)} <= set(steps)
    assert steps["Tell"]["FailureReason"] == "3 6 25 26"


def test_a_failed_child_fails_its_loop(bench: Bench) -> None:
    child = processing(bench, "Child", "import os; assert os.environ['WORD'] != 'bad', 'a bad word'")
    child["Arguments"]["Environment"] = {"WORD": item()}
    execution, steps = finish(bench, create(bench, for_each(["good", "bad"], child)))
    assert execution["PipelineExecutionStatus"] == "Failed"
    assert steps["Child-1"]["FailureReason"] == "AlgorithmError: AssertionError: a bad word, exit code: 1"
    assert steps["Loop"]["FailureReason"] == "ClientError: 1 of 2 steps of the body failed"


@pytest.mark.parametrize(
    ("loop", "words"),
    [
        (for_each(["a"]), "a ForEachBody of at least one step"),
        (for_each(["a"], fail("Inner", "x")), "a Fail step is not allowed in a ForEachBody"),
        (for_each(["a"], lambda_step("Loop", "arn", {})), "clashes with the step 'Loop'"),
        (for_each(["a"], lambda_step("Inner", "arn", {}), MaxConcurrency=51), "MaxConcurrency 51 is not from 1 to 50"),
        (for_each(["a"], lambda_step("Inner", "arn", {"x": {"Get": "Steps.Ghost.X"}})), "'Ghost'"),
    ],
)
def test_a_wrong_loop_is_refused(loop: Document, words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        parse(definition(loop))


def test_a_callback_step_waits_for_its_token(local_aws: LocalAws, bench: Bench) -> None:
    sqs = local_aws.client("sqs")
    queue = sqs.create_queue(QueueName=unique("queue"))["QueueUrl"]
    told = {
        "Std:Join": {
            "On": " ",
            "Values": [{"Get": f"Steps.Ask.OutputParameters['{key}']"} for key in ("verdict", "score")],
        }
    }
    name = create(bench, callback_step(queue), fail("Tell", told))

    arn = bench.start(name)
    message = next_message(sqs, queue)
    assert (message["arguments"], message["stepName"], message["pipelineExecutionArn"]) == (
        {"question": "good?"},
        "Ask",
        arn,
    )
    outputs = [{"Name": "verdict", "Value": "yes"}, {"Name": "score", "Value": "7"}]
    answered = bench.sagemaker.send_pipeline_execution_step_success(
        CallbackToken=message["token"], OutputParameters=outputs
    )
    assert answered["PipelineExecutionArn"] == arn
    bench.wait_for_execution(arn)
    steps = bench.steps(arn)
    assert steps["Ask"]["Metadata"]["Callback"]["CallbackToken"] == message["token"]
    assert steps["Tell"]["FailureReason"] == "yes 7"

    arn = bench.start(name)
    token = next_message(sqs, queue)["token"]
    bench.sagemaker.send_pipeline_execution_step_failure(CallbackToken=token, FailureReason="nobody home")
    bench.wait_for_execution(arn)
    assert bench.steps(arn)["Ask"]["FailureReason"] == "nobody home"
    with pytest.raises(ClientError, match="No step waits for the callback token"):
        bench.sagemaker.send_pipeline_execution_step_failure(CallbackToken=token, FailureReason="twice")


def test_a_callback_step_is_stopped_with_its_execution(local_aws: LocalAws, bench: Bench) -> None:
    sqs = local_aws.client("sqs")
    queue = sqs.create_queue(QueueName=unique("queue"))["QueueUrl"]
    arn = bench.start(create(bench, callback_step(queue)))
    next_message(sqs, queue)
    bench.sagemaker.stop_pipeline_execution(PipelineExecutionArn=arn)
    assert bench.wait_for_execution(arn)["PipelineExecutionStatus"] == "Stopped"
    assert next_message(sqs, queue)["status"] == "Stopping"


class Flaky:
    """An API that has a fault for its first calls."""

    def __init__(self, faults: int) -> None:
        self.faults = faults

    def __call__(self, operation: str, request: Document) -> Document:
        if operation == "CreateModel":
            self.faults -= 1
            if self.faults >= 0:
                raise InternalFailure("the service has a fault")
        return {"ModelArn": "arn:model", "ModelName": request["ModelName"]}


@pytest.mark.parametrize(("faults", "status", "attempts"), [(0, "Succeeded", 1), (2, "Succeeded", 3), (9, "Failed", 4)])
def test_a_fault_of_the_service_is_tried_again_as_the_policy_says(
    tmp_path: Path, faults: int, status: str, attempts: int
) -> None:
    policy = {"ExceptionType": ["Step.SERVICE_FAULT"], "IntervalSeconds": 0, "BackoffRate": 1.0, "MaxAttempts": 3}
    step = {"Name": "Create", "Type": "Model", "Arguments": {"ExecutionRoleArn": ROLE}, "RetryPolicies": [policy]}
    aws = Aws("http://127.0.0.1:9", "us-east-1", "000000000000")  # nobody is there: nothing is sent
    parts = Parts.made_of(Context.of(tmp_path / "store.sqlite", aws, tmp_path))
    store = parts.store
    pipeline = Resource("pipeline", "p", "arn:p", {})
    store.add(pipeline)
    executor = Executor(parts, Flaky(faults))
    request = {"ClientRequestToken": "t" * 32}
    arn = executor.start(pipeline, definition(step), {}, request)
    deadline = time.monotonic() + 60
    while (execution := store.by_arn(arn)) and execution.status == "Executing":
        assert time.monotonic() < deadline
        time.sleep(0.01)
    (row,) = store.every(STEP, parent=arn)
    assert execution is not None
    assert (execution.status, row.document["AttemptCount"]) == (status, attempts)

"""Pipelines over the API: executed for real, steps created from arguments with expressions."""

import time
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.conftest import LocalAws
from tests.localaws.sagemaker.conftest import IMAGE, ROLE, Bench, EventQueue, processing_output, unique
from tests.localaws.sagemaker.definitions import definition, fail, processing

Document = dict[str, Any]


def scored(bench: Bench, score: float) -> str:
    """A pipeline that writes a score, and fails with it unless it reaches a parameter."""
    script = f"import json; json.dump({{'score': {score}}}, open('/opt/ml/processing/out/report.json', 'w'))"
    target = {"Std:Join": {"On": "/", "Values": [f"s3://{bench.bucket}", {"Get": "Execution.PipelineExecutionId"}]}}
    output = processing_output("report", "", "/opt/ml/processing/out")
    output["S3Output"]["S3Uri"] = target
    evaluate = processing(
        bench,
        "Evaluate",
        script,
        Arguments={"ProcessingOutputConfig": {"Outputs": [output]}},
        PropertyFiles=[{"PropertyFileName": "Report", "OutputName": "report", "FilePath": "report.json"}],
    )
    reached = {"Std:JsonGet": {"PropertyFile": {"Get": "Steps.Evaluate.PropertyFiles.Report"}, "Path": "score"}}
    message = {"Std:Join": {"On": "", "Values": [reached, " is below ", {"Get": "Parameters.Threshold"}]}}
    check = {
        "Name": "Check",
        "Type": "Condition",
        "Arguments": {
            "Conditions": [
                {"Type": "GreaterThanOrEqualTo", "LeftValue": reached, "RightValue": {"Get": "Parameters.Threshold"}}
            ],
            "IfSteps": [processing(bench, "Celebrate", "print('good')")],
            "ElseSteps": [fail("TooLow", message)],
        },
    }
    parameters = [{"Name": "Threshold", "Type": "Float", "DefaultValue": 0.5}]
    return definition(evaluate, check, parameters=parameters)


def test_a_condition_reads_the_report_and_takes_its_branch(bench: Bench) -> None:
    execution = bench.run_pipeline(scored(bench, 0.75))
    steps = bench.steps(execution["PipelineExecutionArn"])
    assert execution["PipelineExecutionStatus"] == "Succeeded"
    assert {name: step["StepStatus"] for name, step in steps.items()} == dict.fromkeys(
        ("Evaluate", "Check", "Celebrate"), "Succeeded"
    )
    assert steps["Check"]["Metadata"] == {"Condition": {"Outcome": "True"}}
    assert "processing-job/pipelines-" in steps["Celebrate"]["Metadata"]["ProcessingJob"]["Arn"]


def test_a_fail_step_tells_the_figures(bench: Bench) -> None:
    execution = bench.run_pipeline(scored(bench, 0.75), Threshold="0.8")
    steps = bench.steps(execution["PipelineExecutionArn"])
    assert execution["PipelineExecutionStatus"] == "Failed"
    assert execution["FailureReason"] == "Step failure: One or multiple steps failed."
    assert steps["TooLow"]["FailureReason"] == "0.75 is below 0.8"
    assert steps["TooLow"]["Metadata"] == {"Fail": {"ErrorMessage": "0.75 is below 0.8"}}
    assert "Celebrate" not in steps


def test_a_failed_step_hands_its_reason_on_and_nothing_new_begins(bench: Bench) -> None:
    broken = processing(bench, "Broken", "raise RuntimeError('disk of glass')")
    after = processing(bench, "After", "pass", DependsOn=["Broken"])
    execution = bench.run_pipeline(definition(broken, after))
    steps = bench.steps(execution["PipelineExecutionArn"])
    assert execution["PipelineExecutionStatus"] == "Failed"
    assert steps["Broken"]["FailureReason"] == "AlgorithmError: RuntimeError: disk of glass, exit code: 1"
    assert list(steps) == ["Broken"]


MEET = """
import os, time, boto3
s3, bucket = boto3.client("s3"), os.environ["BUCKET"]
s3.put_object(Bucket=bucket, Key=f"here/{os.environ['MINE']}", Body=b"")
deadline = time.monotonic() + 30
while s3.list_objects_v2(Bucket=bucket, Prefix="here/").get("KeyCount", 0) < 2:
    assert time.monotonic() < deadline, "the other one never came"
    time.sleep(0.05)
"""


def test_independent_steps_run_at_the_same_time(bench: Bench) -> None:
    steps = [
        processing(bench, name, MEET, Arguments={"Environment": {"BUCKET": bench.bucket, "MINE": name}})
        for name in ("One", "Two")
    ]
    assert bench.run_pipeline(definition(*steps))["PipelineExecutionStatus"] == "Succeeded"


def test_two_executions_at_once_do_not_meet(bench: Bench) -> None:
    name = unique("pipeline")
    bench.sagemaker.create_pipeline(PipelineName=name, PipelineDefinition=scored(bench, 0.6), RoleArn=ROLE)
    arns = [bench.start(name), bench.start(name, Threshold="0.9")]
    ends = [bench.wait_for_execution(arn)["PipelineExecutionStatus"] for arn in arns]
    assert ends == ["Succeeded", "Failed"]
    listed = bench.sagemaker.list_pipeline_executions(PipelineName=name)["PipelineExecutionSummaries"]
    assert [row["PipelineExecutionArn"] for row in listed] == arns[::-1]
    values = bench.sagemaker.list_pipeline_parameters_for_execution(PipelineExecutionArn=arns[1])
    assert values["PipelineParameters"] == [{"Name": "Threshold", "Value": "0.9"}]


def test_stop_ends_the_running_step(bench: Bench) -> None:
    name = unique("pipeline")
    sleep = processing(bench, "Sleep", "import time; time.sleep(60)")
    after = processing(bench, "After", "pass", DependsOn=["Sleep"])
    bench.sagemaker.create_pipeline(PipelineName=name, PipelineDefinition=definition(sleep, after), RoleArn=ROLE)
    arn = bench.start(name)
    while not bench.steps(arn).get("Sleep", {}).get("Metadata"):
        time.sleep(0.02)
    bench.sagemaker.stop_pipeline_execution(PipelineExecutionArn=arn)
    assert bench.wait_for_execution(arn)["PipelineExecutionStatus"] == "Stopped"
    assert {name: step["StepStatus"] for name, step in bench.steps(arn).items()} == {"Sleep": "Stopped"}
    with pytest.raises(ClientError, match="ConflictException"):
        bench.sagemaker.stop_pipeline_execution(PipelineExecutionArn=arn)


def test_the_same_token_starts_once(bench: Bench) -> None:
    name = unique("pipeline")
    bench.sagemaker.create_pipeline(PipelineName=name, PipelineDefinition=scored(bench, 1.0), RoleArn=ROLE)
    token, another = uuid.uuid4().hex, unique("pipeline")
    arns = {
        bench.sagemaker.start_pipeline_execution(PipelineName=name, ClientRequestToken=token)["PipelineExecutionArn"]
        for _ in range(2)
    }
    assert len(arns) == 1
    bench.sagemaker.create_pipeline(PipelineName=another, PipelineDefinition=scored(bench, 1.0), RoleArn=ROLE)
    started = bench.sagemaker.start_pipeline_execution(PipelineName=another, ClientRequestToken=token)
    assert f"pipeline/{another}/execution/" in started["PipelineExecutionArn"], "a token is its pipeline's own"


def twice(call: Any, **request: str) -> None:
    """Make a request twice with one token, and with that token one for something that is not there."""
    token = uuid.uuid4().hex
    first, second = (call(**request, ClientRequestToken=token) for _ in range(2))
    assert {**first, "ResponseMetadata": None} == {**second, "ResponseMetadata": None}
    other = {member: f"{value}0" for member, value in request.items()}
    with pytest.raises(ClientError, match="ResourceNotFound"):
        call(**other, ClientRequestToken=token)


def test_each_operation_on_executions_keeps_its_token(bench: Bench) -> None:
    """Without its token the second request of each pair would be refused: the state has moved on."""
    sagemaker, name = bench.sagemaker, unique("pipeline")
    text = definition(processing(bench, "Sleep", "import time; time.sleep(60)"))
    request = {
        "PipelineName": name,
        "PipelineDefinition": text,
        "RoleArn": ROLE,
        "ClientRequestToken": uuid.uuid4().hex,
    }
    assert sagemaker.create_pipeline(**request)["PipelineArn"] == sagemaker.create_pipeline(**request)["PipelineArn"]
    with pytest.raises(ClientError, match=r"ConflictException.*was used with other parameters"):
        sagemaker.create_pipeline(**request, PipelineDescription="another")
    arn = bench.start(name)
    twice(sagemaker.stop_pipeline_execution, PipelineExecutionArn=arn)
    bench.wait_for_execution(arn)
    twice(sagemaker.retry_pipeline_execution, PipelineExecutionArn=arn)
    sagemaker.stop_pipeline_execution(PipelineExecutionArn=arn)
    bench.wait_for_execution(arn)
    twice(sagemaker.delete_pipeline, PipelineName=name)


def test_a_pipeline_is_updated_and_deleted(bench: Bench) -> None:
    name = unique("pipeline")
    first, second = definition(fail("A", "1")), definition(fail("B", "2"))
    bench.sagemaker.create_pipeline(PipelineName=name, PipelineDefinition=first, RoleArn=ROLE)
    with pytest.raises(ClientError, match="already exists"):
        bench.sagemaker.create_pipeline(PipelineName=name, PipelineDefinition=first, RoleArn=ROLE)
    location = bench.put("definition.json", second).removeprefix(f"s3://{bench.bucket}/")
    bench.sagemaker.update_pipeline(
        PipelineName=name, PipelineDefinitionS3Location={"Bucket": bench.bucket, "ObjectKey": location}
    )
    assert bench.sagemaker.describe_pipeline(PipelineName=name)["PipelineDefinition"] == second
    same = bench.sagemaker.update_pipeline(PipelineName=name, PipelineDefinition=second)
    assert same["PipelineVersionId"] == 2  # the same definition is no new version
    assert bench.sagemaker.describe_pipeline(PipelineName=name, PipelineVersionId=1)["PipelineDefinition"] == first
    started = bench.sagemaker.start_pipeline_execution(PipelineName=name, PipelineVersionId=1)["PipelineExecutionArn"]
    assert bench.wait_for_execution(started)["PipelineVersionId"] == 1
    assert list(bench.steps(started)) == ["A"]
    pipeline_arn = bench.sagemaker.describe_pipeline(PipelineName=name)["PipelineArn"]
    bench.sagemaker.update_pipeline_version(
        PipelineArn=pipeline_arn, PipelineVersionId=1, PipelineVersionDisplayName="first"
    )
    versions = bench.sagemaker.list_pipeline_versions(PipelineName=name)["PipelineVersionSummaries"]
    assert [row["PipelineVersionId"] for row in versions] == [2, 1]
    assert versions[1]["LastExecutionPipelineExecutionArn"] == started
    assert versions[1]["PipelineVersionDisplayName"] == "first"
    with pytest.raises(ClientError, match="has no version 3"):
        bench.sagemaker.start_pipeline_execution(PipelineName=name, PipelineVersionId=3)
    bench.sagemaker.delete_pipeline(PipelineName=name)
    with pytest.raises(ClientError, match="ResourceNotFound"):
        bench.sagemaker.describe_pipeline(PipelineName=name)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (definition(fail("A", {"Get": "Steps.Ghost.X"})), "refers to the step 'Ghost'"),
        (
            definition(fail("A", "x") | {"DependsOn": ["B"]}, fail("B", "x") | {"DependsOn": ["A"]}),
            "depend on each other in a cycle",
        ),
        (definition(parameters=[{"Name": "P", "Type": "Integer", "DefaultValue": "x"}]), "not of type Integer"),
        (definition({"Name": "A", "Type": "EMR", "Arguments": {}}), "does not support"),
    ],
)
def test_a_wrong_definition_is_refused_when_it_is_created(bench: Bench, text: str, words: str) -> None:
    with pytest.raises(ClientError, match=words):
        bench.sagemaker.create_pipeline(PipelineName=unique("pipeline"), PipelineDefinition=text, RoleArn=ROLE)


def test_a_wrong_parameter_is_refused_when_an_execution_starts(bench: Bench) -> None:
    name = unique("pipeline")
    bench.sagemaker.create_pipeline(PipelineName=name, PipelineDefinition=scored(bench, 1.0), RoleArn=ROLE)
    with pytest.raises(ClientError, match="not of type Float"):
        bench.start(name, Threshold="high")
    with pytest.raises(ClientError, match="not defined in the pipeline"):
        bench.start(name, Colour="red")


def test_models_and_packages_are_made_by_steps(bench: Bench) -> None:
    uri = bench.put("model.tar.gz", b"")
    container = {"Image": IMAGE, "ModelDataUrl": uri}
    group = unique("group")
    register = {
        "Name": "Register",
        "Type": "RegisterModel",
        "Arguments": {
            "ModelPackageGroupName": group,
            "ModelMetrics": {
                "ModelQuality": {"Statistics": {"ContentType": "application/json", "S3Uri": uri}},
                "Bias": {},
            },
            "InferenceSpecification": {
                "Containers": [container],
                "SupportedContentTypes": ["text/csv"],
                "SupportedResponseMIMETypes": ["text/csv"],
            },
            "ModelApprovalStatus": "Approved",
        },
    }
    model = {
        "Name": "Create",
        "Type": "Model",
        "Arguments": {
            "ExecutionRoleArn": ROLE,
            "Containers": [{"ModelPackageName": {"Get": "Steps.Register.ModelPackageArn"}}],
        },
    }
    execution = bench.run_pipeline(definition(register, model))
    steps = bench.steps(execution["PipelineExecutionArn"])
    package = steps["Register"]["Metadata"]["RegisterModel"]["Arn"]
    assert execution["PipelineExecutionStatus"] == "Succeeded", steps
    described = bench.sagemaker.describe_model_package(ModelPackageName=package)
    assert described["ModelMetrics"]["ModelQuality"]["Statistics"]["S3Uri"] == uri
    assert described["MetadataProperties"] == {"GeneratedBy": execution["PipelineExecutionArn"]}
    assert described["LastModifiedTime"] >= described["CreationTime"]
    assert "ModelPackageName" not in described
    name = steps["Create"]["Metadata"]["Model"]["Arn"].rpartition("/")[2]
    assert name.startswith("pipelines-")


def test_a_step_that_fails_says_why_on_the_event_bus(local_aws: LocalAws, bench: Bench) -> None:
    queue = EventQueue(local_aws, "SageMaker Model Building Pipeline Execution Step Status Change")
    arn = bench.run_pipeline(definition(fail("A", "not good enough")))["PipelineExecutionArn"]
    found = queue.details(("pipelineExecutionArn", arn), lambda detail: detail["currentStepStatus"] == "Failed")
    assert "not good enough" in found[-1]["failureReason"]


def test_an_execution_announces_itself_on_the_event_bus(local_aws: LocalAws, bench: Bench) -> None:
    queue = EventQueue(local_aws, "SageMaker Model Building Pipeline Execution Status Change")
    arn = bench.run_pipeline(definition(fail("A", "x")))["PipelineExecutionArn"]
    seen = queue.statuses("currentPipelineExecutionStatus", ("pipelineExecutionArn", arn), last="Failed")
    assert seen == ["Executing", "Failed"]

"""The other steps of version 2's pipelines, and those that are refused by name."""

import io
import json
import zipfile

import boto3
import pytest
from conftest import ROLE, unique
from sagemaker.lambda_helper import Lambda
from sagemaker.workflow import conditions
from sagemaker.workflow.callback_step import CallbackOutput, CallbackOutputTypeEnum, CallbackStep
from sagemaker.workflow.condition_step import ConditionStep
from sagemaker.workflow.emr_step import EMRStep, EMRStepConfig
from sagemaker.workflow.fail_step import FailStep
from sagemaker.workflow.functions import Join
from sagemaker.workflow.lambda_step import LambdaOutput, LambdaOutputTypeEnum, LambdaStep
from sagemaker.workflow.parameters import ParameterBoolean, ParameterFloat, ParameterInteger, ParameterString
from sagemaker.workflow.pipeline import Pipeline
from sagemaker.workflow.pipeline_context import PipelineSession
from test_pipelines import finished, statuses

HANDLER = "def handler(event, context):\n    return {'statusCode': 200, 'sum': event['a'] + 1}\n"


def function_step(name, value):
    """A step that adds one, in a function that exists."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("index.py", HANDLER)
    arn = boto3.client("lambda").create_function(
        FunctionName=unique("function"),
        Runtime="python3.11",
        Role=ROLE,
        Handler="index.handler",
        Code={"ZipFile": content.getvalue()},
    )["FunctionArn"]
    output = LambdaOutput(output_name="sum", output_type=LambdaOutputTypeEnum.Integer)
    return LambdaStep(name, lambda_func=Lambda(function_arn=arn), inputs={"a": value}, outputs=[output])


def test_every_condition_with_a_lambda_steps_output():
    number, word = ParameterInteger("Number", default_value=1), ParameterString("Word", default_value="b")
    yes, half = ParameterBoolean("Yes", default_value=True), ParameterFloat("Half", default_value=0.5)
    add = function_step("Add", number)
    total = add.properties.Outputs["sum"]
    all_true = [
        conditions.ConditionEquals(left=total, right=2),
        conditions.ConditionGreaterThan(left=total, right=1),
        conditions.ConditionGreaterThanOrEqualTo(left=total, right=2),
        conditions.ConditionLessThan(left=half, right=1.0),
        conditions.ConditionLessThanOrEqualTo(left=half, right=0.5),
        conditions.ConditionIn(value=word, in_values=["a", "b"]),
        conditions.ConditionNot(conditions.ConditionEquals(left=yes, right=False)),
        conditions.ConditionOr(
            [conditions.ConditionEquals(left=word, right="z"), conditions.ConditionEquals(left=word, right="b")]
        ),
    ]
    told = FailStep("Told", error_message=Join(" ", ["all true:", total]))
    check = ConditionStep("Check", conditions=all_true, if_steps=[told], else_steps=[])
    pipeline = Pipeline(
        unique("conditions"),
        parameters=[number, word, yes, half],
        steps=[add, check],
        sagemaker_session=PipelineSession(),
    )
    pipeline.upsert(role_arn=ROLE)
    assert finished(pipeline.start())["Told"]["FailureReason"] == "all true: 2"
    steps = finished(pipeline.start(parameters={"Word": "c"}))
    assert statuses(steps) == {"Add": "Succeeded", "Check": "Succeeded"}


def test_a_callback_step_waits_for_its_answer():
    sqs, sagemaker = boto3.client("sqs"), boto3.client("sagemaker")
    queue = sqs.create_queue(QueueName=unique("queue"))["QueueUrl"]
    answer = CallbackOutput(output_name="answer", output_type=CallbackOutputTypeEnum.String)
    ask = CallbackStep("Ask", sqs_queue_url=queue, inputs={"question": "?"}, outputs=[answer])
    told = FailStep("Told", error_message=Join(" ", ["it said", ask.properties.Outputs["answer"]]))
    pipeline = Pipeline(unique("callback"), steps=[ask, told], sagemaker_session=PipelineSession())
    pipeline.upsert(role_arn=ROLE)
    execution = pipeline.start()
    (message,) = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=20)["Messages"]
    body = json.loads(message["Body"])
    assert body["arguments"] == {"question": "?"}
    sagemaker.send_pipeline_execution_step_success(
        CallbackToken=body["token"], OutputParameters=[{"Name": "answer", "Value": "yes"}]
    )
    assert finished(execution)["Told"]["FailureReason"] == "it said yes"


@pytest.mark.parametrize(
    ("step", "kind"),
    [
        (
            lambda: EMRStep("Step", "step", "of EMR", "j-1", EMRStepConfig(jar="s3://bucket/a.jar")),
            "EMR",
        ),
    ],
)
def test_a_step_of_another_service_is_refused_by_name(step, kind):
    pipeline = Pipeline(unique("refused"), steps=[step()], sagemaker_session=PipelineSession())
    with pytest.raises(Exception, match=rf"Step 'Step'.*{kind}"):
        pipeline.create(role_arn=ROLE)


def test_a_pipeline_that_is_too_large_for_a_request_goes_through_s3():
    session = PipelineSession()
    steps = [FailStep(f"Fail{number}", error_message="x" * 3000) for number in range(40)]
    pipeline = Pipeline(unique("large"), steps=steps, sagemaker_session=session)
    pipeline.upsert(role_arn=ROLE)
    assert len(json.loads(pipeline.describe()["PipelineDefinition"])["Steps"]) == 40


def test_what_is_no_service_here_is_refused_by_name(session):
    for operation, request in {
        "create_monitoring_schedule": {
            "MonitoringScheduleName": "a",
            "MonitoringScheduleConfig": {"MonitoringJobDefinitionName": "b", "MonitoringType": "DataQuality"},
        },
        "create_auto_ml_job_v2": {
            "AutoMLJobName": "a",
            "AutoMLJobInputDataConfig": [
                {"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://b"}}}
            ],
            "OutputDataConfig": {"S3OutputPath": "s3://b"},
            "AutoMLProblemTypeConfig": {"TabularJobConfig": {"TargetAttributeName": "y"}},
            "RoleArn": ROLE,
        },
        "create_feature_group": {
            "FeatureGroupName": "a",
            "RecordIdentifierFeatureName": "id",
            "EventTimeFeatureName": "time",
            "FeatureDefinitions": [{"FeatureName": "id", "FeatureType": "String"}],
        },
    }.items():
        with pytest.raises(Exception, match=r"UnsupportedOperation.*not supported"):
            getattr(session.sagemaker_client, operation)(**request)

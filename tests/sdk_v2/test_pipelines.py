"""Pipelines as AWS's project templates for version 2 write them: all steps, properties, caching, selection."""

import json

import pytest
from conftest import CODE, IMAGE, ROLE, estimator, unique
from sagemaker.inputs import CreateModelInput, TrainingInput, TransformInput
from sagemaker.model import Model
from sagemaker.model_metrics import MetricsSource, ModelMetrics
from sagemaker.processing import ProcessingInput, ProcessingOutput
from sagemaker.sklearn import SKLearnModel, SKLearnProcessor
from sagemaker.transformer import Transformer
from sagemaker.tuner import ContinuousParameter, HyperparameterTuner
from sagemaker.workflow.condition_step import ConditionStep
from sagemaker.workflow.conditions import ConditionLessThanOrEqualTo
from sagemaker.workflow.execution_variables import ExecutionVariables
from sagemaker.workflow.fail_step import FailStep
from sagemaker.workflow.functions import Join, JsonGet
from sagemaker.workflow.model_step import ModelStep
from sagemaker.workflow.parallelism_config import ParallelismConfiguration
from sagemaker.workflow.parameters import ParameterFloat, ParameterInteger, ParameterString
from sagemaker.workflow.pipeline import Pipeline
from sagemaker.workflow.pipeline_context import PipelineSession
from sagemaker.workflow.properties import PropertyFile
from sagemaker.workflow.retry import (
    SageMakerJobExceptionTypeEnum,
    SageMakerJobStepRetryPolicy,
    StepExceptionTypeEnum,
    StepRetryPolicy,
)
from sagemaker.workflow.selective_execution_config import SelectiveExecutionConfig
from sagemaker.workflow.step_collections import CreateModelStep, RegisterModel
from sagemaker.workflow.steps import CacheConfig, ProcessingStep, TrainingStep, TransformStep, TuningStep

SIZE = {"role": ROLE, "instance_type": "ml.m5.large", "instance_count": 1}
TYPES = {
    "content_types": ["text/csv"],
    "response_types": ["text/csv"],
    "inference_instances": ["ml.m5.large"],
    "transform_instances": ["ml.m5.large"],
}


@pytest.fixture(scope="session")
def pipeline_session():
    return PipelineSession()


def finished(execution):
    """The steps of an execution that has ended, by name."""
    try:
        execution.wait(delay=0.5, max_attempts=400)
    except Exception as error:  # that it failed is for the test to judge
        assert "Waiter PipelineExecutionComplete failed" in str(error)
    return {step["StepName"]: step for step in execution.list_steps()}


def statuses(steps):
    """What became of each step; of those that failed, why."""
    return {name: step.get("FailureReason") or step["StepStatus"] for name, step in steps.items()}


def prepare_step(session, source, report, name="Prepare", **options):
    """Preprocess, with a report that a condition reads."""
    processor = SKLearnProcessor(framework_version="1.2-1", sagemaker_session=session, **SIZE)
    arguments = processor.run(
        code=str(CODE / "preprocess.py"),
        arguments=["--mse", "0.5"],
        inputs=[ProcessingInput(source=source, destination="/opt/ml/processing/input")],
        outputs=[
            ProcessingOutput(output_name="train", source="/opt/ml/processing/train"),
            ProcessingOutput(
                output_name="eval",
                source="/opt/ml/processing/eval",
                destination=Join("/", [f"s3://{session.default_bucket()}", ExecutionVariables.PIPELINE_EXECUTION_ID]),
            ),
        ],
    )
    return ProcessingStep(name, step_args=arguments, property_files=[report], **options)


def output_of(step, name):
    """The property that holds where an output went."""
    return step.properties.ProcessingOutputConfig.Outputs[name].S3Output.S3Uri


def test_the_whole_road(pipeline_session, data):
    session, group = pipeline_session, unique("group")
    source = ParameterString("InputData", default_value=data)
    most = ParameterFloat("MostError", default_value=6.0)
    count = ParameterInteger("InstanceCount", default_value=1)
    report = PropertyFile(name="Report", output_name="eval", path="evaluation.json")
    prepare = prepare_step(session, source, report, cache_config=CacheConfig(enable_caching=True, expire_after="1d"))
    retries = [
        StepRetryPolicy([StepExceptionTypeEnum.SERVICE_FAULT, StepExceptionTypeEnum.THROTTLING], max_attempts=2),
        SageMakerJobStepRetryPolicy([SageMakerJobExceptionTypeEnum.CAPACITY_ERROR], expire_after_mins=5),
    ]
    fitted = estimator(session)
    train = TrainingStep(
        "Train",
        step_args=fitted.fit({"train": TrainingInput(output_of(prepare, "train"), content_type="text/csv")}),
        cache_config=CacheConfig(enable_caching=True, expire_after="1d"),
        retry_policies=retries,
    )
    model = SKLearnModel(
        model_data=train.properties.ModelArtifacts.S3ModelArtifacts,
        role=ROLE,
        entry_point="train.py",
        source_dir=str(CODE),
        sagemaker_session=session,
        **IMAGE,
    )
    statistics = Join("/", [output_of(prepare, "eval"), "evaluation.json"])
    metrics = ModelMetrics(model_statistics=MetricsSource("application/json", statistics))
    register = ModelStep(
        "Register",
        step_args=model.register(
            model_package_group_name=group, approval_status="Approved", model_metrics=metrics, **TYPES
        ),
    )
    create = ModelStep("Create", step_args=model.create(instance_type="ml.m5.large"))
    scored = f"s3://{session.default_bucket()}/{group}/scored"
    rows = session.upload_string_as_file_body("1\n2\n", session.default_bucket(), f"{group}/in/x.csv")
    transformer = Transformer(
        model_name=create.properties.ModelName,
        instance_type="ml.m5.large",
        instance_count=count,
        output_path=scored,
        accept="text/csv",
        assemble_with="Line",
        sagemaker_session=session,
    )
    score = TransformStep("Score", step_args=transformer.transform(rows, content_type="text/csv", split_type="Line"))
    value = JsonGet(step_name="Prepare", property_file=report, json_path="regression_metrics.mse.value")
    condition = ConditionStep(
        "Good",
        conditions=[ConditionLessThanOrEqualTo(left=value, right=most)],
        if_steps=[register, create, score],
        else_steps=[FailStep("Bad", error_message=Join(" ", ["error above", most]))],
    )
    pipeline = Pipeline(
        unique("road"), parameters=[source, most, count], steps=[prepare, train, condition], sagemaker_session=session
    )
    pipeline.upsert(role_arn=ROLE, description="first", tags=[{"Key": "team", "Value": "ml"}])
    steps = finished(pipeline.start(execution_display_name="one"))
    assert set(statuses(steps).values()) == {"Succeeded"}, statuses(steps)
    assert {"Register-RegisterModel", "Create-CreateModel", "Score"} <= set(steps)
    lines = session.read_s3_file(session.default_bucket(), f"{group}/scored/x.csv.out").split()
    assert [float(line) for line in lines] == pytest.approx([3.0, 5.0])
    (package,) = session.sagemaker_client.list_model_packages(ModelPackageGroupName=group)["ModelPackageSummaryList"]
    assert package["ModelApprovalStatus"] == "Approved"

    worse = pipeline.start(parameters={"MostError": 0.1}, parallelism_config={"MaxParallelExecutionSteps": 1})
    steps = finished(worse)
    assert steps["Bad"]["FailureReason"] == "error above 0.1"
    assert "CacheHitResult" in steps["Prepare"]
    assert worse.describe()["PipelineExecutionStatus"] == "Failed"
    assert {each["Name"]: each["Value"] for each in worse.list_parameters()["PipelineParameters"]}["MostError"] == "0.1"

    again = finished(
        pipeline.start(
            selective_execution_config=SelectiveExecutionConfig(
                selected_steps=["Train"], source_pipeline_execution_arn=worse.arn
            )
        )
    )
    assert again["Train"]["StepStatus"] == "Succeeded"
    assert len(pipeline.list_executions()["PipelineExecutionSummaries"]) == 3
    assert json.loads(pipeline.describe()["PipelineDefinition"])["Version"] == "2020-12-01"
    pipeline.update(role_arn=ROLE, description="second", parallelism_config=ParallelismConfiguration(2))
    assert pipeline.describe()["PipelineDescription"] == "second"
    pipeline.delete()


def test_steps_in_the_manner_of_older_programs(session, data):
    """Estimators in the steps themselves, RegisterModel and CreateModelStep."""
    group = unique("group")
    train = TrainingStep("Train", estimator=estimator(session), inputs={"train": TrainingInput(data)})
    artifacts = train.properties.ModelArtifacts.S3ModelArtifacts
    model = SKLearnModel(
        model_data=artifacts, role=ROLE, entry_point=str(CODE / "train.py"), sagemaker_session=session, **IMAGE
    )
    create = CreateModelStep("Create", model=model, inputs=CreateModelInput(instance_type="ml.m5.large"))
    register = RegisterModel(
        "Register",
        estimator=estimator(session),
        model_data=artifacts,
        model_package_group_name=group,
        approval_status="PendingManualApproval",
        entry_point="train.py",
        source_dir=str(CODE),
        **TYPES,
    )
    rows = session.upload_string_as_file_body("1\n", session.default_bucket(), f"{group}/in/x.csv")
    score = TransformStep(
        "Score",
        transformer=Transformer(
            create.properties.ModelName,
            1,
            "ml.m5.large",
            output_path=f"s3://{session.default_bucket()}/{group}/out",
            sagemaker_session=session,
        ),
        inputs=TransformInput(data=rows, content_type="text/csv"),
    )
    pipeline = Pipeline(unique("older"), steps=[train, create, register, score], sagemaker_session=session)
    pipeline.create(role_arn=ROLE)
    steps = finished(pipeline.start())
    assert set(statuses(steps).values()) == {"Succeeded"}, statuses(steps)
    assert "Register-RepackModel" in " ".join(steps)


def test_tuning_and_the_best_model_with_the_repack_step(pipeline_session, data):
    session = pipeline_session
    tuner = HyperparameterTuner(
        estimator(session, hyperparameters={}),
        "r2",
        {"alpha": ContinuousParameter(0.0, 1.0)},
        metric_definitions=[{"Name": "r2", "Regex": "r2=(.*?);"}],
        max_jobs=2,
        max_parallel_jobs=2,
    )
    tune = TuningStep("Tune", step_args=tuner.fit({"train": TrainingInput(data)}))
    best = Model(
        image_uri=estimator(session).training_image_uri(),
        model_data=tune.get_top_model_s3_uri(top_k=0, s3_bucket=session.default_bucket()),
        role=ROLE,
        entry_point="train.py",
        source_dir=str(CODE),
        sagemaker_session=session,
    )
    create = ModelStep("Best", step_args=best.create(instance_type="ml.m5.large"))
    pipeline = Pipeline(unique("tuning"), steps=[tune, create], sagemaker_session=session)
    pipeline.upsert(role_arn=ROLE)
    steps = finished(pipeline.start())
    assert set(statuses(steps).values()) == {"Succeeded"}, statuses(steps)
    assert any(name.startswith("Best-RepackModel") for name in steps)

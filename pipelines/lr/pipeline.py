"""From raw CSV files to a registered model.

    Preprocess ─> Train ─> Evaluate ─> CheckQuality ─┬─ R2 >= R2Threshold ─> Register
                                                     └─ otherwise ─────────> QualityTooLow, a Fail step

Every number that a run may want to change is a parameter of the pipeline, not of `get_pipeline`.
"""

from pathlib import Path
from typing import Any

from pipelines import _code, _session
from pipelines.lr import sample_data

_HERE = Path(__file__).parent
_NUMBER = r"([0-9.eE+-]+)"


def get_pipeline(  # noqa: PLR0913 -- the argument names are those of AWS's project template
    region: str,
    role: str | None = None,
    default_bucket: str | None = None,
    *,
    model_package_group_name: str = "LinearRegression",
    pipeline_name: str = "LinearRegression",
    base_job_prefix: str = "LinearRegression",
    image_uri: str | None = None,
    sagemaker_project_name: str | None = None,
    sagemaker_session: Any = None,
) -> Any:
    """Define the pipeline that builds the model, and upload its code.

    Parameters
    ----------
    region : str
        For example `eu-west-1`.
    role : str, optional
        ARN of the execution role; the caller's own by default, as in Studio.
    default_bucket : str, optional
        For code, data and models; the account's `sagemaker-{region}-{account}` by default.
    model_package_group_name : str
        Where versions are registered; made by the first registration.
    pipeline_name : str
    base_job_prefix : str
        What every S3 key of this pipeline begins with.
    image_uri : str, optional
        Container image to train and serve with; AWS's scikit-learn image by default.
    sagemaker_project_name : str, optional
        Prefixes pipeline, group and keys, so that projects of one account keep apart.
    sagemaker_session : PipelineSession, optional

    Returns
    -------
    sagemaker.mlops.workflow.pipeline.Pipeline
        The same code and arguments give the same definition, byte for byte.

    Raises
    ------
    PipelineError
        When no role is given and the caller is not running as one.
    """
    session = sagemaker_session or _session.pipeline_session(region, default_bucket)
    # Only now: the SDK needs a region to be imported.
    from pipelines import _steps  # noqa: PLC0415

    project = _session.project_prefix(sagemaker_project_name)
    settings = _steps.JobSettings(
        s3_client=session.boto_session.client("s3"),
        role=role or _session.execution_role(session.boto_session),
        image_uri=image_uri or _steps.sklearn_image(region),
        bucket=default_bucket or session.default_bucket(),
        prefix=project + base_job_prefix,
    )
    text, integer, number = _steps.ParameterString, _steps.ParameterInteger, _steps.ParameterFloat
    input_data_url = text("InputDataUrl", f"s3://{settings.bucket}/{settings.prefix}/{sample_data.FOLDER}")
    feature_columns = text("FeatureColumns", "bmi")
    target_column = text("TargetColumn", sample_data.TARGET_COLUMN)
    test_rows = integer("TestRows", 20)
    processing_type = text("ProcessingInstanceType", "ml.m5.large")
    processing_count = integer("ProcessingInstanceCount", 1)
    training_type = text("TrainingInstanceType", "ml.m5.large")
    training_count = integer("TrainingInstanceCount", 1)
    learning_rate = number("LearningRate", 0.1)
    max_iterations = integer("MaxIterations", 15001)
    r2_threshold = number("R2Threshold", 0.2)
    approval_status = text(
        "ModelApprovalStatus",
        "PendingManualApproval",
        enum_values=["PendingManualApproval", "Approved", "Rejected"],
    )

    preprocess = _steps.processing_step(
        settings,
        "Preprocess",
        code=_code.read_files(_HERE, "preprocess.py"),
        script="preprocess.py",
        inputs={"data": input_data_url},
        outputs={"train": "/opt/ml/processing/output/train", "test": "/opt/ml/processing/output/test"},
        arguments=[
            *("--feature-columns", feature_columns),
            *("--target-column", target_column),
            *("--test-rows", test_rows.to_string()),
        ],
        instance_type=processing_type,
        instance_count=processing_count,
    )
    train = _steps.training_step(
        settings,
        "Train",
        code={
            **_code.read_files(_HERE, "train.py", "linear_regression.py", "model_file.py", "inference.py"),
            **_code.read_package("dill"),
        },
        script="train.py",
        channels={"train": _steps.output_uri(preprocess, "train")},
        hyperparameters={
            "learning_rate": learning_rate.to_string(),
            "max_iter": max_iterations.to_string(),
            "target_column": target_column,
        },
        metrics={"train:mse": f"train:mse={_NUMBER}", "train:r2": f"train:r2={_NUMBER}"},
        instance_type=training_type,
        instance_count=training_count,
    )
    model_data = train.properties.ModelArtifacts.S3ModelArtifacts
    report = _steps.PropertyFile("EvaluationReport", output_name="evaluation", path="evaluation.json")
    evaluate = _steps.processing_step(
        settings,
        "Evaluate",
        code=_code.read_files(_HERE, "evaluate.py"),  # the model brings its own code
        script="evaluate.py",
        inputs={"model": model_data, "test": _steps.output_uri(preprocess, "test")},
        outputs={"evaluation": "/opt/ml/processing/evaluation"},
        arguments=["--target-column", target_column],
        property_files=[report],
        instance_type=processing_type,
        instance_count=processing_count,
    )
    register = _steps.register_step(
        settings,
        "Register",
        model_data=model_data,
        # train.py packs the code into model.tar.gz, so nothing is repacked here.
        environment={
            "SAGEMAKER_PROGRAM": "inference.py",
            "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code",
        },
        model_package_group_name=project + model_package_group_name,
        approval_status=approval_status,
        content_types=["application/json", "application/jsonlines", "text/csv"],
        evaluation=_steps.Evaluation(
            statistics_uri=_steps.Join(on="/", values=[_steps.output_uri(evaluate, "evaluation"), "evaluation.json"]),
            test_data_uri=_steps.output_uri(preprocess, "test"),
            target_column=target_column,
        ),
    )
    r2 = _steps.JsonGet(step_name=evaluate.name, property_file=report, json_path="regression_metrics.r2.value")
    quality_too_low = _steps.fail_step(
        "QualityTooLow",
        *("R2 on the test set is ", r2, ", below R2Threshold ", r2_threshold.to_string()),
        ": the model was not registered.",
    )
    check_quality = _steps.at_least_step(
        "CheckQuality", value=r2, threshold=r2_threshold, if_steps=[register], else_steps=[quality_too_low]
    )
    return _steps.Pipeline(
        name=project + pipeline_name,
        parameters=[
            input_data_url,
            feature_columns,
            target_column,
            test_rows,
            processing_type,
            processing_count,
            training_type,
            training_count,
            learning_rate,
            max_iterations,
            r2_threshold,
            approval_status,
        ],
        steps=[preprocess, train, evaluate, check_quality],
        sagemaker_session=session,
    )


upload_sample_data = sample_data.upload_training_data

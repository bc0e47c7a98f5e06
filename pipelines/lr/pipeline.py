"""From raw CSV files to a registered model.

    Preprocess ─> Train ─> Evaluate ─> CheckQuality ─┬─ R2 >= R2Threshold ─> Register
                                                     └─ otherwise ─────────> QualityTooLow, a Fail step

Every number that a run may want to change is a parameter of the pipeline, not of `get_pipeline`.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipelines import code, session, steps
from pipelines.lr import sample_data

_HERE = Path(__file__).parent
_NUMBER = r"([0-9.eE+-]+)"
_REPORT = "EvaluationReport"


def get_pipeline(  # noqa: PLR0913 -- the argument names are those of AWS's project template
    region: str,
    role: str | None = None,
    default_bucket: str | None = None,
    *,
    model_package_group_name: str = "LinearRegression",
    pipeline_name: str = "LinearRegression",
    base_job_prefix: str = "LinearRegression",
    image_uri: str | None = None,
    kms_key_arn: str | None = None,
    volume_kms_key_arn: str | None = None,
    network_config: Mapping[str, Any] | None = None,
    max_runtime_in_seconds: int = steps.MAX_RUNTIME_IN_SECONDS,
    commit_id: str | None = None,
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
        What SageMaker calls the pipeline.
    base_job_prefix : str
        What every S3 key of this pipeline begins with.
    image_uri : str, optional
        Container image to train and serve with; AWS's scikit-learn image by default.
    kms_key_arn : str, optional
        KMS key of models and outputs; S3's own key, aws/s3, by default.
    volume_kms_key_arn : str, optional
        KMS key of the jobs' volumes; SageMaker's own key by default.
    network_config : mapping, optional
        The network of the jobs, as in `pipelines.steps.job_settings`; SageMaker's own network by default.
    max_runtime_in_seconds : int
        The default of the parameter MaxRuntimeInSeconds, after which a job has failed.
    commit_id : str, optional
        The commit that this is: what the versions say that built them.
    sagemaker_project_name : str, optional
        Prefixes pipeline, group and keys, so that projects of one account keep apart.
    sagemaker_session : PipelineSession, optional
        Opened for `region` and `default_bucket` by default.

    Returns
    -------
    sagemaker.mlops.workflow.pipeline.Pipeline
        The same code and arguments give the same definition, byte for byte.

    Raises
    ------
    PipelineError
        When no role is given and the caller is not running as one.
    """
    sagemaker_session = sagemaker_session or session.pipeline_session(region, default_bucket)
    project = session.project_prefix(sagemaker_project_name)
    settings = steps.job_settings(
        sagemaker_session,
        project + base_job_prefix,
        role=role,
        default_bucket=default_bucket,
        image_uri=image_uri,
        kms_key_arn=kms_key_arn,
        commit_id=commit_id,
        volume_kms_key_arn=volume_kms_key_arn,
        network_config=network_config,
    )
    parameters = Parameters(settings, max_runtime_in_seconds)
    preprocessed = preprocess(settings, parameters)
    test_data = steps.output_uri(preprocessed, "test")
    trained = train(settings, parameters, steps.output_uri(preprocessed, "train"))
    model_data = trained.properties.ModelArtifacts.S3ModelArtifacts
    evaluated = evaluate(settings, parameters, model_data, test_data)
    evaluation = evaluation_of(parameters, evaluated, test_data)
    registered = register(settings, parameters, project + model_package_group_name, model_data, evaluation)
    return steps.Pipeline(
        name=project + pipeline_name,
        parameters=parameters.every,
        steps=[preprocessed, trained, evaluated, check_quality(parameters, evaluated, registered)],
        sagemaker_session=sagemaker_session,
    )


class Parameters:
    """The parameters of the pipeline with their defaults: every number that a run may want to change.

    Parameters
    ----------
    settings : JobSettings
    max_runtime_in_seconds : int
    """

    def __init__(self, settings: steps.JobSettings, max_runtime_in_seconds: int) -> None:
        text, integer, number = steps.ParameterString, steps.ParameterInteger, steps.ParameterFloat
        self.input_data_url = text("InputDataUrl", f"s3://{settings.bucket}/{settings.prefix}/{sample_data.FOLDER}")
        self.feature_columns = text("FeatureColumns", "bmi")
        self.target_column = text("TargetColumn", sample_data.TARGET_COLUMN)
        self.test_rows = integer("TestRows", 20)
        self.processing_type = text("ProcessingInstanceType", steps.PROCESSING_INSTANCE_TYPE)
        self.processing_count = integer("ProcessingInstanceCount", 1)
        self.training_type = text("TrainingInstanceType", steps.INSTANCE_TYPE)
        self.training_count = integer("TrainingInstanceCount", 1)
        self.max_runtime = integer("MaxRuntimeInSeconds", max_runtime_in_seconds)
        self.learning_rate = number("LearningRate", 0.1)
        self.max_iterations = integer("MaxIterations", 15001)
        self.r2_threshold = number("R2Threshold", 0.2)
        self.approval_status = text(
            "ModelApprovalStatus",
            "PendingManualApproval",
            enum_values=["PendingManualApproval", "Approved", "Rejected"],
        )

    @property
    def every(self) -> list[Any]:
        """All of them, in the order in which they are declared."""
        return list(vars(self).values())


def preprocess(settings: steps.JobSettings, parameters: Parameters) -> Any:
    """Split the raw data into a training and a test set."""
    return steps.processing_step(
        settings,
        "Preprocess",
        code=code.read_files(_HERE, "preprocess.py"),
        script="preprocess.py",
        inputs={"data": parameters.input_data_url},
        outputs={"train": "/opt/ml/processing/output/train", "test": "/opt/ml/processing/output/test"},
        arguments=[
            *("--feature-columns", parameters.feature_columns),
            *("--target-column", parameters.target_column),
            *("--test-rows", parameters.test_rows.to_string()),
        ],
        instance_type=parameters.processing_type,
        instance_count=parameters.processing_count,
        max_runtime_in_seconds=parameters.max_runtime,
    )


def train(settings: steps.JobSettings, parameters: Parameters, training_data: Any) -> Any:
    """Train the model; its code goes into model.tar.gz with it."""
    return steps.training_step(
        settings,
        "Train",
        code={
            **code.read_files(
                _HERE, "train.py", "linear_regression.py", "model_file.py", "inference.py", "refusals.py"
            ),
            **code.read_package("dill"),
        },
        script="train.py",
        channels={"train": training_data},
        hyperparameters={
            "learning_rate": parameters.learning_rate.to_string(),
            "max_iter": parameters.max_iterations.to_string(),
            "target_column": parameters.target_column,
        },
        metrics={"train:mse": f"train:mse={_NUMBER}", "train:r2": f"train:r2={_NUMBER}"},
        instance_type=parameters.training_type,
        instance_count=parameters.training_count,
        max_runtime_in_seconds=parameters.max_runtime,
    )


def evaluate(settings: steps.JobSettings, parameters: Parameters, model_data: Any, test_data: Any) -> Any:
    """Test the model; whether it is registered depends on the report."""
    return steps.processing_step(
        settings,
        "Evaluate",
        code=code.read_files(_HERE, "evaluate.py"),  # the model brings its own code
        script="evaluate.py",
        inputs={"model": model_data, "test": test_data},
        outputs={"evaluation": "/opt/ml/processing/evaluation"},
        arguments=["--target-column", parameters.target_column],
        property_files=[steps.PropertyFile(_REPORT, output_name="evaluation", path="evaluation.json")],
        instance_type=parameters.processing_type,
        instance_count=parameters.processing_count,
        max_runtime_in_seconds=parameters.max_runtime,
    )


def register(
    settings: steps.JobSettings,
    parameters: Parameters,
    model_package_group_name: str,
    model_data: Any,
    evaluation: steps.Evaluation,
) -> Any:
    """Register the model as a version of its group."""
    return steps.register_step(
        settings,
        "Register",
        model_data=model_data,
        # train.py packs the code into model.tar.gz, so nothing is repacked here.
        environment={
            "SAGEMAKER_PROGRAM": "inference.py",
            "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code",
        },
        model_package_group_name=model_package_group_name,
        approval_status=parameters.approval_status,
        content_types=["application/json", "application/jsonlines", "text/csv"],
        evaluation=evaluation,
    )


def evaluation_of(parameters: Parameters, evaluated: Any, test_data: Any) -> steps.Evaluation:
    """Return how the model was tested: where the report of the step Evaluate is, and with which records."""
    report = steps.Join(on="/", values=[steps.output_uri(evaluated, "evaluation"), "evaluation.json"])
    return steps.Evaluation(statistics_uri=report, test_data_uri=test_data, target_column=parameters.target_column)


def check_quality(parameters: Parameters, evaluated: Any, if_good: Any) -> Any:
    """Go on with a step if R2 on the test set is good enough; end the execution as failed, with the reason, if not."""
    r2 = steps.JsonGet(step_name=evaluated.name, property_file=_REPORT, json_path="regression_metrics.r2.value")
    quality_too_low = steps.fail_step(
        "QualityTooLow",
        # A message may hold parameters; of what is in a report AWS's guide does not say it.
        *("R2 on the test set is below R2Threshold ", parameters.r2_threshold.to_string()),
        f": the model was not registered. The figures are in evaluation.json, which the step {evaluated.name} wrote.",
    )
    return steps.at_least_step(
        "CheckQuality", value=r2, threshold=parameters.r2_threshold, if_steps=[if_good], else_steps=[quality_too_low]
    )


upload_sample_data = sample_data.upload_training_data

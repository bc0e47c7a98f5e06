"""From raw CSV files to a registered model.

    Preprocess ─> Train ─> Evaluate ─> CheckQuality ─┬─ R2 >= R2Threshold ─> Register
                                                     └─ otherwise ─────────> QualityTooLow, a Fail step

Every number that a run may want to change is a parameter of the pipeline, not of `get_pipeline`. `pipelines.lr.steps`
has them, and says what each step does.
"""

from typing import Any

from pipelines import _session
from pipelines.lr import sample_data


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
    session = sagemaker_session or _session.pipeline_session(region, default_bucket)
    # Only now: the SDK needs a region to be imported.
    from pipelines import _steps  # noqa: PLC0415
    from pipelines.lr import steps  # noqa: PLC0415

    project = _session.project_prefix(sagemaker_project_name)
    settings = _steps.JobSettings(
        s3_client=session.boto_session.client("s3"),
        role=role or _session.execution_role(session.boto_session),
        image_uri=image_uri or _steps.sklearn_image(region),
        bucket=default_bucket or session.default_bucket(),
        prefix=project + base_job_prefix,
        kms_key_arn=kms_key_arn,
    )
    parameters = steps.Parameters(settings)
    preprocess = steps.preprocess(settings, parameters)
    train = steps.train(settings, parameters, _steps.output_uri(preprocess, "train"))
    model_data, test_data = train.properties.ModelArtifacts.S3ModelArtifacts, _steps.output_uri(preprocess, "test")
    evaluate = steps.evaluate(settings, parameters, model_data, test_data)
    evaluation = steps.evaluation_of(parameters, evaluate, test_data)
    register = steps.register(settings, parameters, project + model_package_group_name, model_data, evaluation)
    return _steps.Pipeline(
        name=project + pipeline_name,
        parameters=parameters.every,
        steps=[preprocess, train, evaluate, steps.check_quality(parameters, evaluate, register)],
        sagemaker_session=session,
    )


upload_sample_data = sample_data.upload_training_data

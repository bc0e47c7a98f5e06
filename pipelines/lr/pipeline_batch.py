"""Predictions for every file of a folder, by the latest approved model.

    CreateModel (from a model package) ─> Transform (InputDataUrl -> OutputDataUrl)

InputDataUrl is a folder, or, where InputDataType says so, a manifest: a JSON list of single files (as a folder
`s3://bucket/day1` would be `day10`, too). A file `a.csv` gives `a.csv.out`, line for line. ContentType says what the
files are, CSV or JSON lines, and the predictions come out as the same.
"""

from typing import Any

from pipelines import _session
from pipelines.errors import NoApprovedModelError
from pipelines.lr import sample_data


def get_pipeline(  # noqa: PLR0913 -- the argument names are those of AWS's project template
    region: str,
    role: str | None = None,
    default_bucket: str | None = None,
    *,
    model_package_group_name: str = "LinearRegression",
    pipeline_name: str = "LinearRegressionBatch",
    base_job_prefix: str = "LinearRegression",
    kms_key_arn: str | None = None,
    sagemaker_project_name: str | None = None,
    sagemaker_session: Any = None,
) -> Any:
    """Define the batch transform pipeline for the model package that is the latest approved one now.

    Parameters
    ----------
    region, role, default_bucket, pipeline_name, base_job_prefix, sagemaker_project_name, sagemaker_session
        As in `pipelines.lr.pipeline.get_pipeline`.
    model_package_group_name : str
        Whose latest approved version is the default of the parameter ModelPackageArn.
    kms_key_arn : str, optional
        KMS key of the predictions; S3's own key, aws/s3, by default.

    Returns
    -------
    sagemaker.mlops.workflow.pipeline.Pipeline

    Raises
    ------
    NoApprovedModelError
        When the group is not there or none of its versions is approved.
    """
    session = sagemaker_session or _session.pipeline_session(region, default_bucket)
    # Only now: the SDK needs a region to be imported.
    from pipelines import _steps  # noqa: PLC0415

    project = _session.project_prefix(sagemaker_project_name)
    bucket = default_bucket or session.default_bucket()
    folder = f"s3://{bucket}/{project}{base_job_prefix}/{sample_data.BATCH_FOLDER}"
    text, group = _steps.ParameterString, project + model_package_group_name
    parameters = [
        model_package_arn := text("ModelPackageArn", latest_approved_model_package(session.sagemaker_client, group)),
        input_data_url := text("InputDataUrl", f"{folder}input/"),
        input_data_type := text("InputDataType", "S3Prefix", enum_values=["S3Prefix", "ManifestFile"]),
        output_data_url := text("OutputDataUrl", f"{folder}output/"),
        content_type := text("ContentType", "text/csv", enum_values=["text/csv", "application/jsonlines"]),
        transform_type := text("TransformInstanceType", "ml.m5.large"),
        transform_count := _steps.ParameterInteger("TransformInstanceCount", 1),
    ]
    create_model = _steps.create_model_step(
        "CreateModel", role=role or _session.execution_role(session.boto_session), model_package_arn=model_package_arn
    )
    transform = _steps.transform_step(
        "Transform",
        model_name=create_model.properties.ModelName,
        input_uri=input_data_url,
        input_type=input_data_type,
        output_uri=output_data_url,
        content_type=content_type,
        instance_type=transform_type,
        instance_count=transform_count,
        kms_key_arn=kms_key_arn,
    )
    return _steps.Pipeline(
        name=project + pipeline_name,
        parameters=parameters,
        steps=[create_model, transform],
        sagemaker_session=session,
    )


def latest_approved_model_package(sagemaker_client: Any, model_package_group_name: str) -> str:
    """Give the ARN of the newest approved version of a group.

    Raises
    ------
    NoApprovedModelError
    """
    # Filters are applied after paging: a page may be empty and still not be the last.
    pages = sagemaker_client.get_paginator("list_model_packages").paginate(
        ModelPackageGroupName=model_package_group_name,
        ModelApprovalStatus="Approved",
        SortBy="CreationTime",
        SortOrder="Descending",
    )
    why = "none of its versions is approved"
    try:
        for page in pages:
            for package in page["ModelPackageSummaryList"]:
                return str(package["ModelPackageArn"])
    except sagemaker_client.exceptions.ClientError as error:
        # This is how SageMaker says that there is no such group.
        if error.response["Error"]["Code"] != "ValidationException":
            raise
        why = error.response["Error"]["Message"]
    raise NoApprovedModelError(
        f"the model package group {model_package_group_name!r} holds no approved model ({why}). Build one with "
        "`run-pipeline -n pipelines.lr.pipeline`, and approve it with `deploy-model "
        "approve-model`, and the ARN that run-pipeline prints"
    )


upload_sample_data = sample_data.upload_batch_data

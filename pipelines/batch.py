"""Predictions for every file of a folder, by the latest approved model.

    CreateModel (from a model package) ─> Transform (InputDataUrl -> OutputDataUrl)

InputDataUrl is a folder, or, where InputDataType says so, a manifest: a JSON list of single files (as a folder
`s3://bucket/day1` would be `day10`, too). A file `a.csv` gives `a.csv.out`, line for line. ContentType says what the
files are, CSV or JSON lines, and the predictions come out as the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from model_road import model_packages
from pipelines import session, steps


@dataclass(frozen=True)
class Batch:
    """The batch pipeline of a model: all that it knows of the model is its name.

    Attributes
    ----------
    name : str
        Of the group of its versions and of the folder in S3, unless a project names them.
    """

    name: str

    def get_pipeline(  # noqa: PLR0913 -- the argument names are those of AWS's project template
        self,
        region: str,
        role: str | None = None,
        default_bucket: str | None = None,
        *,
        model_package_group_name: str | None = None,
        pipeline_name: str | None = None,
        base_job_prefix: str | None = None,
        kms_key_arn: str | None = None,
        volume_kms_key_arn: str | None = None,
        network_config: Mapping[str, Any] | None = None,
        sagemaker_project_name: str | None = None,
        sagemaker_session: Any = None,
    ) -> Any:
        """Define the batch transform pipeline for the model package that is the latest approved one now.

        Parameters
        ----------
        region, role, default_bucket, pipeline_name, base_job_prefix, sagemaker_project_name, sagemaker_session
            As in `pipelines.road.Road.get_pipeline`; the pipeline is called `<name>Batch` by default.
        model_package_group_name : str, optional
            Whose latest approved version is the default of the parameter ModelPackageArn.
        kms_key_arn : str, optional
            KMS key of the predictions; S3's own key, aws/s3, by default.
        volume_kms_key_arn : str, optional
            KMS key of the jobs' volumes; SageMaker's own key by default.
        network_config : mapping, optional
            The network of the model, as in `pipelines.steps.job_settings`; SageMaker's own network by default.

        Returns
        -------
        sagemaker.mlops.workflow.pipeline.Pipeline

        Raises
        ------
        NoModelError
            When the group is not there or none of its versions is approved.
        """
        sagemaker_session = sagemaker_session or session.pipeline_session(region, default_bucket)
        project = session.project_prefix(sagemaker_project_name)
        bucket = default_bucket or sagemaker_session.default_bucket()
        folder = f"s3://{bucket}/{project}{base_job_prefix or self.name}/batch/"
        text, group = steps.ParameterString, project + (model_package_group_name or self.name)
        parameters = [
            model_package_arn := text(
                "ModelPackageArn", model_packages.latest_approved(sagemaker_session.sagemaker_client, group)
            ),
            input_data_url := text("InputDataUrl", f"{folder}input/"),
            input_data_type := text("InputDataType", "S3Prefix", enum_values=["S3Prefix", "ManifestFile"]),
            output_data_url := text("OutputDataUrl", f"{folder}output/"),
            content_type := text("ContentType", "text/csv", enum_values=["text/csv", "application/jsonlines"]),
            transform_type := text("TransformInstanceType", steps.INSTANCE_TYPE),
            transform_count := steps.ParameterInteger("TransformInstanceCount", 1),
        ]
        create_model = steps.create_model_step(
            "CreateModel",
            role=role or session.execution_role(sagemaker_session.boto_session),
            model_package_arn=model_package_arn,
            network_config=network_config,
        )
        transform = steps.transform_step(
            "Transform",
            model_name=create_model.properties.ModelName,
            input_uri=input_data_url,
            input_type=input_data_type,
            output_uri=output_data_url,
            content_type=content_type,
            instance_type=transform_type,
            instance_count=transform_count,
            kms_key_arn=kms_key_arn,
            volume_kms_key_arn=volume_kms_key_arn,
        )
        return steps.Pipeline(
            name=project + (pipeline_name or f"{self.name}Batch"),
            parameters=parameters,
            steps=[create_model, transform],
            sagemaker_session=sagemaker_session,
        )

"""The steps of a pipeline, a builder for each: with `pipelines._request_step` the only file that knows the SDK's steps.

A builder states the request that SageMaker will get, in the API's own words, and the SDK makes the definition of it
(`pipelines._request_step`). The SDK's job classes (`Processor`, `ModelTrainer`, `ModelBuilder`, `Transformer`) are left
out: they are made to start jobs, so they put the clock into S3 keys, run a training script through a shell, upload a
folder instead of a list of files, and spend seconds on looking up defaults, while two of the requests needed here
cannot be stated with them at all (a training job with an entry point, a model from a model package).
What that buys:

- the same code and parameters give the same bytes, so a step that has been run is found in the cache;
- the code of a step is a content-addressed input (`pipelines._code`), mounted like data, and the container's
  entry point runs it directly: a hyperparameter with a quote, `$()` or a new line arrives as it is;
- a definition is made in milliseconds, and making it calls nothing but S3, for the code.

A step of the SDK's own works beside these in the same pipeline. Everywhere, a value may be a pipeline
variable: a parameter, or a property of an earlier step.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sagemaker.core import image_uris
from sagemaker.core.workflow.conditions import ConditionGreaterThanOrEqualTo
from sagemaker.core.workflow.execution_variables import ExecutionVariables
from sagemaker.core.workflow.functions import Join, JsonGet
from sagemaker.core.workflow.parameters import ParameterFloat, ParameterInteger, ParameterString
from sagemaker.core.workflow.properties import PropertyFile
from sagemaker.mlops.workflow.condition_step import ConditionStep
from sagemaker.mlops.workflow.fail_step import FailStep
from sagemaker.mlops.workflow.pipeline import Pipeline
from sagemaker.mlops.workflow.steps import StepTypeEnum

from pipelines import _code
from pipelines._request_step import (
    RequestStep,
    channel,
    cluster,
    encryption,
    job_retries,
    processing_input,
    processing_output,
    service_retry,
)

__all__ = [
    "Evaluation",
    "JobSettings",
    "Join",
    "JsonGet",
    "ParameterFloat",
    "ParameterInteger",
    "ParameterString",
    "Pipeline",
    "PropertyFile",
    "at_least_step",
    "create_model_step",
    "fail_step",
    "output_uri",
    "processing_step",
    "register_step",
    "sklearn_image",
    "training_step",
    "transform_step",
]

STOPPING_CONDITION = {"MaxRuntimeInSeconds": 3600}
# A log line is worth most while the job runs.
ENVIRONMENT = {"PYTHONUNBUFFERED": "1"}


@dataclass(frozen=True)
class JobSettings:
    """What the jobs of one pipeline share.

    Attributes
    ----------
    s3_client : boto3 S3 client
        Uploads the code.
    role : str
        ARN of the execution role.
    image_uri : str
        Container image of every job and of the registered model.
    bucket, prefix : str
        Code goes to `s3://bucket/prefix/code/`, models to `.../models/`, the rest to `.../<execution id>/`.
    kms_key_arn : str, optional
        KMS key of models and outputs. Without it SageMaker names S3's own key, aws/s3, whatever key the bucket has.
        The jobs' volumes are not given it: an instance type is a parameter, and one with local disks, whose
        hardware encrypts them, is refused together with a key.
    """

    s3_client: Any
    role: str
    image_uri: str
    bucket: str
    prefix: str
    kms_key_arn: str | None = None

    @property
    def folder(self) -> str:
        """Where everything of the pipeline goes."""
        return f"s3://{self.bucket}/{self.prefix}"

    def upload(self, files: Mapping[str, bytes]) -> str:
        """Upload a step's code; give its URI."""
        return _code.upload(self.s3_client, self.bucket, self.prefix, files)


def sklearn_image(region: str) -> str:
    """Give AWS's scikit-learn image. One image trains and serves: a saved model is read as it was written."""
    return str(image_uris.retrieve("sklearn", region, version="1.4-2-py312", instance_type="ml.m5.large"))


def processing_step(  # noqa: PLR0913 -- a processing job has this many parts
    settings: JobSettings,
    name: str,
    *,
    code: Mapping[str, bytes],
    script: str,
    inputs: Mapping[str, Any],
    outputs: Mapping[str, str],
    instance_type: Any,
    instance_count: Any,
    arguments: Sequence[Any] = (),
    property_files: Sequence[Any] = (),
) -> Any:
    """Run a script of `code` as a processing job.

    Parameters
    ----------
    settings : JobSettings
    name : str
        Of the step.
    code : mapping of str to bytes
        Files by name, as `pipelines._code.read_files` gives them.
    script : str
        The file among them that runs.
    inputs : mapping of str to S3 URI
        Each is mounted at `/opt/ml/processing/input/<name>`.
    outputs : mapping of str to str
        Name -> folder in the container; each goes to S3 under execution, step and name.
    instance_type : str
        For example `ml.m5.large`.
    instance_count : int
    arguments : sequence of str
        The script's arguments, at least one, passed one by one.
    property_files : sequence of PropertyFile, optional
        Files of an output that conditions look into.

    Returns
    -------
    Step
        Cached for 30 days: with the same code, inputs and arguments it is not run again.
    """
    mounted = {"code": settings.upload(code), **inputs}
    request = {
        "ProcessingResources": {"ClusterConfig": cluster(instance_type, instance_count)},
        "AppSpecification": {
            "ImageUri": settings.image_uri,
            "ContainerEntrypoint": ["python3", f"/opt/ml/processing/input/code/{script}"],
            "ContainerArguments": list(arguments),
        },
        "RoleArn": settings.role,
        "ProcessingInputs": [processing_input(key, uri) for key, uri in mounted.items()],
        "ProcessingOutputConfig": {
            "Outputs": [processing_output(settings.folder, name, key, path) for key, path in outputs.items()],
            **encryption(settings.kms_key_arn),
        },
        "Environment": ENVIRONMENT,
        "StoppingCondition": STOPPING_CONDITION,
    }
    return RequestStep(
        name,
        StepTypeEnum.PROCESSING,
        request,
        "DescribeProcessingJobResponse",
        retry_policies=job_retries(),
        property_files=property_files,
        cached=True,
    )


def training_step(  # noqa: PLR0913 -- a training job has this many parts
    settings: JobSettings,
    name: str,
    *,
    code: Mapping[str, bytes],
    script: str,
    channels: Mapping[str, Any],
    hyperparameters: Mapping[str, Any],
    metrics: Mapping[str, str],
    instance_type: Any,
    instance_count: Any,
) -> Any:
    """Run a script of `code` as a training job.

    Parameters
    ----------
    settings : JobSettings
    name : str
        Of the step.
    code : mapping of str to bytes
        Files by name, as `pipelines._code.read_files` gives them.
    script : str
        The file among them that runs.
    channels : mapping of str to S3 URI
        Each is mounted at `/opt/ml/input/data/<name>`.
    hyperparameters : mapping of str to str
        Reach the script through `/opt/ml/input/config/hyperparameters.json`. SageMaker takes strings only:
        give `parameter.to_string()` for a parameter which is a number.
    metrics : mapping of str to str
        Name -> regular expression with one group, applied to each line of the log.
    instance_type : str
        For example `ml.m5.large`.
    instance_count : int

    Returns
    -------
    Step
        Cached for 30 days: with the same code, channels and hyperparameters it is not run again.
    """
    mounted = {"code": settings.upload(code), **channels}
    request = {
        "AlgorithmSpecification": {
            "TrainingImage": settings.image_uri,
            "TrainingInputMode": "File",
            "ContainerEntrypoint": ["python3", f"/opt/ml/input/data/code/{script}"],
            "MetricDefinitions": [{"Name": key, "Regex": regex} for key, regex in metrics.items()],
        },
        "HyperParameters": dict(hyperparameters),
        "InputDataConfig": [channel(key, uri) for key, uri in mounted.items()],
        "OutputDataConfig": {"S3OutputPath": f"{settings.folder}/models", **encryption(settings.kms_key_arn)},
        "ResourceConfig": cluster(instance_type, instance_count),
        "RoleArn": settings.role,
        "Environment": ENVIRONMENT,
        "StoppingCondition": STOPPING_CONDITION,
    }
    return RequestStep(
        name,
        StepTypeEnum.TRAINING,
        request,
        "DescribeTrainingJobResponse",
        retry_policies=job_retries(),
        cached=True,
    )


@dataclass(frozen=True)
class Evaluation:
    """How a model was tested: an endpoint that serves it is tested with the same records.

    Attributes
    ----------
    statistics_uri : S3 URI
        Of the report, a JSON file.
    test_data_uri : S3 URI
        Of the folder of CSV files with the records.
    target_column : str
        The column of those files that is predicted.
    properties : mapping of str to str
        More that the version says of itself: `PositiveLabel` and `ProbabilityThreshold` of a classifier of two classes.
    """

    statistics_uri: Any
    test_data_uri: Any
    target_column: Any
    properties: Mapping[str, Any] = field(default_factory=dict)


def register_step(
    settings: JobSettings,
    name: str,
    *,
    model_data: Any,
    environment: Mapping[str, str],
    model_package_group_name: str,
    approval_status: Any,
    content_types: Sequence[str],
    evaluation: Evaluation,
) -> Any:
    """Register a model artifact as a version of a model package group, its evaluation as its model quality.

    Parameters
    ----------
    settings : JobSettings
    name : str
        Of the step.
    model_data : S3 URI
        Of a model.tar.gz.
    environment : mapping of str to str
        For the serving container.
    model_package_group_name : str
        Made by the first registration.
    approval_status : str
        `PendingManualApproval`, `Approved` or `Rejected`.
    content_types : sequence of str
        MIME types that the model reads and writes.
    evaluation : Evaluation
        What came of testing the model, and with which records.
    """
    container = {"Image": settings.image_uri, "ModelDataUrl": model_data, "Environment": dict(environment)}
    request = {
        "ModelPackageGroupName": model_package_group_name,
        "ModelApprovalStatus": approval_status,
        "InferenceSpecification": {
            "Containers": [container],
            "SupportedContentTypes": list(content_types),
            "SupportedResponseMIMETypes": list(content_types),
            "SupportedRealtimeInferenceInstanceTypes": ["ml.t2.medium", "ml.m5.large", "ml.m5.xlarge"],
            "SupportedTransformInstanceTypes": ["ml.m5.large", "ml.m5.xlarge"],
        },
        "ModelMetrics": {
            "ModelQuality": {"Statistics": {"ContentType": "application/json", "S3Uri": evaluation.statistics_uri}}
        },
        "CustomerMetadataProperties": {
            "PipelineExecutionArn": ExecutionVariables.PIPELINE_EXECUTION_ARN,
            "TestDataUrl": evaluation.test_data_uri,
            "TargetColumn": evaluation.target_column,
            **evaluation.properties,
        },
    }
    return RequestStep(
        name,
        StepTypeEnum.REGISTER_MODEL,
        request,
        "DescribeModelPackageOutput",
        retry_policies=[service_retry()],
    )


def create_model_step(name: str, *, role: str, model_package_arn: Any) -> Any:
    """Create a model from a model package, which says itself where artifact, image and environment are.

    Parameters
    ----------
    name : str
        Of the step.
    role : str
        ARN of the execution role that the model runs as.
    model_package_arn : str
    """
    request = {
        "ExecutionRoleArn": role,
        "Containers": [{"ModelPackageName": model_package_arn}],
    }
    return RequestStep(
        name, StepTypeEnum.CREATE_MODEL, request, "DescribeModelOutput", retry_policies=[service_retry()]
    )


def transform_step(  # noqa: PLR0913 -- a transform job has this many parts
    name: str,
    *,
    model_name: Any,
    input_uri: Any,
    input_type: Any,
    output_uri: Any,
    content_type: Any,
    instance_type: Any,
    instance_count: Any,
    kms_key_arn: str | None = None,
) -> Any:
    """Send every file of `input_uri` through a model in batches of lines; each gives one `.out` file.

    The step is not cached: what lies under a prefix changes while the prefix stays.

    Parameters
    ----------
    name : str
        Of the step.
    model_name : str
        As a step of `create_model_step` has it: `step.properties.ModelName`.
    input_uri : S3 URI
        The beginning of the files' URIs, or that of a list of them.
    input_type : str
        Which of the two it is: `S3Prefix` or `ManifestFile`.
    output_uri : S3 URI
        Of a folder.
    content_type : str
        MIME type of the files and of the predictions.
    instance_type : str
        For example `ml.m5.large`.
    instance_count : int
    kms_key_arn : str, optional
        KMS key of the predictions; S3's own key, aws/s3, by default.
    """
    source = {"S3DataSource": {"S3DataType": input_type, "S3Uri": input_uri}}
    request = {
        "ModelName": model_name,
        "BatchStrategy": "MultiRecord",
        "TransformInput": {"DataSource": source, "ContentType": content_type, "SplitType": "Line"},
        "TransformOutput": {
            "S3OutputPath": output_uri,
            "Accept": content_type,
            "AssembleWith": "Line",
            **encryption(kms_key_arn),
        },
        "TransformResources": {"InstanceType": instance_type, "InstanceCount": instance_count},
    }
    return RequestStep(
        name,
        StepTypeEnum.TRANSFORM,
        request,
        "DescribeTransformJobResponse",
        retry_policies=job_retries(),
    )


def at_least_step(name: str, *, value: Any, threshold: Any, if_steps: Sequence[Any], else_steps: Sequence[Any]) -> Any:
    """Go on with `if_steps` where value >= threshold, with `else_steps` otherwise.

    Parameters
    ----------
    name : str
        Of the step.
    value, threshold : float
    if_steps, else_steps : sequence of Step
    """
    condition = ConditionGreaterThanOrEqualTo(left=value, right=threshold)
    return ConditionStep(name=name, conditions=[condition], if_steps=list(if_steps), else_steps=list(else_steps))


def fail_step(name: str, *message: Any) -> Any:
    """End the execution as failed.

    Parameters
    ----------
    name : str
        Of the step.
    *message : str
        The parts of the message, text or pipeline variables, which are joined as they are.
    """
    return FailStep(name=name, error_message=Join(on="", values=list(message)))


def output_uri(step: Any, name: str) -> Any:
    """Refer to where an output of a processing step went, also if the step's result comes from the cache."""
    return step.properties.ProcessingOutputConfig.Outputs[name].S3Output.S3Uri

"""The steps of a pipeline: a builder for each kind, and the SDK's classes that a definition needs beside them.

A builder states the request that SageMaker will get, in the API's own words, and the SDK turns it into a definition
(`pipelines.request_step`). The SDK's job classes (`Processor`, `ModelTrainer`, `ModelBuilder`, `Transformer`) are not
used: they are made to start jobs, so they put the clock into S3 keys, run a training script through a shell, upload a
folder instead of a list of files, and spend seconds looking up defaults, while two of the requests needed here cannot
be stated with them at all (a training job with an entry point, a model from a model package). The benefits:

- the same code and parameters give the same bytes, so a step that has run before is found in the cache;
- the code of a step is a content-addressed input (`pipelines.code`), mounted like data, and the container's
  entry point runs it directly: a hyperparameter with a quote, `$()` or a newline arrives unchanged;
- a definition is made in milliseconds, with no calls but those to S3 that upload the code.

The SDK's own steps work beside these in the same pipeline. Any value may be a pipeline variable: a parameter, or a
property of an earlier step. Importing this module does not import the SDK (see `pipelines.sdk`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from pipelines import sdk
from pipelines.code import upload
from pipelines.request_parts import (
    channel,
    cluster,
    encryption,
    job_retries,
    network_members,
    processing_input,
    processing_output,
    service_retry,
    transform_cluster,
)
from pipelines.session import execution_role

_SDK_CLASSES = ("Join", "JsonGet", "ParameterFloat", "ParameterInteger", "ParameterString", "Pipeline", "PropertyFile")
_NONE: Mapping[str, Any] = MappingProxyType({})

# A new account's quotas allow processing jobs on ml.t3.medium, large and xlarge alone, and training and transform jobs
# on no type: there the second is the one to ask for. Source: Service Quotas, AWS's defaults for SageMaker, July 2026.
PROCESSING_INSTANCE_TYPE = "ml.t3.medium"
INSTANCE_TYPE = "ml.m5.large"
MAX_RUNTIME_IN_SECONDS = 3600
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
    commit_id : str, optional
        The commit that the pipeline is of; the versions that it registers say so (MetadataProperties), and are deployed
        with that commit's templates.
    volume_kms_key_arn : str, optional
        KMS key of the jobs' volumes; SageMaker's own key by default. An instance type is a parameter, and one with
        local disks, whose hardware encrypts them, is refused together with a key: so the one above is not taken.
    network_config : mapping, optional
        The network of the jobs, as SageMaker's API has it: VpcConfig {Subnets, SecurityGroupIds},
        EnableNetworkIsolation, EnableInterContainerTrafficEncryption; SageMaker's own network by default.
    """

    s3_client: Any
    role: str
    image_uri: str
    bucket: str
    prefix: str
    kms_key_arn: str | None = None
    commit_id: str | None = None
    volume_kms_key_arn: str | None = None
    network_config: Mapping[str, Any] | None = None

    @property
    def folder(self) -> str:
        """Where everything of the pipeline goes."""
        return f"s3://{self.bucket}/{self.prefix}"

    def upload(self, files: Mapping[str, bytes]) -> str:
        """Upload a step's code; return its URI."""
        return upload(self.s3_client, self.bucket, self.prefix, files)


def job_settings(  # noqa: PLR0913 -- jobs have this much in common
    sagemaker_session: Any,
    prefix: str,
    *,
    role: str | None = None,
    default_bucket: str | None = None,
    image_uri: str | None = None,
    kms_key_arn: str | None = None,
    commit_id: str | None = None,
    volume_kms_key_arn: str | None = None,
    network_config: Mapping[str, Any] | None = None,
) -> JobSettings:
    """Return the settings that the jobs of a pipeline share, with defaults for what is not given.

    Parameters
    ----------
    sagemaker_session : PipelineSession
        As `pipelines.session.pipeline_session` returns it.
    prefix : str
        What every S3 key of the pipeline begins with.
    role : str, optional
        ARN of the execution role; the caller's own by default, as in Studio.
    default_bucket : str, optional
        For code, data and models; the session's default bucket by default.
    image_uri : str, optional
        AWS's scikit-learn image by default.
    kms_key_arn : str, optional
        KMS key of models and outputs; S3's own key, aws/s3, by default.
    commit_id : str, optional
        The commit that the pipeline is of: what its versions say that built them.
    volume_kms_key_arn : str, optional
        KMS key of the jobs' volumes; SageMaker's own key by default.
    network_config : mapping, optional
        The network of the jobs, such as ``{"VpcConfig": {"Subnets": [...], "SecurityGroupIds": [...]},
        "EnableNetworkIsolation": True}``; SageMaker's own network by default.

    Raises
    ------
    PipelineError
        When no role is given and the caller is not running as one.
    """
    boto_session = sagemaker_session.boto_session
    return JobSettings(
        s3_client=boto_session.client("s3"),
        role=role or execution_role(boto_session),
        image_uri=image_uri or sklearn_image(boto_session.region_name),
        bucket=default_bucket or sagemaker_session.default_bucket(),
        prefix=prefix,
        kms_key_arn=kms_key_arn,
        commit_id=commit_id,
        volume_kms_key_arn=volume_kms_key_arn,
        network_config=network_config,
    )


def __getattr__(name: str) -> Any:
    """Return one of the SDK's classes; it is imported only now, see `pipelines.sdk`."""
    if name not in _SDK_CLASSES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(sdk, name)


def sklearn_image(region: str) -> str:
    """Return the URI of AWS's scikit-learn image.

    One image trains and serves, so that a saved model is read by the libraries that wrote it.
    """
    return str(sdk.image_uris.retrieve("sklearn", region, version="1.4-2-py312", instance_type=INSTANCE_TYPE))


def processing_step(  # noqa: PLR0913 -- a processing job has this many parts
    settings: JobSettings,
    name: str,
    *,
    code: Mapping[str, bytes],
    script: str,
    inputs: Mapping[str, Any],
    outputs: Mapping[str, str],
    instance_type: Any = PROCESSING_INSTANCE_TYPE,
    instance_count: Any = 1,
    max_runtime_in_seconds: Any = MAX_RUNTIME_IN_SECONDS,
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
        Files by name, as `pipelines.code.read_files` returns them.
    script : str
        The file among them that runs.
    inputs : mapping of str to S3 URI
        Each is mounted at `/opt/ml/processing/input/<name>`.
    outputs : mapping of str to str
        Name -> folder in the container; each goes to S3 under execution, step and name.
    instance_type : str, default="ml.t3.medium"
    instance_count : int, default=1
    max_runtime_in_seconds : int, default=3600
        A job that takes longer is stopped, and has failed.
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
        "ProcessingResources": {
            "ClusterConfig": cluster(instance_type, instance_count, settings.volume_kms_key_arn),
        },
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
        "StoppingCondition": {"MaxRuntimeInSeconds": max_runtime_in_seconds},
        **({"NetworkConfig": dict(settings.network_config)} if settings.network_config else {}),
    }
    return sdk.RequestStep(
        name,
        sdk.StepTypeEnum.PROCESSING,
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
    channels: Mapping[str, Any] = _NONE,
    hyperparameters: Mapping[str, Any] = _NONE,
    metrics: Mapping[str, str] = _NONE,
    instance_type: Any = INSTANCE_TYPE,
    instance_count: Any = 1,
    max_runtime_in_seconds: Any = MAX_RUNTIME_IN_SECONDS,
) -> Any:
    """Run a script of `code` as a training job.

    Parameters
    ----------
    settings : JobSettings
    name : str
        Of the step.
    code : mapping of str to bytes
        Files by name, as `pipelines.code.read_files` returns them.
    script : str
        The file among them that runs.
    channels : mapping of str to S3 URI, optional
        Each is mounted at `/opt/ml/input/data/<name>`.
    hyperparameters : mapping of str to str, optional
        Reach the script through `/opt/ml/input/config/hyperparameters.json`. SageMaker takes strings only:
        pass `parameter.to_string()` for a parameter that is a number.
    metrics : mapping of str to str, optional
        Name -> regular expression with one group, applied to each line of the log.
    instance_type : str, default="ml.m5.large"
    instance_count : int, default=1
    max_runtime_in_seconds : int, default=3600
        A job that takes longer is stopped, and has failed.

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
        "ResourceConfig": cluster(instance_type, instance_count, settings.volume_kms_key_arn),
        "RoleArn": settings.role,
        "Environment": ENVIRONMENT,
        "StoppingCondition": {"MaxRuntimeInSeconds": max_runtime_in_seconds},
        **network_members(settings.network_config, "CreateTrainingJob"),
    }
    return sdk.RequestStep(
        name,
        sdk.StepTypeEnum.TRAINING,
        request,
        "DescribeTrainingJobResponse",
        retry_policies=job_retries(),
        cached=True,
    )


@dataclass(frozen=True)
class Evaluation:
    """How a model was tested; an endpoint that serves it is tested with the same records.

    Attributes
    ----------
    statistics_uri : S3 URI
        Of the report, a JSON file.
    test_data_uri : S3 URI
        Of the folder of CSV files with the records.
    target_column : str
        The column of those files that is predicted.
    properties : mapping of str to str
        Further properties of the version: `PositiveLabel` and `ProbabilityThreshold` of a classifier of two classes.
    """

    statistics_uri: Any
    test_data_uri: Any
    target_column: Any
    properties: Mapping[str, Any] = field(default_factory=dict)


# AWS's scikit-learn and XGBoost images run `pip install .` on the model's code when they start (sagemaker-containers
# 2.8.6, `_modules.install`). It builds in isolation, for which pip fetches setuptools from PyPI: without a way there
# the endpoint never starts. With this pip takes the image's own. (A variable for an option `--no-...` says what the
# option sets: 0 is no isolation.)
_OFFLINE_START = {"PIP_NO_BUILD_ISOLATION": "0"}


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
        For the serving container, beside PIP_NO_BUILD_ISOLATION.
    model_package_group_name : str
        Made by the first registration.
    approval_status : str
        `PendingManualApproval`, `Approved` or `Rejected`.
    content_types : sequence of str
        MIME types that the model reads and writes.
    evaluation : Evaluation
        The result of testing the model, and with which records.
    """
    container = {
        "Image": settings.image_uri,
        "ModelDataUrl": model_data,
        "Environment": {**_OFFLINE_START, **environment},
    }
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
            "PipelineExecutionArn": sdk.ExecutionVariables.PIPELINE_EXECUTION_ARN,
            "TestDataUrl": evaluation.test_data_uri,
            "TargetColumn": evaluation.target_column,
            **evaluation.properties,
        },
        **({"MetadataProperties": {"CommitId": settings.commit_id}} if settings.commit_id else {}),
    }
    return sdk.RequestStep(
        name,
        sdk.StepTypeEnum.REGISTER_MODEL,
        request,
        "DescribeModelPackageOutput",
        retry_policies=[service_retry()],
    )


def create_model_step(
    name: str, *, role: str, model_package_arn: Any, network_config: Mapping[str, Any] | None = None
) -> Any:
    """Create a model from a model package, which says itself where artifact, image and environment are.

    Parameters
    ----------
    name : str
        Of the step.
    role : str
        ARN of the execution role that the model runs as.
    model_package_arn : str
    network_config : mapping, optional
        The network of the model, as in `job_settings`.
    """
    request = {
        "ExecutionRoleArn": role,
        "Containers": [{"ModelPackageName": model_package_arn}],
        **network_members(network_config, "CreateModel"),
    }
    return sdk.RequestStep(
        name, sdk.StepTypeEnum.CREATE_MODEL, request, "DescribeModelOutput", retry_policies=[service_retry()]
    )


def transform_step(  # noqa: PLR0913 -- a transform job has this many parts
    name: str,
    *,
    model_name: Any,
    input_uri: Any,
    input_type: Any,
    output_uri: Any,
    content_type: Any,
    instance_type: Any = INSTANCE_TYPE,
    instance_count: Any = 1,
    kms_key_arn: str | None = None,
    volume_kms_key_arn: str | None = None,
) -> Any:
    """Send every file of `input_uri` through a model in batches of lines; each becomes one `.out` file.

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
    instance_type : str, default="ml.m5.large"
    instance_count : int, default=1
    kms_key_arn : str, optional
        KMS key of the predictions; S3's own key, aws/s3, by default.
    volume_kms_key_arn : str, optional
        KMS key of the job's volumes; SageMaker's own key by default.
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
        "TransformResources": transform_cluster(instance_type, instance_count, volume_kms_key_arn),
    }
    return sdk.RequestStep(
        name,
        sdk.StepTypeEnum.TRANSFORM,
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
    condition = sdk.ConditionGreaterThanOrEqualTo(left=value, right=threshold)
    return sdk.ConditionStep(name=name, conditions=[condition], if_steps=list(if_steps), else_steps=list(else_steps))


def fail_step(name: str, *message: Any) -> Any:
    """End the execution as failed.

    Parameters
    ----------
    name : str
        Of the step.
    *message : str
        The parts of the message, text or pipeline variables, which are joined as they are.
    """
    return sdk.FailStep(name=name, error_message=sdk.Join(on="", values=list(message)))


def output_uri(step: Any, name: str) -> Any:
    """Refer to where an output of a processing step went, also if the step's result comes from the cache."""
    return step.properties.ProcessingOutputConfig.Outputs[name].S3Output.S3Uri

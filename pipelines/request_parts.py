"""The parts that the API requests of several steps have in common."""

from typing import Any

from pipelines import sdk

VOLUME_SIZE_IN_GB = 30


def cluster(instance_type: Any, instance_count: Any) -> dict[str, Any]:
    """Return the instances of a processing or training job."""
    return {
        "InstanceType": instance_type,
        "InstanceCount": instance_count,
        "VolumeSizeInGB": VOLUME_SIZE_IN_GB,
    }


def processing_input(name: str, uri: Any) -> dict[str, Any]:
    """Return an input of a processing job, mounted at `/opt/ml/processing/input/<name>`."""
    return {
        "InputName": name,
        "S3Input": {
            "S3Uri": uri,
            "LocalPath": f"/opt/ml/processing/input/{name}",
            "S3DataType": "S3Prefix",
            "S3InputMode": "File",
        },
    }


def processing_output(folder: str, step_name: str, name: str, path: str) -> dict[str, Any]:
    """Return an output of a processing job, stored in the pipeline's folder by execution, step and name."""
    uri = sdk.Join(on="/", values=[folder, sdk.ExecutionVariables.PIPELINE_EXECUTION_ID, step_name, name])
    return {
        "OutputName": name,
        "S3Output": {"S3Uri": uri, "LocalPath": path, "S3UploadMode": "EndOfJob"},
    }


def encryption(kms_key_arn: str | None) -> dict[str, str]:
    """Return the key for what a job writes to S3; left out, SageMaker uses S3's own key, aws/s3."""
    return {"KmsKeyId": kms_key_arn} if kms_key_arn else {}


def channel(name: str, uri: Any) -> dict[str, Any]:
    """Return a channel of a training job, mounted at `/opt/ml/input/data/<name>`."""
    return {
        "ChannelName": name,
        "InputMode": "File",
        "DataSource": {
            "S3DataSource": {
                "S3DataType": "S3Prefix",
                "S3Uri": uri,
                "S3DataDistributionType": "FullyReplicated",
            }
        },
    }


def service_retry() -> Any:
    """Return the policy that retries a request which SageMaker could not take."""
    return sdk.StepRetryPolicy(
        exception_types=[sdk.StepExceptionTypeEnum.SERVICE_FAULT, sdk.StepExceptionTypeEnum.THROTTLING],
        interval_seconds=5,
        backoff_rate=2.0,
        max_attempts=5,
    )


def job_retries() -> list[Any]:
    """Return the policies that also retry a job which found no capacity or failed by SageMaker's fault.

    A quota that other jobs use up is waited for, with the figures of AWS's own example ("Configuring a retry policy"
    in the SageMaker Developer Guide): a minute, twice as long each time, for two hours.
    """
    job_retry = sdk.SageMakerJobStepRetryPolicy(
        exception_types=[
            sdk.SageMakerJobExceptionTypeEnum.CAPACITY_ERROR,
            sdk.SageMakerJobExceptionTypeEnum.INTERNAL_ERROR,
        ],
        interval_seconds=60,
        backoff_rate=2.0,
        max_attempts=5,
    )
    quota_retry = sdk.SageMakerJobStepRetryPolicy(
        exception_types=[sdk.SageMakerJobExceptionTypeEnum.RESOURCE_LIMIT],
        interval_seconds=60,
        backoff_rate=2.0,
        expire_after_mins=120,
    )
    return [service_retry(), quota_retry, job_retry]

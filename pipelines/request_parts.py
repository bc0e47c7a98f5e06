"""The parts that the API requests of several steps have in common."""

from collections.abc import Mapping
from typing import Any

from pipelines import sdk

VOLUME_SIZE_IN_GB = 30


def cluster(instance_type: Any, instance_count: Any, volume_kms_key_arn: str | None) -> dict[str, Any]:
    """Return the instances of a processing or training job."""
    return {
        "InstanceType": instance_type,
        "InstanceCount": instance_count,
        "VolumeSizeInGB": VOLUME_SIZE_IN_GB,
        **_volume_encryption(volume_kms_key_arn),
    }


def transform_cluster(instance_type: Any, instance_count: Any, volume_kms_key_arn: str | None) -> dict[str, Any]:
    """Return the instances of a transform job, whose volumes have the size that SageMaker chooses."""
    return {
        "InstanceType": instance_type,
        "InstanceCount": instance_count,
        **_volume_encryption(volume_kms_key_arn),
    }


def _volume_encryption(kms_key_arn: str | None) -> dict[str, str]:
    return {"VolumeKmsKeyId": kms_key_arn} if kms_key_arn else {}


# Of a processing job's NetworkConfig, what other requests have as members of their own.
_NETWORK_MEMBERS = {
    "CreateTrainingJob": ("EnableInterContainerTrafficEncryption", "EnableNetworkIsolation", "VpcConfig"),
    # A model is one container on each instance, or a chain of them on the same.
    "CreateModel": ("EnableNetworkIsolation", "VpcConfig"),
}


def network_members(network_config: Mapping[str, Any] | None, operation: str) -> dict[str, Any]:
    """Return the members of a request that say what a NetworkConfig says; none without one."""
    given = network_config or {}
    return {name: given[name] for name in _NETWORK_MEMBERS[operation] if name in given}


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

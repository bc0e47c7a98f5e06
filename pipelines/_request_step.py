"""A step that is an API request, and the parts that the requests of several steps have.

`RequestStep` is a step class of the SDK's, so it stands in a pipeline beside the SDK's own.
"""

from collections.abc import Sequence
from typing import Any

from sagemaker.core.workflow.execution_variables import ExecutionVariables
from sagemaker.core.workflow.functions import Join
from sagemaker.core.workflow.properties import Properties
from sagemaker.mlops.workflow.retry import (
    SageMakerJobExceptionTypeEnum,
    SageMakerJobStepRetryPolicy,
    StepExceptionTypeEnum,
    StepRetryPolicy,
)
from sagemaker.mlops.workflow.steps import CacheConfig, ConfigurableRetryStep

VOLUME_SIZE_IN_GB = 30


class RequestStep(ConfigurableRetryStep):  # type: ignore[misc]  # the SDK publishes no types
    """A step whose arguments are the API request that it stands for.

    Parameters
    ----------
    name : str
    step_type : StepTypeEnum
    request : dict
    response_shape : str
        The shape of what Describe answers: later steps may refer to its members.
    retry_policies : list
    property_files : sequence of PropertyFile, optional
    cached : bool, default=False
        Whether a result of the last 30 days is taken where nothing has changed.
    """

    def __init__(
        self,
        name: str,
        step_type: Any,
        request: dict[str, Any],
        response_shape: str,
        *,
        retry_policies: list[Any],
        property_files: Sequence[Any] = (),
        cached: bool = False,
    ) -> None:
        super().__init__(name, step_type, retry_policies=retry_policies)
        self.property_files = list(property_files)
        self._request = request
        self._cached = cached
        self._properties = Properties(step_name=name, step=self, shape_name=response_shape)

    @property
    def arguments(self) -> Any:
        return self._request

    @property
    def properties(self) -> Any:
        return self._properties

    def to_request(self) -> Any:
        request = super().to_request()
        if self._cached:
            request.update(CacheConfig(enable_caching=True, expire_after="P30D").config)
        if self.property_files:
            request["PropertyFiles"] = [file.expr for file in self.property_files]
        return request


def cluster(instance_type: Any, instance_count: Any) -> dict[str, Any]:
    """The machines of a processing or training job."""
    return {
        "InstanceType": instance_type,
        "InstanceCount": instance_count,
        "VolumeSizeInGB": VOLUME_SIZE_IN_GB,
    }


def processing_input(name: str, uri: Any) -> dict[str, Any]:
    """An input of a processing job, mounted at `/opt/ml/processing/input/<name>`."""
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
    """An output of a processing job: it goes below the pipeline's folder, by execution, step and name."""
    uri = Join(on="/", values=[folder, ExecutionVariables.PIPELINE_EXECUTION_ID, step_name, name])
    return {
        "OutputName": name,
        "S3Output": {"S3Uri": uri, "LocalPath": path, "S3UploadMode": "EndOfJob"},
    }


def encryption(kms_key_arn: str | None) -> dict[str, str]:
    """The key of what a job writes to S3; without one nothing is said of it, and SageMaker takes S3's own, aws/s3."""
    return {"KmsKeyId": kms_key_arn} if kms_key_arn else {}


def channel(name: str, uri: Any) -> dict[str, Any]:
    """A channel of a training job, mounted at `/opt/ml/input/data/<name>`."""
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
    """Try again what SageMaker could not take just now."""
    return StepRetryPolicy(
        exception_types=[StepExceptionTypeEnum.SERVICE_FAULT, StepExceptionTypeEnum.THROTTLING],
        interval_seconds=5,
        backoff_rate=2.0,
        max_attempts=5,
    )


def job_retries() -> list[Any]:
    """Try again, too, a job for which there was no capacity, or that SageMaker itself has failed."""
    job_retry = SageMakerJobStepRetryPolicy(
        exception_types=[
            SageMakerJobExceptionTypeEnum.CAPACITY_ERROR,
            SageMakerJobExceptionTypeEnum.INTERNAL_ERROR,
        ],
        interval_seconds=60,
        backoff_rate=2.0,
        max_attempts=5,
    )
    return [service_retry(), job_retry]

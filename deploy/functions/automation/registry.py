"""What the registry and the endpoints say about versions of the model."""

from typing import Any

from botocore.exceptions import ClientError, ParamValidationError

from model_road import model_packages, quality

Document = dict[str, Any]


class UnreadableMetricsError(Exception):
    """The evaluation that a version names is missing, cannot be read, or is not JSON; the message says which."""


def deployed(sagemaker: Any, endpoint_name: str) -> list[str]:
    """Return the model packages that an endpoint serves, in the order of its production variants; [] without one."""
    try:
        config_name = sagemaker.describe_endpoint(EndpointName=endpoint_name).get("EndpointConfigName")
    except ClientError as error:
        # This is how SageMaker says that there is no such endpoint.
        if error.response["Error"]["Code"] != "ValidationException":
            raise
        return []
    return configured(sagemaker, config_name) if config_name else []


def configured(sagemaker: Any, config_name: str) -> list[str]:
    """Return the model packages of an endpoint configuration, its production variants in their order."""
    config = sagemaker.describe_endpoint_config(EndpointConfigName=config_name)
    models = [sagemaker.describe_model(ModelName=variant["ModelName"]) for variant in config["ProductionVariants"]]
    containers = [model.get("PrimaryContainer") or (model.get("Containers") or [{}])[0] for model in models]
    return [container["ModelPackageName"] for container in containers if "ModelPackageName" in container]


def newest_approved(sagemaker: Any, group_name: str) -> str | None:
    """Return the newest approved version of a group, which ModelDeploy takes; None without one."""
    return next(model_packages.arns(sagemaker, group_name, model_packages.APPROVED), None)


def metrics(s3: Any, package: Document) -> dict[str, float]:
    """Return the metrics of a package's evaluation (SageMaker's model-quality report); none when it has no evaluation.

    Raises
    ------
    UnreadableMetricsError
        When to try again would be of no use.
    """
    uri = quality.statistics_uri(package)
    try:
        return quality.package_metrics(s3, package)
    except ClientError as error:
        # S3 that is out of order, or asks to slow down, answers with 500 and 503: the message comes again.
        if error.response["ResponseMetadata"]["HTTPStatusCode"] >= 500:
            raise
        raise UnreadableMetricsError(f"{uri}: {error.response['Error'].get('Message') or error}") from error
    except (ParamValidationError, ValueError) as error:
        # In one line: boto3 words what is wrong with a parameter in several.
        raise UnreadableMetricsError(f"{uri}: {' '.join(str(error).split())}") from error

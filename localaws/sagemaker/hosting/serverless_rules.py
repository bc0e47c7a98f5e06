"""What a serverless endpoint cannot have or become. Source: "Serverless Inference" in the SageMaker Developer Guide."""

from localaws.document import Document
from localaws.sagemaker.aws import SageMakerAws
from localaws.sagemaker.errors import ValidationError
from localaws.sagemaker.hosting.fleet import variants_of
from localaws.sagemaker.jobs.model_server import containers_of
from localaws.storage.store import Store

_ONLY_OF_INSTANCES = (
    "InitialInstanceCount",
    "VolumeSizeInGB",
    "RoutingConfig",
)
_EXCLUDED = ("DataCaptureConfig", "AsyncInferenceConfig", "ShadowProductionVariants", "VpcConfig")
_GIGABYTE = 1024


def check_serverless(store: Store, aws: SageMakerAws, config: Document) -> None:
    """Refuse an EndpointConfig with members in a serverless variant that only instances have.

    Raises
    ------
    ValidationError
    """
    for variant in variants_of(config):
        if "ServerlessConfig" in variant:
            _check_variant(store, aws, config, variant)


def _check_variant(store: Store, aws: SageMakerAws, config: Document, variant: Document) -> None:
    name, serverless = variant["VariantName"], variant["ServerlessConfig"]
    for member in (*(m for m in _ONLY_OF_INSTANCES if m in variant), *(m for m in _EXCLUDED if m in config)):
        raise ValidationError(f"The variant {name} is serverless and cannot have {member}: leave it out")
    if len(config["ProductionVariants"]) > 1:
        raise ValidationError(f"The variant {name} is serverless and must be the only production variant")
    if serverless["MemorySizeInMB"] % _GIGABYTE:
        raise ValidationError(
            f"MemorySizeInMB {serverless['MemorySizeInMB']} of the variant {name} is not a multiple of {_GIGABYTE}"
        )
    provisioned, most = serverless.get("ProvisionedConcurrency", 0), serverless["MaxConcurrency"]
    if provisioned > most:
        raise ValidationError(
            f"ProvisionedConcurrency {provisioned} of the variant {name} exceeds MaxConcurrency {most}"
        )
    if len(containers_of(store, aws.arn("model", variant["ModelName"]))) > 1:
        raise ValidationError(f"The variant {name} is serverless and cannot serve a model of several containers")


def check_update(current: Document, config: Document, request: Document) -> None:
    """Refuse an update that AWS refuses: from instances to serverless, or a rolling update.

    Raises
    ------
    ValidationError
    """
    if not _is_serverless(config):
        return
    if not _is_serverless(current):
        raise ValidationError(
            "An endpoint of instances cannot be updated to a serverless one: create another endpoint for"
            f" {config['EndpointConfigName']}"
        )
    if "RollingUpdatePolicy" in (request.get("DeploymentConfig") or {}):
        raise ValidationError("A serverless endpoint does not support rolling updates: use a BlueGreenUpdatePolicy")


def check_capacity(config: Document, wanted: Document) -> None:
    """Refuse an instance count for a serverless variant.

    Raises
    ------
    ValidationError
    """
    if "DesiredInstanceCount" in wanted and _is_serverless(config):
        raise ValidationError(f"The variant {wanted['VariantName']} is serverless and has no DesiredInstanceCount")


def _is_serverless(config: Document) -> bool:
    return any("ServerlessConfig" in variant for variant in config["ProductionVariants"])

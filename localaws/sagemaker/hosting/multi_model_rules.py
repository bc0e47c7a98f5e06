"""What an endpoint of many models cannot have. Sources: "Multi-model endpoints", "Asynchronous inference", "Serverless
inference" and "Shadow variants" in the SageMaker Developer Guide.
"""

from localaws.document import Document
from localaws.sagemaker.aws import SageMakerAws
from localaws.sagemaker.errors import ValidationError
from localaws.sagemaker.hosting.fleet import variants_of
from localaws.sagemaker.jobs.model_server import containers_of, is_multi_model
from localaws.storage.store import Store

_EXCLUDED = ("AsyncInferenceConfig", "ShadowProductionVariants")


def check_multi_model(store: Store, aws: SageMakerAws, config: Document) -> None:
    """Refuse an EndpointConfig with a model in Mode MultiModel where AWS has none.

    Raises
    ------
    ValidationError
    """
    for variant in variants_of(config):
        if not any(map(is_multi_model, containers_of(store, aws.arn("model", variant["ModelName"])))):
            continue
        found = [member for member in _EXCLUDED if member in config]
        found += ["ServerlessConfig"] if "ServerlessConfig" in variant else []
        if found:
            raise ValidationError(
                f"The variant {variant['VariantName']} has a multi-model container, which an endpoint with"
                f" {found[0]} cannot have"
            )

"""The variant of an endpoint as Application Auto Scaling sees it: a number of instances that can be set."""

import re
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from localaws.api_errors import UnsupportedOperation, ValidationError

NAMESPACE = "sagemaker"
DIMENSION = "sagemaker:variant:DesiredInstanceCount"
_RESOURCE_ID = re.compile(r"endpoint/([^/]+)/variant/([^/]+)")


@dataclass(frozen=True)
class Capacity:
    """The number of instances that a variant has.

    Attributes
    ----------
    status : str
        The endpoint's status; the number can only be changed while it is ``InService``.
    current, desired : int
    least : int
        How few it may have: 0 for an asynchronous endpoint, whose requests wait for an instance.
    """

    status: str
    current: int
    desired: int
    least: int = 1


@dataclass(frozen=True)
class Variant:
    """A variant of an endpoint."""

    endpoint_name: str
    name: str

    @property
    def dimensions(self) -> list[dict[str, str]]:
        """The dimensions of its CloudWatch metrics."""
        return [
            {"Name": "EndpointName", "Value": self.endpoint_name},
            {"Name": "VariantName", "Value": self.name},
        ]


def parse(namespace: str, resource_id: str, dimension: str) -> Variant:
    """Return the variant that a request names.

    Raises
    ------
    UnsupportedOperation
        If it names anything but the instances of an endpoint's variant.
    ValidationError
        If the resource ID is not in the form of a variant's.
    """
    if (namespace, dimension) != (NAMESPACE, DIMENSION):
        raise UnsupportedOperation(f"Local AWS scales {DIMENSION} of {NAMESPACE} only, not {dimension} of {namespace}")
    found = _RESOURCE_ID.fullmatch(resource_id)
    if found is None:
        raise ValidationError(f"Unsupported resource type, resource ID: {resource_id}. Use endpoint/NAME/variant/NAME.")
    return Variant(*found.groups())


def capacity(sagemaker: Any, variant: Variant) -> Capacity:
    """Ask SageMaker for a variant's capacity.

    Raises
    ------
    ValidationError
        If the endpoint or the variant does not exist.
    """
    try:
        endpoint = sagemaker.describe_endpoint(EndpointName=variant.endpoint_name)
    except ClientError as error:
        raise ValidationError(error.response["Error"]["Message"]) from error
    for summary in endpoint.get("ProductionVariants", ()):
        if summary["VariantName"] == variant.name:
            current, desired = summary.get("CurrentInstanceCount", 0), summary.get("DesiredInstanceCount", 0)
            least = 0 if "AsyncInferenceConfig" in endpoint else 1
            return Capacity(endpoint["EndpointStatus"], current, desired, least)
    raise ValidationError(f"The endpoint {variant.endpoint_name} has no variant {variant.name} with instances")


def set_desired(sagemaker: Any, variant: Variant, count: int) -> None:
    """Have SageMaker set a variant's number of instances; a ClientError if it refuses."""
    wanted = [{"VariantName": variant.name, "DesiredInstanceCount": count}]
    sagemaker.update_endpoint_weights_and_capacities(
        EndpointName=variant.endpoint_name, DesiredWeightsAndCapacities=wanted
    )

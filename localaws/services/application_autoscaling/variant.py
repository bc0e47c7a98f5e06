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
    """How many instances a variant has.

    Attributes
    ----------
    status : str
        The endpoint's; only in ``InService`` may the number be changed.
    current, desired : int
    """

    status: str
    current: int
    desired: int


@dataclass(frozen=True)
class Variant:
    """A variant of an endpoint."""

    endpoint_name: str
    name: str

    @property
    def dimensions(self) -> list[dict[str, str]]:
        """Those of its CloudWatch metrics."""
        return [
            {"Name": "EndpointName", "Value": self.endpoint_name},
            {"Name": "VariantName", "Value": self.name},
        ]


def parse(namespace: str, resource_id: str, dimension: str) -> Variant:
    """The variant that a request names.

    Raises
    ------
    UnsupportedOperation
        It names something else than the instances of an endpoint's variant.
    ValidationError
        The resource id has not the form of a variant's.
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
        There is no such endpoint, or it has no such variant.
    """
    try:
        endpoint = sagemaker.describe_endpoint(EndpointName=variant.endpoint_name)
    except ClientError as error:
        raise ValidationError(error.response["Error"]["Message"]) from error
    for summary in endpoint.get("ProductionVariants", ()):
        if summary["VariantName"] == variant.name:
            current, desired = summary.get("CurrentInstanceCount", 0), summary.get("DesiredInstanceCount", 0)
            return Capacity(endpoint["EndpointStatus"], current, desired)
    raise ValidationError(f"The endpoint {variant.endpoint_name} has no variant {variant.name} with instances")


def set_desired(sagemaker: Any, variant: Variant, count: int) -> None:
    """Have SageMaker bring a variant to a number of instances; ClientError when it refuses."""
    wanted = [{"VariantName": variant.name, "DesiredInstanceCount": count}]
    sagemaker.update_endpoint_weights_and_capacities(
        EndpointName=variant.endpoint_name, DesiredWeightsAndCapacities=wanted
    )

"""What UpdateEndpoint refuses of a change from one EndpointConfig to the next.

Sources, in the SageMaker Developer Guide: "Exclusions" of "Deployment guardrails for updating models in production",
and "Update endpoints that use automatic scaling".
"""

from collections.abc import Collection

from localaws.document import Document
from localaws.sagemaker.errors import ValidationError
from localaws.sagemaker.hosting.fleet import variants_of

_SIZES = {"CANARY": ("CanarySize", 1), "LINEAR": ("LinearStepSize", 10)}
_ROLLING = ("MaximumBatchSize", 5)
_LARGEST_PERCENT = 50


def check_steps(deployment: Document) -> None:
    """Refuse a DeploymentConfig whose steps SageMaker does not take.

    Source: botocore's model, which has the sizes in its text only.

    Raises
    ------
    ValidationError
    """
    if {"BlueGreenUpdatePolicy", "RollingUpdatePolicy"} <= set(deployment):
        raise ValidationError("A DeploymentConfig has a BlueGreenUpdatePolicy or a RollingUpdatePolicy, not both")
    if "RollingUpdatePolicy" in deployment:
        _check_size(deployment["RollingUpdatePolicy"], *_ROLLING)
    routing = deployment.get("BlueGreenUpdatePolicy", {}).get("TrafficRoutingConfiguration", {})
    kind = routing.get("Type", "")
    if kind in _SIZES:
        if _SIZES[kind][0] not in routing:
            raise ValidationError(f"The traffic routing type {kind} needs a {_SIZES[kind][0]}")
        _check_size(routing, *_SIZES[kind])


def _check_size(policy: Document, name: str, smallest: int) -> None:
    size = policy[name]
    if size["Type"] == "CAPACITY_PERCENT" and not smallest <= size["Value"] <= _LARGEST_PERCENT:
        raise ValidationError(
            f"{name} is {size['Value']} % of the capacity, not from {smallest} to {_LARGEST_PERCENT} %"
        )


def check_guardrails(current: Document, config: Document, deployment: Document | None) -> None:
    """Refuse a DeploymentConfig for a change that guardrails exclude; without one the change is made all at once.

    Parameters
    ----------
    current, config : dict
        The EndpointConfig in service, and the next one.
    deployment : dict or None
        The DeploymentConfig.

    Raises
    ------
    ValidationError
    """
    if not deployment:
        return
    before, after = _names(current), _names(config)
    if before != after:
        raise ValidationError(
            "A blue/green or rolling deployment needs the same variant names in the old and the new endpoint"
            f" configuration; {current['EndpointConfigName']} has {_listed(before)}, {config['EndpointConfigName']}"
            f" has {_listed(after)}. Update without a DeploymentConfig."
        )
    if "RollingUpdatePolicy" in deployment and len(after) > 1:
        raise ValidationError(
            f"An endpoint of several variants ({_listed(after)}) does not support rolling updates: use a"
            " BlueGreenUpdatePolicy"
        )


def check_scaled(current: Document, config: Document, scaled: Collection[str]) -> None:
    """Refuse to remove an autoscaled variant, or to change its instance type.

    Parameters
    ----------
    current, config : dict
    scaled : collection of str
        The names of the variants that are scalable targets.

    Raises
    ------
    ValidationError
    """
    before, after = _instance_types(current), _instance_types(config)
    names = sorted(name for name in scaled if name in before and before[name] != after.get(name))
    if names:
        raise ValidationError(
            f'The variant(s) "[{", ".join(names)}]" must be deregistered as scalable targets with AWS Auto Scaling'
            " before they can be removed or have their instance type updated."
        )


def _names(config: Document) -> set[str]:
    return {variant["VariantName"] for variant in variants_of(config)}


def _instance_types(config: Document) -> dict[str, str | None]:
    return {variant["VariantName"]: variant.get("InstanceType", "") for variant in config["ProductionVariants"]}


def _listed(names: Collection[str]) -> str:
    return ", ".join(sorted(names))

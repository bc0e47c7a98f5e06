"""Who serves an endpoint's traffic: the fleet in service, the one that replaces it, and the alarms that watch.

During a blue/green deployment DescribeEndpoint tells of both fleets: `ProductionVariants` of the old one,
`PendingDeploymentSummary` of the new one.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError


@dataclass(frozen=True)
class Variant:
    """A production or shadow variant.

    Attributes
    ----------
    weight : float or None
        Its weight among the variants of its fleet.
    instances : int or None
        None for a serverless variant.
    status : str
        What SageMaker says it is doing (`ActivatingTraffic`, `Baking`, ...); empty when nothing.
    """

    name: str
    weight: float | None
    instances: int | None
    status: str


@dataclass(frozen=True)
class Fleet:
    """The variants of one endpoint configuration."""

    config_name: str
    variants: tuple[Variant, ...]
    shadows: tuple[Variant, ...]


@dataclass(frozen=True)
class Traffic:
    """An endpoint at a moment.

    Attributes
    ----------
    coming : Fleet or None
        The fleet of the deployment that is under way.
    alarms : mapping of str to str
        State of each alarm that would roll the deployment back.
    """

    endpoint_name: str
    status: str
    serving: Fleet
    coming: Fleet | None
    alarms: Mapping[str, str]
    failure_reason: str


def read(sagemaker: Any, cloudwatch: Any, endpoint_name: str) -> Traffic | None:
    """Look at an endpoint and its alarms; None when there is no such endpoint."""
    try:
        document = sagemaker.describe_endpoint(EndpointName=endpoint_name)
    except ClientError as error:
        # SageMaker's words for what is missing: Could not find endpoint "...".
        if error.response["Error"]["Code"] != "ValidationException":
            raise
        return None
    names = alarm_names(document)
    found = cloudwatch.describe_alarms(AlarmNames=names) if names else {}
    alarms = [*found.get("MetricAlarms", []), *found.get("CompositeAlarms", [])]
    return summarise(document, {alarm["AlarmName"]: alarm["StateValue"] for alarm in alarms})


def alarm_names(document: Mapping[str, Any]) -> list[str]:
    """List the alarms that would roll the endpoint's deployment back."""
    rollback = document.get("LastDeploymentConfig", {}).get("AutoRollbackConfiguration", {})
    return [alarm["AlarmName"] for alarm in rollback.get("Alarms", [])]


def summarise(document: Mapping[str, Any], alarms: Mapping[str, str]) -> Traffic:
    """Read what DescribeEndpoint answers."""
    pending = document.get("PendingDeploymentSummary")
    return Traffic(
        endpoint_name=document["EndpointName"],
        status=document["EndpointStatus"],
        serving=_fleet(document),
        coming=_fleet(pending) if pending else None,
        alarms=dict(alarms),
        failure_reason=document.get("FailureReason", ""),
    )


def _fleet(document: Mapping[str, Any]) -> Fleet:
    return Fleet(
        config_name=document.get("EndpointConfigName", ""),
        variants=tuple(map(_variant, document.get("ProductionVariants", []))),
        shadows=tuple(map(_variant, document.get("ShadowProductionVariants", []))),
    )


def _variant(document: Mapping[str, Any]) -> Variant:
    serverless = "CurrentServerlessConfig" in document or "DesiredServerlessConfig" in document
    return Variant(
        name=document["VariantName"],
        weight=document.get("CurrentWeight", document.get("DesiredWeight")),
        instances=None if serverless else document.get("CurrentInstanceCount", document.get("DesiredInstanceCount")),
        status=_statuses(document.get("VariantStatus", [])),
    )


def _statuses(states: Iterable[Mapping[str, Any]]) -> str:
    """Return the names of statuses, with the message where SageMaker adds one."""
    return ", ".join(
        f"{state['Status']} ({state['StatusMessage']})" if state.get("StatusMessage") else state["Status"]
        for state in states
    )

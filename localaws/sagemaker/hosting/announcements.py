"""The events of endpoints: each new status, and each stage of a deployment.

In the format of "Events that Amazon SageMaker AI sends to Amazon EventBridge" in the SageMaker Developer Guide, where
an endpoint's status is ``IN_SERVICE``, and ``InService`` in DescribeEndpoint.
"""

from typing import Any

from localaws.document import Document
from localaws.sagemaker.event_formats import event_status, job_detail
from localaws.sagemaker.parts import Parts


def announce(parts: Parts, arn: str, summaries: Document | None = None) -> None:
    """Send an event with the status of an endpoint.

    Parameters
    ----------
    parts : Parts
    arn : str
    summaries : dict, optional
        The members of DescribeEndpoint that describe what is running, if anything is.
    """
    _send(parts, "SageMaker Endpoint State Change", arn, summaries or {})


def announce_deployment(parts: Parts, arn: str, summaries: Document) -> None:
    """Send an event with the stage that a deployment has reached, which is in its summaries: see `announce`."""
    _send(parts, "SageMaker Endpoint Deployment State Change", arn, summaries)


def _send(parts: Parts, detail_type: str, arn: str, summaries: Document) -> None:
    resource = parts.store.by_arn(arn)
    if resource is None:
        return
    status = event_status(resource.document["EndpointStatus"])
    shown = {**job_detail(resource.document), **_in_milliseconds(summaries)}
    detail = {**shown, "EndpointStatus": status, "Tags": parts.store.tags(arn)}
    parts.outbox.event("sagemaker", detail_type, detail, [arn])


def _in_milliseconds(value: Any) -> Any:
    """Return summaries with their times as an event has them."""
    if isinstance(value, list):
        return [_in_milliseconds(item) for item in value]
    if isinstance(value, dict):
        return job_detail({name: _in_milliseconds(item) for name, item in value.items()})
    return value

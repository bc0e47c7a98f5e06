"""The events of endpoints: each new status, and each stage of a deployment.

In the format of "Events that Amazon SageMaker AI sends to Amazon EventBridge" in the SageMaker Developer Guide, where
an endpoint's status is ``IN_SERVICE``, and ``InService`` in DescribeEndpoint.
"""

import time

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


def announce_deployment(parts: Parts, arn: str, summaries: Document, status: str, message: str) -> None:
    """Send an event with the stage that a deployment has reached.

    Parameters
    ----------
    parts : Parts
    arn : str
    summaries : dict
        As for `announce`; the variants of its PendingDeploymentSummary get the status.
    status : str
        A VariantStatus: ``Creating``, ``ActivatingTraffic``, ``Baking`` or ``Deleting``.
    message : str
        A message for the reader of the event.
    """
    now = int(time.time() * 1000)
    stage = {"Status": status, "StatusMessage": message, "StartTime": now}
    pending = summaries.get("PendingDeploymentSummary")
    if pending is not None:
        variants = [{**variant, "VariantStatus": [stage]} for variant in pending["ProductionVariants"]]
        summaries = {
            **summaries,
            "PendingDeploymentSummary": {**pending, "StartTime": now, "ProductionVariants": variants},
        }
    _send(parts, "SageMaker Endpoint Deployment State Change", arn, summaries)


def _send(parts: Parts, detail_type: str, arn: str, summaries: Document) -> None:
    resource = parts.store.by_arn(arn)
    if resource is None:
        return
    status = event_status(resource.document["EndpointStatus"])
    detail = {**job_detail(resource.document), **summaries, "EndpointStatus": status, "Tags": parts.store.tags(arn)}
    parts.outbox.event("sagemaker", detail_type, detail, [arn])

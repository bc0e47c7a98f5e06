"""Scalable targets: which variants are scaled, and between which capacities."""

import time
import uuid

from localaws.api_errors import ValidationError
from localaws.document import Document
from localaws.service.context import Context
from localaws.services.application_autoscaling import variant
from localaws.services.application_autoscaling.errors import ObjectNotFound
from localaws.services.application_autoscaling.listing import page
from localaws.storage.store import Query, Resource

KIND = "application-autoscaling/target"
KEY = ("ServiceNamespace", "ResourceId", "ScalableDimension")
"""The members that identify a target."""
# What AWS creates for itself, and shows of every target of an endpoint (guide: "Service-linked roles for Application
# Auto Scaling").
_SERVICE_ROLE = (
    "aws-service-role/sagemaker.application-autoscaling.amazonaws.com/"
    "AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint"
)
_RUNNING = {
    "DynamicScalingInSuspended": False,
    "DynamicScalingOutSuspended": False,
    "ScheduledScalingSuspended": False,
}


def name_of(document: Document) -> str:
    """Return the name of the target that a document belongs to; in CloudFormation it is the value of Ref."""
    return f"{document['ResourceId']}|{document['ScalableDimension']}|{document['ServiceNamespace']}"


def register(context: Context, request: Document) -> Resource:
    """Create a target, or change the existing one.

    Raises
    ------
    ValidationError
        If a new target lacks a limit, if the limits cross, or if the variant does not exist.
    """
    capacity = variant.capacity(context.aws.client("sagemaker"), variant.parse(*(request[member] for member in KEY)))
    given = {name: value for name, value in request.items() if name not in ("Tags", "SuspendedState")}
    known = find(context, request)
    document = {**(known.document if known else {}), **given}
    if missing := [name for name in ("MinCapacity", "MaxCapacity") if name not in document]:
        raise ValidationError(f"{' and '.join(missing)} must be given when a scalable target is first registered")
    if document["MinCapacity"] < capacity.least:
        raise ValidationError(
            f"A variant has at least {capacity.least} instance, not {document['MinCapacity']}; only one of an"
            " asynchronous endpoint may have none"
        )
    if document["MinCapacity"] > document["MaxCapacity"]:
        raise ValidationError("Maximum capacity cannot be less than minimum capacity")
    suspended = {**_RUNNING, **document.get("SuspendedState", {}), **request.get("SuspendedState", {})}
    document["SuspendedState"] = suspended
    document.setdefault("RoleARN", f"arn:aws:iam::{context.aws.account_id}:role/{_SERVICE_ROLE}")
    if known is None:
        arn = context.arn("application-autoscaling", f"scalable-target/{uuid.uuid4().hex[:22]}")
        document |= {"ScalableTargetARN": arn, "CreationTime": time.time()}
        context.store.add(Resource(KIND, name_of(request), arn, document))
        context.store.tag(arn, request.get("Tags", {}))
    else:
        arn = known.arn
        context.store.change(arn, lambda stored, _: stored.update(document))
    return get(context, request)


def find(context: Context, request: Document) -> Resource | None:
    """Return the target that a request names, or None."""
    found = context.store.every(KIND, name=name_of(request))
    return found[0] if found else None


def get(context: Context, request: Document) -> Resource:
    """Return the target that a request names.

    Raises
    ------
    ObjectNotFound
    """
    found = find(context, request)
    if found is None:
        raise ObjectNotFound(
            f"No scalable target registered for service namespace: {request['ServiceNamespace']}, resource ID: "
            f"{request['ResourceId']}, scalable dimension: {request['ScalableDimension']}"
        )
    return found


def describe(context: Context, request: Document) -> Document:
    """Handle DescribeScalableTargets."""
    ids = request.get("ResourceIds")
    query = Query(KIND, descending=False)

    def wanted(target: Resource) -> bool:
        document = target.document
        chosen = {name: request.get(name) for name in ("ServiceNamespace", "ScalableDimension")}
        matches = all(value in (None, document[name]) for name, value in chosen.items())
        return matches and (not ids or document["ResourceId"] in ids)

    return page(context.store, query, request, "ScalableTargets", wanted)

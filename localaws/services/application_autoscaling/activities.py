"""Scaling activities: what was scaled, why, and with what result; also why a target was not scaled."""

import time
import uuid

from localaws.document import Document
from localaws.service.context import Context
from localaws.services.application_autoscaling.listing import page
from localaws.services.application_autoscaling.targets import KEY
from localaws.storage.store import Query, Resource

KIND = "application-autoscaling/activity"
NOT_SCALED = "NotScaled"
"""The status under which the reasons for not scaling are stored; responses show such an activity as Successful."""


def begin(context: Context, target: Resource, cause: str, count: int) -> Resource:
    """Record that a target is about to be scaled."""
    document = _document(target, f"Setting desired instance count to {count}.", cause) | {"StatusCode": "InProgress"}
    return _add(context, target, document, {"count": count})


def refuse(context: Context, target: Resource, cause: str, reason: Document) -> None:
    """Record why a target was not scaled, unless the last record says the same."""
    latest = _latest(context, target)
    if latest is not None and latest.document.get("NotScaledReasons") == [reason]:
        return
    document = _document(target, f"Attempting to scale due to alarm triggered: {cause}", cause)
    now = time.time()
    document |= {"StatusCode": "Successful", "NotScaledReasons": [reason], "EndTime": now}
    _add(context, target, document, {}, status=NOT_SCALED)


def end(context: Context, activity: Resource, status: str, message: str) -> None:
    """Record how an activity ended."""

    def edit(document: Document, _: Document) -> dict[str, str]:
        document.update(StatusCode=status, StatusMessage=message, EndTime=time.time())
        return {"status": status}

    context.store.change(activity.arn, edit)


def in_progress(context: Context, target: Resource | None = None) -> list[Resource]:
    """Return the activities that have not ended, of one target or of all."""
    found = context.store.every(KIND, status="InProgress")
    return [activity for activity in found if target is None or activity.parent == target.arn]


def describe(context: Context, request: Document) -> Document:
    """Handle DescribeScalingActivities; the newest come first."""
    reasons = bool(request.get("IncludeNotScaledActivities"))

    def wanted(activity: Resource) -> bool:
        named = all(request.get(name) in (None, activity.document[name]) for name in KEY)
        return named and (reasons or activity.status != NOT_SCALED)

    return page(context.store, Query(KIND), request, "ScalingActivities", wanted)


def _latest(context: Context, target: Resource) -> Resource | None:
    found, _ = context.store.page(Query(KIND, {"parent = ?": target.arn}, limit=1))
    return found[0] if found else None


def _document(target: Resource, description: str, cause: str) -> Document:
    own = {name: target.document[name] for name in KEY}
    return {
        "ActivityId": str(uuid.uuid4()),
        **own,
        "Description": description,
        "Cause": cause,
        "StartTime": time.time(),
    }


def _add(
    context: Context, target: Resource, document: Document, internal: Document, status: str = "InProgress"
) -> Resource:
    arn = f"{target.arn}/activity/{document['ActivityId']}"
    activity = Resource(KIND, document["ActivityId"], arn, document, internal, parent=target.arn, status=status)
    context.store.add(activity)
    return activity

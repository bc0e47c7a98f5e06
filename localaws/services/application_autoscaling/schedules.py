"""Scheduled actions: limits of a target that change on a schedule."""

import math
import time

from localaws.api_errors import ValidationError
from localaws.document import Document
from localaws.protocol.schedule import following
from localaws.service.context import Context
from localaws.services.application_autoscaling import targets
from localaws.services.application_autoscaling.errors import ObjectNotFound
from localaws.services.application_autoscaling.listing import page
from localaws.storage.store import Query, Resource

KIND = "application-autoscaling/schedule"


def put(context: Context, request: Document) -> Document:
    """Handle PutScheduledAction.

    Raises
    ------
    ObjectNotFound
        If its target is not registered.
    ValidationError
        If the schedule is invalid.
    """
    target = targets.get(context, request)
    name, now = request["ScheduledActionName"], time.time()
    known = context.store.every(KIND, parent=target.arn, name=name)
    document = {**(known[0].document if known else {"CreationTime": now}), **request}
    if "Schedule" not in document:
        raise ValidationError("A scheduled action needs a Schedule")
    first = max(float(document.get("StartTime") or 0), now)
    due = following(document["Schedule"], document.get("Timezone", "UTC"), first, document["CreationTime"])
    internal = {"due": due}
    if known:

        def edit(stored: Document, hidden: Document) -> None:
            stored.update(document)
            hidden.update(internal)

        context.store.change(known[0].arn, edit)
    else:
        own = f"{request['ServiceNamespace']}/{request['ResourceId']}:scheduledActionName/{name}"
        arn = context.arn("autoscaling", f"scheduledAction:{target.arn.rpartition('/')[2]}:resource/{own}")
        document["ScheduledActionARN"] = arn
        context.store.add(Resource(KIND, name, arn, document, internal, parent=target.arn))
    return {}


def describe(context: Context, request: Document) -> Document:
    """Handle DescribeScheduledActions."""
    names = request.get("ScheduledActionNames")

    def wanted(action: Resource) -> bool:
        named = all(request.get(name) in (None, action.document[name]) for name in targets.KEY)
        return named and (not names or action.name in names)

    return page(context.store, Query(KIND, descending=False), request, "ScheduledActions", wanted)


def delete(context: Context, request: Document) -> None:
    """Handle DeleteScheduledAction.

    Raises
    ------
    ObjectNotFound
    """
    target = targets.get(context, request)
    found = context.store.every(KIND, parent=target.arn, name=request["ScheduledActionName"])
    if not found:
        raise ObjectNotFound(f"No scheduled action found: {request['ScheduledActionName']}")
    context.store.remove(found[0].arn)


def due(context: Context, now: float) -> list[Resource]:
    """Return the actions that are due; each is returned once, then again at its next time."""
    found = [action for action in context.store.every(KIND) if (action.internal["due"] or math.inf) <= now]
    for action in found:
        document = action.document
        end = float(document.get("EndTime") or math.inf)
        after = following(document["Schedule"], document.get("Timezone", "UTC"), now, document["CreationTime"])
        _set_due(context, action, after if after is not None and after <= end else None)
    return found


def _set_due(context: Context, action: Resource, moment: float | None) -> None:
    context.store.change(action.arn, lambda _, hidden: hidden.update(due=moment))

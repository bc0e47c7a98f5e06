"""Scheduled actions: limits of a target that change by the clock.

``at(2026-12-24T18:00:00)``, ``rate(2 hours)`` and ``cron(0 8 ? * MON-FRI *)``: minutes, hours, day of month, month, day
of week (1 is Sunday), year. Source: "Schedule scaling actions using cron expressions", Application Auto Scaling User
Guide.
"""

import math
import re
import time
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from croniter import CroniterError, croniter

from localaws.api_errors import ValidationError
from localaws.services.application_autoscaling import targets
from localaws.services.application_autoscaling.errors import ObjectNotFound
from localaws.services.application_autoscaling.listing import page
from localaws.services.context import Context
from localaws.store import Query, Resource

Document = dict[str, Any]

KIND = "application-autoscaling/schedule"
_EXPRESSION = re.compile(r"(at|rate|cron)\((.+)\)")
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_CRON_FIELDS = 6


def put(context: Context, request: Document) -> Document:
    """PutScheduledAction.

    Raises
    ------
    ObjectNotFound
        Its target is not registered.
    ValidationError
        The schedule is none.
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
    """DescribeScheduledActions."""
    names = request.get("ScheduledActionNames")

    def wanted(action: Resource) -> bool:
        named = all(request.get(name) in (None, action.document[name]) for name in targets.KEY)
        return named and (not names or action.name in names)

    return page(context.store, Query(KIND, descending=False), request, "ScheduledActions", wanted)


def delete(context: Context, request: Document) -> None:
    """DeleteScheduledAction.

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
    """The actions whose time has come; each is told once, and again at its next time."""
    found = [action for action in context.store.every(KIND) if (action.internal["due"] or math.inf) <= now]
    for action in found:
        document = action.document
        end = float(document.get("EndTime") or math.inf)
        after = following(document["Schedule"], document.get("Timezone", "UTC"), now, document["CreationTime"])
        _set_due(context, action, after if after is not None and after <= end else None)
    return found


def _set_due(context: Context, action: Resource, moment: float | None) -> None:
    context.store.change(action.arn, lambda _, hidden: hidden.update(due=moment))


def following(schedule: str, timezone: str, after: float, since: float) -> float | None:
    """The first time of a schedule after a moment, or None when there is none.

    Parameters
    ----------
    schedule : str
    timezone : str
        Of ``at`` and ``cron``, such as ``Europe/Berlin``.
    after, since : float
        Seconds since the epoch; a ``rate`` counts from `since`.

    Raises
    ------
    ValidationError
        It is no schedule.
    """
    found = _EXPRESSION.fullmatch(schedule)
    if found is None:
        raise ValidationError(f"Invalid schedule expression: '{schedule}'. Use at(...), rate(...) or cron(...).")
    try:
        zone = ZoneInfo(timezone)
        if found[1] == "at":
            moment = datetime.fromisoformat(found[2]).replace(tzinfo=zone).timestamp()
            return moment if moment > after else None
        if found[1] == "rate":
            number, _, unit = found[2].partition(" ")
            seconds = timedelta(**{f"{unit.rstrip('s')}s": int(number)}).total_seconds()
            return since + (math.floor((after - since) / seconds) + 1) * seconds
        return croniter(_cron(found[2]), datetime.fromtimestamp(after, zone)).get_next(float)  # type: ignore[no-any-return]
    except (ValueError, KeyError, TypeError, ZeroDivisionError, CroniterError) as error:
        raise ValidationError(f"Invalid schedule expression: '{schedule}' ({error})") from error


def _cron(expression: str) -> str:
    """AWS's six fields as croniter's seven: seconds and year come last there, and its days have names."""
    fields = expression.split()
    if len(fields) != _CRON_FIELDS:
        raise ValueError(f"{len(fields)} fields where there are {_CRON_FIELDS}")
    minute, hour, day, month, weekday, year = fields
    named = re.sub(r"(?<![#/])\b[1-7]\b", lambda number: _DAYS[int(number[0]) - 1], weekday)
    return f"{minute} {hour} {day} {month} {named} 0 {year}".replace("?", "*")

"""When a schedule of EventBridge's Scheduler is due.

Source: "Schedule types in EventBridge Scheduler" and "Managing a schedule" in its User Guide.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from localaws.api_errors import ValidationError
from localaws.protocol.schedule import following

Schedule = Mapping[str, Any]
LAST = "LastInvocation"
"""The member of a schedule that tells when it was due last, in seconds since the epoch."""


def refusal(request: Schedule) -> str | None:
    """Return what is wrong with a request for a schedule; None if nothing is.

    Parameters
    ----------
    request : mapping
        Of CreateSchedule or UpdateSchedule.
    """
    try:
        following(request.get("ScheduleExpression", ""), _zone(request), 0.0, 0.0)
    except ValidationError as error:
        return error.message
    return None


def is_over(schedule: Schedule, now: float) -> bool:
    """Return whether a schedule will never be due again."""
    end = _seconds(schedule.get("EndDate"))
    return (end is not None and now > end) or (_is_single(schedule) and LAST in schedule)


def is_due(schedule: Schedule, now: float) -> bool:
    """Return whether a schedule is due; what it missed while local AWS was stopped is made up for once."""
    start = _seconds(schedule.get("StartDate"))
    if schedule.get("State") != "ENABLED" or is_over(schedule, now) or (start is not None and now < start):
        return False
    created = float(schedule["CreationDate"])
    after = 0.0 if _is_single(schedule) else max(float(schedule.get(LAST, created)), start or 0.0)
    moment = following(schedule["ScheduleExpression"], _zone(schedule), after, created)
    return moment is not None and moment <= now


def _is_single(schedule: Schedule) -> bool:
    return str(schedule["ScheduleExpression"]).startswith("at(")


def _zone(schedule: Schedule) -> str:
    return schedule.get("ScheduleExpressionTimezone") or "UTC"


def _seconds(date: Any) -> float | None:
    """Return a StartDate or EndDate in seconds; templates write it as text."""
    if date is None or isinstance(date, int | float):
        return date
    return datetime.fromisoformat(str(date)).timestamp()

"""When a schedule is due: EventBridge's and Application Auto Scaling's expressions.

``at(2026-12-24T18:00:00)``, ``rate(2 hours)`` and ``cron(0 8 ? * MON-FRI *)``: minutes, hours, day of month, month, day
of week (1 is Sunday), year. Source: "Schedule scaling actions using cron expressions", Application Auto Scaling User
Guide; "Schedule types in EventBridge Scheduler", EventBridge Scheduler User Guide.
"""

import math
import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from croniter import CroniterError, croniter

from localaws.api_errors import ValidationError

_EXPRESSION = re.compile(r"(at|rate|cron)\((.+)\)")
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_CRON_FIELDS = 6


def following(schedule: str, timezone: str, after: float, since: float) -> float | None:
    """Return the first time of a schedule after a given one; None if there is none.

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
        It is not a schedule.
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
    """Return AWS's six fields as croniter's seven: there, seconds and year come last, and days have names."""
    fields = expression.split()
    if len(fields) != _CRON_FIELDS:
        raise ValueError(f"{len(fields)} fields where there are {_CRON_FIELDS}")
    minute, hour, day, month, weekday, year = fields
    named = re.sub(r"(?<![#/])\b[1-7]\b", lambda number: _DAYS[int(number[0]) - 1], weekday)
    return f"{minute} {hour} {day} {month} {named} 0 {year}".replace("?", "*")

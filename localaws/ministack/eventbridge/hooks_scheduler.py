"""EventBridge's Scheduler: schedules in their own time zones, each due once."""

import importlib
import logging
import time
import uuid
from typing import Any

from localaws.ministack.eventbridge import schedules
from localaws.ministack.private import private

logger = logging.getLogger(__name__)

# MiniStack's own 10 s are long for a schedule of one minute that is watched.
_LOOKED_AT_SECONDS = 1


def check_schedules_every_second() -> None:
    """Check schedules every second.

    Hooks ``ministack.services.scheduler._SCHEDULE_TICK_INTERVAL``, and ``...eventbridge._SCHEDULER_TICK_INTERVAL`` for
    rules with a schedule.
    """
    scheduler: Any = importlib.import_module("ministack.services.scheduler")
    events: Any = importlib.import_module("ministack.services.eventbridge")
    private(events.__name__, "_SCHEDULER_TICK_INTERVAL"), private(scheduler.__name__, "_SCHEDULE_TICK_INTERVAL")
    events._SCHEDULER_TICK_INTERVAL = scheduler._SCHEDULE_TICK_INTERVAL = _LOOKED_AT_SECONDS


def apply_schedule_time_zones() -> None:
    """Decide by `localaws.ministack.eventbridge.schedules` when a schedule is due.

    Hook ``ministack.services.scheduler._tick_schedules``, which knows UTC only, and makes an ``at`` due again after
    each start. ``_schedules`` has them by account, region and name; ``...eventbridge._invoke_target`` takes what is
    due, in the account and region that ``ministack.core.responses.request_scope`` sets.
    """
    scheduler: Any = importlib.import_module("ministack.services.scheduler")
    events: Any = importlib.import_module("ministack.services.eventbridge")
    private(scheduler.__name__, "_tick_schedules"), private(events.__name__, "_invoke_target")
    every = private(scheduler.__name__, "_schedules")._data
    in_scope = private("ministack.core.responses", "request_scope")

    def invoke(schedule: dict[str, Any], now: float, account: str, region: str) -> None:
        event = {
            "EventId": str(uuid.uuid4()),
            "Source": "aws.scheduler",
            "DetailType": "Scheduled Event",
            "Detail": "{}",
            "Time": int(now),
            "Resources": [schedule["Arn"]],
            "Account": account,
            "Region": region,
        }
        with in_scope(account, region):
            events._invoke_target(schedule["Target"], event, schedule)

    def look(key: tuple[str, str, str], schedule: dict[str, Any], now: float) -> None:
        if schedules.is_due(schedule, now):
            schedule[schedules.LAST] = now
            invoke(schedule, now, key[0], key[1])
        if schedules.is_over(schedule, now) and schedule.get("ActionAfterCompletion") == "DELETE":
            every.pop(key, None)

    def tick() -> None:
        for key, schedule in list(every.items()):
            try:
                look(key, schedule, time.time())
            except Exception:
                logger.exception("The schedule %s cannot be followed", schedule.get("Name"))

    scheduler._tick_schedules = tick

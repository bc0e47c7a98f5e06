"""Schedules of EventBridge's Scheduler: when they are due, and a real one in another time zone."""

import json
import time
import uuid
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from botocore.exceptions import ClientError

from localaws.ministack.eventbridge.schedules import LAST, is_due, is_over, refusal
from tests.conftest import LocalAws
from tests.localaws.queues import messages, new_queue

ROLE = "arn:aws:iam::000000000000:role/any"

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=ZoneInfo("UTC")).timestamp()
HOUR = 3600.0


def schedule(expression: str, **members: Any) -> dict[str, Any]:
    return {"ScheduleExpression": expression, "State": "ENABLED", "CreationDate": NOON - HOUR, **members}


@pytest.mark.parametrize(
    ("expression", "members", "due"),
    [
        ("rate(1 hour)", {}, True),
        ("rate(1 hour)", {LAST: NOON}, False),
        ("rate(2 hours)", {}, False),
        ("cron(0 12 * * ? *)", {}, True),
        ("cron(0 12 * * ? *)", {LAST: NOON}, False),
        ("cron(0 13 * * ? *)", {"ScheduleExpressionTimezone": "Europe/Berlin"}, True),
        ("cron(0 12 * * ? *)", {"ScheduleExpressionTimezone": "Europe/Berlin"}, False),
        ("at(2026-11-21T12:00:00)", {}, True),
        ("at(2026-11-21T12:00:01)", {}, False),
        ("at(2026-11-21T12:00:00)", {LAST: NOON}, False),
        ("at(2026-11-21T13:00:00)", {"ScheduleExpressionTimezone": "Europe/Berlin"}, True),
        ("rate(1 hour)", {"State": "DISABLED"}, False),
        ("rate(1 hour)", {"StartDate": NOON + 1}, False),
        ("rate(1 hour)", {"EndDate": "2026-11-21T11:59:00Z"}, False),
    ],
)
def test_when_a_schedule_is_due(expression: str, members: dict[str, Any], due: bool) -> None:
    assert is_due(schedule(expression, **members), NOON) is due


def test_a_single_schedule_is_over_when_it_was_due() -> None:
    once = schedule("at(2026-11-21T12:00:00)")
    assert not is_over(once, NOON)
    assert is_over({**once, LAST: NOON}, NOON)
    assert not is_over(schedule("rate(1 hour)", **{LAST: NOON}), NOON)


@pytest.mark.parametrize(
    "members", [{"ScheduleExpressionTimezone": "Mars/Olympus"}, {"ScheduleExpression": "rate(0 days)"}]
)
def test_what_is_no_schedule_is_refused(local_aws: LocalAws, members: dict[str, str]) -> None:
    request = {"ScheduleExpression": "rate(1 day)", **members}
    assert "Invalid schedule expression" in str(refusal(request))
    target = {"Arn": "arn:aws:sqs:us-east-1:000000000000:q", "RoleArn": ROLE}
    with pytest.raises(ClientError, match="Invalid schedule expression"):
        local_aws.client("scheduler").create_schedule(
            Name="none", FlexibleTimeWindow={"Mode": "OFF"}, Target=target, **request
        )


def test_a_schedule_of_another_time_zone_comes_once_and_goes(local_aws: LocalAws) -> None:
    scheduler, name = local_aws.client("scheduler"), f"s-{uuid.uuid4().hex[:8]}"
    url, queue = new_queue(local_aws, "scheduled")
    # Were it UTC, this would be hours from now.
    soon = datetime.now(ZoneInfo("Asia/Tokyo")) + timedelta(seconds=1)
    arn = scheduler.create_schedule(
        Name=name,
        ScheduleExpression=f"at({soon:%Y-%m-%dT%H:%M:%S})",
        ScheduleExpressionTimezone="Asia/Tokyo",
        FlexibleTimeWindow={"Mode": "OFF"},
        ActionAfterCompletion="DELETE",
        Target={"Arn": queue, "RoleArn": ROLE},
    )["ScheduleArn"]
    [message] = messages(local_aws, url, 1)
    event = json.loads(message["Body"])
    assert (event["source"], event["resources"]) == ("aws.scheduler", [arn])
    deadline = time.monotonic() + 60
    while name in [each["Name"] for each in scheduler.list_schedules()["Schedules"]]:
        assert time.monotonic() < deadline
        time.sleep(0.1)

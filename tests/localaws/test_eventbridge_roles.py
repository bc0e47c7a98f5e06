"""A rule's target is called as its role, and a schedule's, where IAM is enforced."""

import json
import time
import uuid
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.conftest import LocalAws
from tests.localaws.queues import messages, new_queue
from tests.localaws.roles import allow, make_role, policy

# There is no such pipeline: who may start it is told so.
PIPELINE = "arn:aws:codepipeline:us-east-1:000000000000:nobodys"
MAY_START = allow("codepipeline:StartPipelineExecution", PIPELINE)


def open_queue(local_aws: LocalAws, principal: str = "events") -> tuple[str, str]:
    """A queue that a service may send to; URL and ARN."""
    url, arn = new_queue(local_aws, "open")
    statement = {**allow("sqs:SendMessage", arn), "Principal": {"Service": f"{principal}.amazonaws.com"}}
    local_aws.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy(statement)})
    return url, arn


def undelivered(local_aws: LocalAws, arn: str = PIPELINE, **members: str) -> dict[str, Any]:
    """The attributes with which an event for a target came into the dead-letter queue."""
    events, name = local_aws.client("events"), f"rule-{uuid.uuid4().hex[:8]}"
    url, dead = open_queue(local_aws)
    events.put_rule(Name=name, EventPattern=json.dumps({"source": [name]}))
    target = {"Id": "t", "Arn": arn, "DeadLetterConfig": {"Arn": dead}, **members}
    assert events.put_targets(Rule=name, Targets=[target])["FailedEntryCount"] == 0
    events.put_events(Entries=[{"Source": name, "DetailType": "Test", "Detail": "{}"}])
    [message] = messages(local_aws, url, 1)
    return {key: value["StringValue"] for key, value in message["MessageAttributes"].items()}


def test_a_target_is_called_as_its_role(enforcing_local_aws: LocalAws) -> None:
    denied = undelivered(enforcing_local_aws, RoleArn=make_role(enforcing_local_aws, "events"))
    assert denied["ERROR_CODE"] == "NO_PERMISSIONS"
    assert "is not authorized to perform: codepipeline:StartPipelineExecution" in denied["ERROR_MESSAGE"]
    assert denied["RETRY_ATTEMPTS"] == "0"
    allowed = undelivered(enforcing_local_aws, RoleArn=make_role(enforcing_local_aws, "events", MAY_START))
    assert allowed["ERROR_CODE"] == "NO_RESOURCE"


@pytest.mark.parametrize(
    ("principal", "code", "reason"),
    [
        ("scheduler", "FAILED_TO_ASSUME_ROLE", "allows events.amazonaws.com to assume it"),
        (None, "INVALID_PARAMETER", f"RoleArn is required for target {PIPELINE}."),
    ],
)
def test_a_target_without_a_role_that_trusts_eventbridge(
    enforcing_local_aws: LocalAws, principal: str | None, code: str, reason: str
) -> None:
    role = {"RoleArn": make_role(enforcing_local_aws, principal, MAY_START)} if principal else {}
    attributes = undelivered(enforcing_local_aws, **role)
    assert attributes["ERROR_CODE"] == code
    assert reason in attributes["ERROR_MESSAGE"]


def test_a_queue_is_reached_by_its_own_policy(enforcing_local_aws: LocalAws) -> None:
    _, closed = open_queue(enforcing_local_aws, "s3")
    attributes = undelivered(enforcing_local_aws, closed)
    assert attributes["ERROR_CODE"] == "NO_PERMISSIONS"
    assert closed in attributes["ERROR_MESSAGE"]


def test_a_schedule_calls_as_its_role(enforcing_local_aws: LocalAws) -> None:
    scheduler, now = enforcing_local_aws.client("scheduler"), datetime.fromtimestamp(time.time(), UTC)
    url, queue = new_queue(enforcing_local_aws, "scheduled")
    dead_url, dead = new_queue(enforcing_local_aws, "dead")
    for name, arns in (("may", [queue, dead]), ("may-not", [dead])):
        scheduler.create_schedule(
            Name=f"{name}-{uuid.uuid4().hex[:8]}",
            ScheduleExpression=f"at({now:%Y-%m-%dT%H:%M:%S})",
            FlexibleTimeWindow={"Mode": "OFF"},
            Target={
                "Arn": queue,
                "RoleArn": make_role(enforcing_local_aws, "scheduler", allow("sqs:SendMessage", arns)),
                "Input": name,
                "DeadLetterConfig": {"Arn": dead},
            },
        )
    [message] = messages(enforcing_local_aws, url, 1)
    assert message["Body"] == "may"
    [denied] = messages(enforcing_local_aws, dead_url, 1)
    assert denied["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "NO_PERMISSIONS"

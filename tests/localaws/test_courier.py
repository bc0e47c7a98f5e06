"""Deliveries whose target stays away: how often they are made, and when they are given up."""

import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from localaws.ministack.eventbridge.courier import Courier
from localaws.ministack.eventbridge.spool import Spool
from localaws.ministack.eventbridge.targets import Delivery
from tests.conftest import LocalAws
from tests.localaws.queues import messages, new_queue
from tests.localaws.test_eventbridge import EVENT, REGION

ARN = f"arn:aws:sagemaker:{REGION}:pipeline/p"
RULE = f"arn:aws:events:{REGION}:rule/r"


class Away:
    """A local AWS in which nobody answers to a role."""

    def __init__(self, local_aws: LocalAws) -> None:
        self.client = local_aws.client

    def of_account(self, _account_id: str) -> "Away":
        return self

    def acting_as(self, _role_arn: str | None, _principal: str) -> "Nobody":
        return Nobody()


class Nobody:
    """Services at a port on which nobody listens."""

    def client(self, service: str) -> Any:
        own = {"aws_access_key_id": "x", "aws_secret_access_key": "x", "region_name": "us-east-1"}
        config = Config(retries={"total_max_attempts": 1})
        return boto3.client(service, endpoint_url="http://127.0.0.1:9", config=config, **own)


class Counted:
    """What is told to CloudWatch of rules."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def attempted(self, _rule_arn: str, *, again: bool) -> None:
        self.seen.append("again" if again else "attempted")

    def succeeded(self, _rule_arn: str) -> None:
        self.seen.append("succeeded")

    def failed(self, _rule_arn: str) -> None:
        self.seen.append("failed")

    def buried(self, _rule_arn: str, *, delivered: bool) -> None:
        self.seen.append("buried" if delivered else "lost")


Start = Callable[[], tuple[Courier, Spool, Counted]]


@pytest.fixture
def start(local_aws: LocalAws, tmp_path: Path) -> Iterator[Start]:
    couriers: list[Courier] = []

    def run() -> tuple[Courier, Spool, Counted]:
        counted, spool = Counted(), Spool(tmp_path / "spool")
        courier = Courier(spool, Away(local_aws), lambda *_: True, counted)
        couriers.append(courier)
        courier.start()
        return courier, spool, counted

    yield run
    for courier in couriers:
        courier.close()


def delivery(dead: str | None, **policy: int) -> Delivery:
    letters = {"DeadLetterConfig": {"Arn": dead}} if dead else {}
    return Delivery({"Id": "1", "Arn": ARN, "RetryPolicy": policy, **letters}, EVENT, None, RULE)


def until_forgotten(spool: Spool) -> None:
    deadline = time.monotonic() + 60
    while spool.entries():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("policy", "attempts", "exhausted"),
    [
        ({"MaximumRetryAttempts": 0}, 0, "MaximumRetryAttempts"),
        ({"MaximumRetryAttempts": 2}, 2, "MaximumRetryAttempts"),
        ({"MaximumEventAgeInSeconds": 0}, 0, "MaximumEventAgeInSeconds"),
    ],
)
def test_who_stays_away_is_given_up_as_the_policy_says(
    local_aws: LocalAws, start: Start, policy: dict[str, int], attempts: int, exhausted: str
) -> None:
    url, dead = new_queue(local_aws, "given-up")
    courier, spool, counted = start()
    courier.take(delivery(dead, **policy))
    [message] = messages(local_aws, url, 1)
    said = {name: value["StringValue"] for name, value in message["MessageAttributes"].items()}
    assert (said["ERROR_CODE"], said["RULE_ARN"], said["TARGET_ARN"]) == ("CONNECTION_FAILURE", RULE, ARN)
    assert (said["RETRY_ATTEMPTS"], said["EXHAUSTED_RETRY_CONDITION"]) == (str(attempts), exhausted)
    until_forgotten(spool)
    assert counted.seen == ["attempted", *["again"] * attempts, "failed", "buried"]


@pytest.mark.parametrize(("letters", "told"), [(False, []), (True, ["lost"])])
def test_without_a_dead_letter_queue_an_event_is_lost(start: Start, letters: bool, told: list[str]) -> None:
    gone = f"arn:aws:sqs:{REGION}:gone-{uuid.uuid4().hex}" if letters else None
    courier, spool, counted = start()
    courier.take(delivery(gone, MaximumRetryAttempts=0))
    until_forgotten(spool)
    assert counted.seen == ["attempted", "failed", *told]


def test_attempts_are_counted_on_by_the_next_process(local_aws: LocalAws, start: Start, tmp_path: Path) -> None:
    url, dead = new_queue(local_aws, "counted-on")
    before = Spool(tmp_path / "spool")
    before.failed(before.add(delivery(dead, MaximumRetryAttempts=2)))
    _, spool, counted = start()
    messages(local_aws, url, 1)
    until_forgotten(spool)
    assert counted.seen == ["again", "again", "failed", "buried"]

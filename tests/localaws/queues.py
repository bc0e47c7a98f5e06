"""Queues of tests."""

import time
import uuid
from typing import Any

from tests.conftest import LocalAws


def new_queue(local_aws: LocalAws, name: str) -> tuple[str, str]:
    """Make a queue; URL and ARN."""
    sqs = local_aws.client("sqs")
    url = sqs.create_queue(QueueName=f"{name}-{uuid.uuid4().hex[:8]}")["QueueUrl"]
    return url, sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]


def messages(local_aws: LocalAws, url: str, count: int, seconds: float = 60) -> list[dict[str, Any]]:
    """At least so many messages of a queue, taken out of it."""
    sqs, found = local_aws.client("sqs"), []
    deadline = time.monotonic() + seconds
    while len(found) < count:
        assert time.monotonic() < deadline, f"{len(found)} messages in {url}: {found}"
        answer = sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"], WaitTimeSeconds=1
        )
        for message in answer.get("Messages", []):
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            found.append(message)
    return found

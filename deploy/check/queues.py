"""Queues: encrypted, and with nothing left in them that a function could not handle."""

from typing import Any

from deploy.check.check import Check
from deploy.check.finding import Verdict, failed, ok, warning
from deploy.check.system import Resource, System


def there(system: System, resource: Resource) -> Verdict:
    """The queue exists."""
    _attributes(system, resource.physical_id)
    return ok("there")


def encrypted(system: System, resource: Resource) -> Verdict:
    """Messages are encrypted."""
    told = _attributes(system, resource.physical_id)
    if told.get("KmsMasterKeyId"):
        return ok(f"encrypted with {told['KmsMasterKeyId']}")
    if told.get("SqsManagedSseEnabled") == "true":
        return ok("encrypted with the key of SQS")
    return failed("not encrypted", "give the queue the project's key as KmsMasterKeyId")


def empty(system: System, resource: Resource) -> Verdict | None:
    """Nothing has come to rest where events go that could not be handled; other queues may well hold messages."""
    told = _attributes(system, resource.physical_id)
    if "RedrivePolicy" in told:
        return None
    waiting = int(told.get("ApproximateNumberOfMessages", 0))
    if not waiting:
        return ok("empty")
    return warning(
        f"{waiting} message(s): events that a function could not handle",
        f"`aws sqs receive-message --queue-url {resource.physical_id}` shows them; the function's log says why",
    )


def attributes_of(system: System, arn: str) -> dict[str, Any]:
    """Return the attributes of a queue, which its API knows by its URL."""
    return _attributes(system, system.client("sqs").get_queue_url(QueueName=arn.rpartition(":")[2])["QueueUrl"])


def _attributes(system: System, url: str) -> dict[str, Any]:
    told = system.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
    attributes: dict[str, Any] = told["Attributes"]
    return attributes


CHECKS = (Check("There", there), Check("Encryption", encrypted), Check("DeadLetters", empty))

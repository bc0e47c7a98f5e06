"""SQS: queues that are counted."""

import importlib
from collections.abc import Iterator
from typing import Any

from localaws.ministack.private import private
from localaws.ministack.sqs.metrics import Message, QueueMetrics


def messages_by_queue() -> Iterator[tuple[str, list[Message]]]:
    """Iterate over the queues, and the messages in each, of ``ministack.services.sqs._queues``."""
    # Copies: messages are received and deleted in other threads.
    for queue in list(private("ministack.services.sqs", "_queues").values()):
        yield queue["name"], [_message(message) for message in list(queue["messages"])]


def count_messages(metrics: QueueMetrics) -> None:
    """Count the messages that are received and deleted.

    Hooks ``ministack.services.sqs``: ``_collect_msgs`` hands out messages, to the API's callers and to functions' event
    source mappings, for which ``_delete_messages_for_esm`` deletes them; the API's requests go by ``_HANDLERS``;
    ``_get_q`` finds a queue by its URL.
    """
    sqs: Any = importlib.import_module("ministack.services.sqs")
    handlers, find = private(sqs.__name__, "_HANDLERS"), private(sqs.__name__, "_get_q")
    collect, delete_mapped = private(sqs.__name__, "_collect_msgs"), private(sqs.__name__, "_delete_messages_for_esm")
    receive, delete, delete_batch = (
        handlers[action] for action in ("ReceiveMessage", "DeleteMessage", "DeleteMessageBatch")
    )

    def name_of(request: dict[str, Any], url: str) -> str:
        return str(find(request.get("QueueUrl", url))["name"])

    def collect_counted(queue: dict[str, Any], *arguments: Any) -> Any:
        found = collect(queue, *arguments)
        if found:
            metrics.received(queue["name"], [_message(each) for each in found])
        return found

    async def receive_counted(request: dict[str, Any], url: str) -> Any:
        name = name_of(request, url)  # while the queue is there
        answer = await receive(request, url)
        if not answer.get("Messages"):
            metrics.received_none(name)
        return answer

    def delete_counted(request: dict[str, Any], url: str) -> Any:
        answer = delete(request, url)
        metrics.deleted(name_of(request, url), 1)
        return answer

    def delete_batch_counted(request: dict[str, Any], url: str) -> Any:
        answer = delete_batch(request, url)
        metrics.deleted(name_of(request, url), len(answer["Successful"]))
        return answer

    def delete_mapped_counted(url: str, receipt_handles: set[str]) -> None:
        delete_mapped(url, receipt_handles)
        metrics.deleted(find(url)["name"], len(receipt_handles))

    counted = {
        "ReceiveMessage": receive_counted,
        "DeleteMessage": delete_counted,
        "DeleteMessageBatch": delete_batch_counted,
    }
    handlers.update(counted)
    sqs._collect_msgs, sqs._delete_messages_for_esm = collect_counted, delete_mapped_counted


def _message(message: dict[str, Any]) -> Message:
    """Return a message; SNS and S3 leave out what is 0."""
    sent_at, count = message["sent_at"], message.get("receive_count", 0)
    return Message(message["id"], str(message["body"]), sent_at, message.get("visible_at", sent_at), count)

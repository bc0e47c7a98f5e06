"""The messages of a queue, each with its own outcome and its own line in the log.

EventBridge puts its events into a queue, and Lambda reads that. A message whose work fails is given back alone
(`ReportBatchItemFailures`): it comes again when the queue's visibility timeout is over, and after some attempts it
lies in the dead-letter queue. The `correlation_id` of a line is the id of the event; what a function starts carries it.
"""

import json
import traceback
from collections.abc import Callable
from typing import Any

Document = dict[str, Any]
Work = Callable[[Document], Document]
"""Takes an EventBridge event and returns what the log says of it."""


def work_through(event: Document, work: Work) -> Document:
    """Do the work of each message; name those that failed, in the form that Lambda wants."""
    failed = [record["messageId"] for record in event["Records"] if not _succeeds(record, work)]
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}


def _succeeds(record: Document, work: Work) -> bool:
    entry: Document = {"message_id": record["messageId"]}
    try:
        entry["attempt"] = int(record.get("attributes", {}).get("ApproximateReceiveCount", 1))
        message = json.loads(record["body"])
        entry |= {"correlation_id": message["id"], "detail_type": message["detail-type"]}
        entry |= work(message)
    except Exception as error:  # whatever it was: the queue has to hear of it, and the other messages must not
        entry |= {"level": "ERROR", "error": f"{type(error).__name__}: {error}", "trace": traceback.format_exc()}
        succeeded = False
    else:
        entry["level"] = "INFO"
        succeeded = True
    print(json.dumps(entry, default=str), flush=True)
    return succeeded

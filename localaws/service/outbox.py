"""Events and metrics for EventBridge and CloudWatch: stored with the change they describe, retried until accepted.

1. `Outbox.event` and `Outbox.metrics` write an entry in the transaction that changes a resource.
2. Once that is committed, a thread of its own sends the entries in order; no caller waits for it.
3. An entry is removed from the store once it was accepted. A server that dies before that sends it after its next
   start: at least once, as AWS does. An unreachable service is retried; a rejected entry is logged and dropped.
"""

import json
import logging
import threading
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from localaws.account.clients import Aws
from localaws.document import Document
from localaws.storage.queue import Queue
from localaws.storage.store import Store

logger = logging.getLogger(__name__)

_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.2, 5.0
_CLOSE_SECONDS = 5.0
# PutEvents: 10 entries, 256 KB in all. https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
_MOST_EVENTS = 10
_MOST_BYTES = 200_000
# Error codes that may succeed when retried; any other is a rejection.
_LATER = frozenset({"InternalFailure", "InternalException", "ThrottlingException", "Throttling", "ServiceUnavailable"})


class Outbox:
    """The events and metrics of one server.

    Parameters
    ----------
    store : Store
        Holds the resources that the entries describe.
    aws : Aws
        Provides the ``events`` and ``cloudwatch`` clients.
    """

    def __init__(self, store: Store, aws: Aws) -> None:
        self._store, self._aws = store, aws
        self._queue = Queue(store)
        self._wake, self._closed = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="outbox", daemon=True)

    def start(self) -> None:
        """Start sending, beginning with what the last server left unsent."""
        self._thread.start()

    def close(self) -> None:
        """Send what is pending, for a few seconds at most; the rest is sent after the next start."""
        self._closed.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(_CLOSE_SECONDS)

    def event(self, service: str, detail_type: str, detail: Document, resources: Sequence[str]) -> None:
        """Send an event; inside a transaction, once that is committed.

        Parameters
        ----------
        service : str
            A name such as ``codepipeline``: the source is ``aws.codepipeline``.
        detail_type : str
        detail : dict
        resources : sequence of str
            ARNs.
        """
        entry = {
            "Source": f"aws.{service}",
            "DetailType": detail_type,
            "Detail": json.dumps(detail),
            "Resources": list(resources),
            "Time": datetime.now(UTC).isoformat(),
        }
        self._put({"event": entry})

    def metrics(self, namespace: str, values: Mapping[str, float], dimensions: Mapping[str, str]) -> None:
        """Send metric data; inside a transaction, once that is committed.

        Parameters
        ----------
        namespace : str
            A namespace such as ``/aws/sagemaker/TrainingJobs``.
        values : mapping of str to float
            Values by the name of the metric.
        dimensions : mapping of str to str
        """
        named = [{"Name": name, "Value": value} for name, value in dimensions.items()]
        data = [
            {"MetricName": name, "Value": value, "Timestamp": time.time(), "Dimensions": named}
            for name, value in values.items()
        ]
        if data:
            self.data(namespace, data)

    def data(self, namespace: str, data: Sequence[Document]) -> None:
        """Send metric data as `PutMetricData` takes them, times in seconds; inside a transaction, once committed."""
        self._put({"metrics": {"Namespace": namespace, "MetricData": list(data)}})

    def _put(self, entry: Document) -> None:
        self._queue.put(entry)
        self._store.after_commit(self._wake.set)

    def _run(self) -> None:
        pause = _FIRST_PAUSE_SECONDS
        while True:
            self._wake.clear()
            closed = self._closed.is_set()
            all_sent = self._send_all()
            if closed:
                return
            if all_sent:
                pause = _FIRST_PAUSE_SECONDS
                self._wake.wait()
            else:
                self._closed.wait(pause)
                pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)

    def _send_all(self) -> bool:
        """Send what is pending; return whether every entry was accepted or rejected."""
        try:
            while waiting := self._queue.first(_MOST_EVENTS):
                if not self._send(waiting):
                    return False
        except Exception:  # a full disk, for example: the entries stay in the store
            logger.exception("The outbox cannot send now; its entries stay in the store")
            return False
        return True

    def _send(self, waiting: Sequence[tuple[int, Document]]) -> bool:
        """Send the first pending entry and those that fit into the same call; return whether the call was answered."""
        number, first = waiting[0]
        events = _batch(waiting)
        try:
            if events:
                done = self._send_events(events)
            else:
                self._aws.client("cloudwatch").put_metric_data(**_with_times(first["metrics"]))
                done = [number]
        except (BotoCoreError, ClientError) as error:
            if not _is_refusal(error):
                logger.warning("An event or a metric could not be sent and will be retried: %s", error)
                return False
            logger.error("Refused: %s: %s", error, first)
            done = [number]
        self._queue.remove(done)
        return bool(done)

    def _send_events(self, events: Mapping[int, Document]) -> list[int]:
        """Send events; return the numbers of those that were accepted or rejected."""
        answer = self._aws.client("events").put_events(Entries=list(events.values()))
        done = []
        for number, entry, result in zip(events, events.values(), answer["Entries"], strict=True):
            if result.get("ErrorCode") in _LATER:
                break  # events keep their order
            if "ErrorCode" in result:
                logger.error("EventBridge rejected an event: %s: %s", result, entry)
            done.append(number)
        return done


def _batch(waiting: Sequence[tuple[int, Document]]) -> dict[int, Document]:
    """Return the first pending events, as many as fit into one call."""
    events: dict[int, Document] = {}
    size = 0
    for number, entry in waiting:
        size += len(json.dumps(entry))
        if "event" not in entry or (events and size > _MOST_BYTES):
            break
        events[number] = entry["event"]
    return events


def _with_times(call: Document) -> dict[str, Any]:
    data = [{**each, "Timestamp": datetime.fromtimestamp(each["Timestamp"], UTC)} for each in call["MetricData"]]
    return {**call, "MetricData": data}


def _is_refusal(error: BotoCoreError | ClientError) -> bool:
    if not isinstance(error, ClientError):
        return isinstance(error, ParamValidationError)
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500)
    return status < 500 and status != 429 and error.response["Error"]["Code"] not in _LATER

"""What a service tells EventBridge and CloudWatch: kept in the store with the change it tells of, sent until taken.

1. `Outbox.event` and `Outbox.metrics` write an entry in the transaction that changes a resource.
2. When that is committed, a thread of its own sends what is there, in order; nobody waits for it.
3. An entry goes from the store when it was taken. A server that dies before sends it after its next start: at least
   once, as AWS does. What cannot be reached is asked again; what is refused is said in the log.
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
# Codes of what may go better later; any other answer is a refusal.
_LATER = frozenset({"InternalFailure", "InternalException", "ThrottlingException", "Throttling", "ServiceUnavailable"})


class Outbox:
    """The events and metrics of one server.

    Parameters
    ----------
    store : Store
        Of the resources that they tell of.
    aws : Aws
        Whose ``events`` and ``cloudwatch`` clients are used.
    """

    def __init__(self, store: Store, aws: Aws) -> None:
        self._store, self._aws = store, aws
        self._queue = Queue(store)
        self._wake, self._closed = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="outbox", daemon=True)

    def start(self) -> None:
        """Begin to send, what the last server has left first."""
        self._thread.start()

    def close(self) -> None:
        """Send what is there, for a few seconds at most; the rest is sent after the next start."""
        self._closed.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(_CLOSE_SECONDS)

    def event(self, service: str, detail_type: str, detail: Document, resources: Sequence[str]) -> None:
        """Send an event; inside a transaction, when that is committed.

        Parameters
        ----------
        service : str
            Such as ``codepipeline``: the source is ``aws.codepipeline``.
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
        """Send data of metrics; inside a transaction, when that is committed.

        Parameters
        ----------
        namespace : str
            Such as ``/aws/sagemaker/TrainingJobs``.
        values : mapping of str to float
            By the metric's name.
        dimensions : mapping of str to str
        """
        named = [{"Name": name, "Value": value} for name, value in dimensions.items()]
        data = [
            {"MetricName": name, "Value": value, "Timestamp": time.time(), "Dimensions": named}
            for name, value in values.items()
        ]
        if data:
            self._put({"metrics": {"Namespace": namespace, "MetricData": data}})

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
        """Send what is there; whether everything was taken or refused."""
        try:
            while waiting := self._queue.first(_MOST_EVENTS):
                if not self._send(waiting):
                    return False
        except Exception:  # a full disk, say: what is in the store stays there
            logger.exception("The outbox waits")
            return False
        return True

    def _send(self, waiting: Sequence[tuple[int, Document]]) -> bool:
        """Send the first of what waits, and with it what fits into the same call; whether the call was answered."""
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
                logger.warning("An event or a metric waits: %s", error)
                return False
            logger.error("Refused: %s: %s", error, first)
            done = [number]
        self._queue.remove(done)
        return bool(done)

    def _send_events(self, events: Mapping[int, Document]) -> list[int]:
        """Send events; the numbers of those that were taken or refused."""
        answer = self._aws.client("events").put_events(Entries=list(events.values()))
        done = []
        for number, entry, result in zip(events, events.values(), answer["Entries"], strict=True):
            if result.get("ErrorCode") in _LATER:
                break  # events stay in their order
            if "ErrorCode" in result:
                logger.error("EventBridge refused an event: %s: %s", result, entry)
            done.append(number)
        return done


def _batch(waiting: Sequence[tuple[int, Document]]) -> dict[int, Document]:
    """The events at the beginning of what waits that fit into one call."""
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

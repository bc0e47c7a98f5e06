"""AWS/SQS: what CloudWatch is told of queues.

What is received and deleted is counted when it happens; the rest is found by looking, once a second. A message is sent
when it is seen for the first time: SNS, S3 and others put theirs into a queue without a request that could be counted.
One that comes out of another queue was moved there, which AWS does not count as sent.

An active queue, or one that was active in the last six hours, reports how many of its messages are visible, even 0;
other gauges are reported only above 0. They are reported when they change, and otherwise twice a minute, so that an
alarm with a period of a minute always finds data.

Source: "Available CloudWatch metrics for Amazon SQS" in the Amazon SQS Developer Guide.
"""

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from localaws.metrics.meter import Meter
from localaws.metrics.namespace import Metric, Namespace

_OF_QUEUES = (("QueueName",),)
_COUNT = Metric("Count", _OF_QUEUES)
SQS = Namespace(
    "AWS/SQS",
    {
        "ApproximateNumberOfMessagesVisible": _COUNT,
        "ApproximateNumberOfMessagesNotVisible": _COUNT,
        "ApproximateNumberOfMessagesDelayed": _COUNT,
        "ApproximateAgeOfOldestMessage": Metric("Seconds", _OF_QUEUES),
        "NumberOfMessagesSent": _COUNT,
        "NumberOfMessagesReceived": _COUNT,
        "NumberOfMessagesDeleted": _COUNT,
        "NumberOfEmptyReceives": _COUNT,
        "SentMessageSize": Metric("Bytes", _OF_QUEUES),
    },
)
_HALF_A_MINUTE, _ACTIVE_SECONDS = 30.0, 6 * 3600.0


class Message(NamedTuple):
    """A message in a queue; times in seconds since the epoch."""

    id: str
    body: str
    sent_at: float
    visible_at: float
    receive_count: int


class Sight(NamedTuple):
    """In which queue a message was seen last, and since when it is there."""

    queue: str
    since: float


@dataclass
class _Told:
    """What was told of a queue last, and when; and when it was active last."""

    numbers: tuple[int, int, int] | None = None
    at: float = 0.0
    active_at: float = field(default_factory=time.time)


class QueueMetrics:
    """Counts what happens to queues.

    Parameters
    ----------
    meter : Meter
    queues : callable() -> iterable of (str, sequence of Message)
        Returns the existing queues, by name.
    scale : float, default=1
        What a second of an alarm's period takes here, in seconds.
    """

    def __init__(
        self, meter: Meter, queues: Callable[[], Iterable[tuple[str, Sequence[Message]]]], scale: float = 1.0
    ) -> None:
        self._meter, self._queues, self._started = meter, queues, time.time()
        self._every, self._active = _HALF_A_MINUTE * scale, _ACTIVE_SECONDS * scale
        self._lock = threading.Lock()
        self._seen: dict[str, Sight] = {}
        self._told: dict[str, _Told] = {}

    def received(self, queue: str, messages: Sequence[Message]) -> None:
        """Note that messages were received."""
        with self._lock:
            self._see(queue, messages, time.time())
        self._add(queue, NumberOfMessagesReceived=len(messages))

    def received_none(self, queue: str) -> None:
        """Note that messages were asked for and there were none."""
        self._add(queue, NumberOfEmptyReceives=1)

    def deleted(self, queue: str, number: int) -> None:
        """Note that messages were deleted."""
        self._add(queue, NumberOfMessagesDeleted=number)

    def look(self, now: float) -> None:
        """Look at all queues; once a second."""
        present: set[str] = set()
        found = [(name, list(messages)) for name, messages in self._queues()]
        with self._lock:
            for name, messages in found:
                self._see(name, messages, now)
                present.update(message.id for message in messages)
            self._seen = {key: sight for key, sight in self._seen.items() if key in present}
            oldest = {name: min((self._seen[each.id].since for each in held), default=now) for name, held in found}
        self._told = {name: self._told.get(name) or _Told() for name, _ in found}
        for name, messages in found:
            self._tell(name, messages, now, now - oldest[name])

    def _see(self, queue: str, messages: Sequence[Message], now: float) -> None:
        for message in messages:
            sight = self._seen.get(message.id)
            if sight is None:
                self._seen[message.id] = Sight(queue, message.sent_at)
                if message.sent_at >= self._started:  # not when an earlier process has counted it
                    self._add(queue, NumberOfMessagesSent=1, SentMessageSize=len(message.body.encode()))
            elif sight.queue != queue:
                self._seen[message.id] = Sight(queue, now)

    def _tell(self, queue: str, messages: Sequence[Message], now: float, age: float) -> None:
        told = self._told[queue]
        visible = sum(message.visible_at <= now for message in messages)
        delayed = sum(message.visible_at > now and not message.receive_count for message in messages)
        numbers = (visible, len(messages) - visible - delayed, delayed)
        if messages or numbers != told.numbers:
            told.active_at = now
        if numbers == told.numbers and (now - told.at < self._every or now - told.active_at > self._active):
            return
        told.numbers, told.at = numbers, now
        self._add(queue, ApproximateNumberOfMessagesVisible=visible)
        more = {"NotVisible": numbers[1], "Delayed": delayed}
        self._add(queue, **{f"ApproximateNumberOfMessages{which}": number for which, number in more.items() if number})
        if messages:
            self._add(queue, ApproximateAgeOfOldestMessage=round(max(0.0, age)))

    def _add(self, queue: str, **values: float) -> None:
        self._meter.add(SQS, (("QueueName", queue),), values)

"""CloudWatch Logs alone, in this process: no server, and nothing around it that answers."""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from localaws.account.clients import Aws
from localaws.service.context import Context
from localaws.services.logs.service import Logs


@dataclass(frozen=True)
class LogsBench:
    """A service, and the group and streams of a test."""

    service: Logs
    context: Context

    def call(self, operation: str, **request: Any) -> dict[str, Any]:
        """Carry out a request as it would come over HTTP."""
        return self.service.call(operation, request)

    def write(self, messages: Iterable[str], stream: str = "s", group: str = "g", at: int | None = None) -> int:
        """Write messages, a millisecond apart; return the first one's timestamp."""
        first = now() - 5_000 if at is None else at
        events = [{"timestamp": first + number, "message": message} for number, message in enumerate(messages)]
        self.call("PutLogEvents", logGroupName=group, logStreamName=stream, logEvents=events)
        return first

    def found(self, **request: Any) -> list[str]:
        """Return the messages that FilterLogEvents finds, all pages."""
        messages: list[str] = []
        token: dict[str, str] = {}
        while True:
            answer = self.call("FilterLogEvents", **{"logGroupName": "g", **request, **token})
            messages += [event["message"] for event in answer["events"]]
            if "nextToken" not in answer:
                return messages
            token = {"nextToken": answer["nextToken"]}


def now() -> int:
    """Milliseconds since the epoch."""
    return int(time.time() * 1000)


Start = Callable[[], LogsBench]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start the service on one state, as often as wanted."""
    started: list[LogsBench] = []

    def make() -> LogsBench:
        aws = Aws("http://127.0.0.1:9", "us-east-1", "000000000000")
        context = Context.of(tmp_path / "services.sqlite", aws, tmp_path)
        started.append(LogsBench(Logs(context), context))
        return started[-1]

    yield make
    for bench in started:
        bench.service.close()


@pytest.fixture
def logs(start: Start) -> LogsBench:
    """The service with a group ``g`` and its streams ``s`` and ``t``."""
    bench = start()
    bench.call("CreateLogGroup", logGroupName="g")
    for stream in ("s", "t"):
        bench.call("CreateLogStream", logGroupName="g", logStreamName=stream)
    return bench

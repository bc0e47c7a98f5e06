"""MiniStack's log groups: what its services write into them goes to the service of ours."""

import importlib
import re
import uuid
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from localaws.document import Document
from localaws.ministack.iam.hooks_accounts import current_account
from localaws.ministack.logs.writer import Destination, LogWriter
from localaws.ministack.private import private

# MiniStack makes a stream for each invocation of a function: 2026/01/31/[$LATEST] and 32 digits.
_OF_INVOCATION = re.compile(r"(\d{4}/\d\d/\d\d/\[[^]]+\])[0-9a-f]{32}")
_ENVIRONMENT = uuid.uuid4().hex


def send_log_events(writer: LogWriter) -> None:
    """Have the events of Lambda, DynamoDB's imports and ECS written by `writer`, and none kept by MiniStack.

    Hooks ``ministack.services.cloudwatch_logs``: its users look a stream up in ``_log_groups``, where each is, and give
    it to ``_append_log_events``, or call ``_put_log_events``; ``_fanout_to_subscription_filters`` is the service's now.
    ``get_state`` and ``load_persisted_state`` have nothing to keep: an older local AWS's events are left out.
    ``ministack.services.cloudformation.changesets._IMPORT_LOOKUPS`` and ``...drift._DRIFT_READERS`` look into
    ``_log_groups``, too: there, log groups are a type that cannot be imported or checked.
    """
    logs: Any = importlib.import_module("ministack.services.cloudwatch_logs")
    for name in (
        "_log_groups",
        "_append_log_events",
        "_put_log_events",
        "_fanout_to_subscription_filters",
        "get_state",
    ):
        private(logs.__name__, name)
    groups = _Groups(writer)

    def put(request: Document) -> tuple[int, dict[str, str], bytes]:
        groups[request["logGroupName"]]["streams"][request["logStreamName"]].append(request["logEvents"])
        return 200, {}, b"{}"

    logs._log_groups, logs._put_log_events = groups, put
    logs._append_log_events = lambda stream, events: stream.append(events)
    logs._fanout_to_subscription_filters = lambda *_: None
    logs.get_state, logs.load_persisted_state = dict, lambda _: None
    for module, table in (("changesets", "_IMPORT_LOOKUPS"), ("drift", "_DRIFT_READERS")):
        private(f"ministack.services.cloudformation.{module}", table).pop("AWS::Logs::LogGroup", None)


class _Stream:
    """A stream of a log group, as MiniStack sees it: it can be written to."""

    def __init__(self, write: Any) -> None:
        self.append = write


class _Streams:
    """The streams of a log group: each name is there."""

    def __init__(self, writer: LogWriter, group: str) -> None:
        self._writer, self._group, self._account = writer, group, current_account()

    def __contains__(self, _name: object) -> bool:
        return True

    def __getitem__(self, name: str) -> _Stream:
        of_invocation = _OF_INVOCATION.fullmatch(name)
        stream = f"{of_invocation[1]}{_ENVIRONMENT}" if of_invocation else name
        destination = Destination(self._account(), self._group, stream, makes_group=True)
        return _Stream(partial(self._append, destination))

    def _append(self, destination: Destination, events: Sequence[Document]) -> None:
        self._writer.put(destination, [(int(event["timestamp"]), str(event["message"])) for event in events])


class _Groups:
    """The log groups: each name is there."""

    def __init__(self, writer: LogWriter) -> None:
        self._writer = writer

    def __contains__(self, _name: object) -> bool:
        return True

    def __getitem__(self, name: str) -> Document:
        return {"streams": _Streams(self._writer, name)}

    def get(self, _name: str) -> None:
        """Know nothing of a group: that is asked of the service."""

    def items(self) -> Iterator[tuple[str, Document]]:
        """List none."""
        return iter(())

    def clear(self) -> None:
        """Keep none."""

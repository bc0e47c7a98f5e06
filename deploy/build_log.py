"""What a build of CodeBuild wrote: all of it, or what it said last."""

from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

# Of CodeBuild's own lines; what the build's commands wrote says why one of them failed.
_OWN = "[Container] "
_READ, _SHOWN = 100, 6


def lines(logs: Any, group: str, stream: str) -> Iterator[str]:
    """Yield all lines of a build's log."""
    place, token = {"logGroupName": group, "logStreamName": stream, "startFromHead": True}, None
    while True:
        answer = logs.get_log_events(**place, **({"nextToken": token} if token else {}))
        yield from (event["message"].rstrip() for event in answer["events"])
        if answer["nextForwardToken"] == token:
            return
        token = answer["nextForwardToken"]


def last_words(logs: Any, group: str, stream: str) -> list[str]:
    """Return the last lines that a build's commands wrote; none when the log cannot be read.

    A failure is told with or without them.
    """
    try:
        events = logs.get_log_events(logGroupName=group, logStreamName=stream, limit=_READ)["events"]
    except ClientError:
        return []
    said = [event["message"].rstrip() for event in events if not event["message"].startswith(_OWN)]
    return [line for line in said if line][-_SHOWN:]

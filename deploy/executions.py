"""Executions of a state machine, started and followed to their end."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

POLL_SECONDS = 0.5
_ENTERED, _EXITED = "stateEnteredEventDetails", "stateExitedEventDetails"


@dataclass(frozen=True)
class Step:
    """A state that an execution has been in.

    Attributes
    ----------
    seconds : float
        How long.
    """

    name: str
    seconds: float


@dataclass(frozen=True)
class Ending:
    """How an execution ended.

    Attributes
    ----------
    status : str
        SUCCEEDED, FAILED, TIMED_OUT or ABORTED.
    output : str
        JSON; empty unless it succeeded.
    error, cause : str
        Empty if it succeeded.
    """

    status: str
    output: str
    error: str
    cause: str


def follow(stepfunctions: Any, arn: str) -> Iterator[Step | Ending]:
    """Yield each state of the machine itself when it is left, and how the execution ended."""
    entered: dict[str, datetime] = {}
    last = 0
    while True:
        # First: what happens after this is asked for again.
        execution = stepfunctions.describe_execution(executionArn=arn)
        for event in _events(stepfunctions, arn, last):
            last = event["id"]
            if _ENTERED in event:
                entered[event[_ENTERED]["name"]] = event["timestamp"]
            elif _EXITED in event and event[_EXITED]["name"] in entered:
                name = event[_EXITED]["name"]
                yield Step(name, (event["timestamp"] - entered.pop(name)).total_seconds())
        if execution["status"] != "RUNNING":
            yield Ending(
                status=execution["status"],
                output=execution.get("output", "") if execution["status"] == "SUCCEEDED" else "",
                error=execution.get("error", ""),
                cause=execution.get("cause", ""),
            )
            return
        time.sleep(POLL_SECONDS)


def _events(stepfunctions: Any, arn: str, last: int) -> Iterator[Any]:
    """Yield the events after the one of that id; an execution of many has pages of them."""
    pages = stepfunctions.get_paginator("get_execution_history").paginate(executionArn=arn)
    return (event for page in pages for event in page["events"] if event["id"] > last)

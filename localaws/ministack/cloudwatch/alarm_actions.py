"""What follows from an alarm's new state: always an event, and its actions unless they are disabled."""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from localaws.ministack.cloudwatch.alarm_messages import Change, State

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Ways:
    """How other services are reached.

    Attributes
    ----------
    put_event : callable(entry)
        Takes an entry of PutEvents.
    publish : callable(topic_arn, message, subject)
        Takes a message of the structure ``json``.
    invoke : callable(function_arn, event, token)
    """

    put_event: Callable[[dict[str, Any]], None]
    publish: Callable[[str, str, str], None]
    invoke: Callable[[str, dict[str, Any], str], None]


class AlarmActions:
    """Takes the actions of alarms.

    Parameters
    ----------
    ways : Ways
    """

    def __init__(self, ways: Ways) -> None:
        self._ways = ways
        self._states: dict[str, State] = {}

    def follow(self, alarm: Mapping[str, Any], before: str, now: str, reason: str) -> None:
        """Take the actions of an alarm that has changed its state.

        Parameters
        ----------
        alarm : mapping
            As DescribeAlarms tells it.
        before, now : str
            Values of its state.
        reason : str
            Of the new one.
        """
        arn, new = alarm["AlarmArn"], State(now, reason, time.time())
        old = self._states.get(arn)
        if old is None or old.value != before:
            old = State(before, "", float(alarm.get("AlarmConfigurationUpdatedTimestamp") or new.since))
        self._states[arn] = new
        change = Change(dict(alarm), old, new)
        self._ways.put_event(change.event)
        for action in change.actions:
            self._act(change, action)

    def _act(self, change: Change, action: str) -> None:
        service = action.split(":")[2]
        if service == "sns":
            self._ways.publish(action, change.message, change.subject)
        elif service == "lambda":
            self._ways.invoke(action, change.function_event, change.token)
        elif service != "autoscaling":  # which looks at its alarms by itself
            logger.warning(
                "The alarm %s has an action that local AWS does not know: %s", change.alarm["AlarmName"], action
            )

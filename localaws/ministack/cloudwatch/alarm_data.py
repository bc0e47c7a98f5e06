"""When an alarm is to be looked at, and the values that it is decided by, read from the store."""

import time
from collections.abc import Iterable, Sequence
from typing import Any

from localaws.ministack.cloudwatch.alarm_state import Alarm, Asked, Values, evaluation_range, metrics_of, period_of
from localaws.ministack.cloudwatch.data.aggregate import together
from localaws.ministack.cloudwatch.data.metric import Metric, Scope, Window, sorted_dimensions
from localaws.ministack.cloudwatch.data.statistic import statistic
from localaws.ministack.cloudwatch.data.store import MetricStore

# An alarm on five minutes or more, which has much to read, is decided every five seconds; others every second.
_PART_OF_PERIOD, _MOST_SECONDS = 60, 5.0


def values_of(store: MetricStore, scope: Scope, alarm: Alarm, now: float, scale: float) -> dict[str, Values]:
    """Return the values of an alarm's metrics: see `alarm_state.decide`.

    Parameters
    ----------
    store : MetricStore
    scope : Scope
        The alarm's.
    alarm : mapping
    now : float
        Seconds since the epoch.
    scale : float
        What a second of its period takes here, in seconds.
    """
    number, period = evaluation_range(alarm), max(1, round(period_of(alarm) * scale * 1000))
    end = int(now * 1000) + 1
    window = Window(end - number * period, end, period)
    return {name: _values(store, scope, asked, window, number) for name, asked in metrics_of(alarm).items()}


def _values(store: MetricStore, scope: Scope, asked: Asked, window: Window, number: int) -> Values:
    wanted, named = statistic(asked["Stat"]), asked["Metric"]
    pairs = [(each["Name"], each["Value"]) for each in named.get("Dimensions") or []]
    metric = Metric(scope, named["Namespace"], named["MetricName"], sorted_dimensions(pairs))
    by_unit = store.read(metric, window, unit=asked.get("Unit"), values=not wanted.basic, sliding=True)
    found: list[float | None] = []
    for age in range(number):
        period = number - 1 - age
        parts = [periods[period] for periods in by_unit.values() if period in periods]
        found.append(wanted.of(together(parts)) if parts else None)
    return found


class AlarmSchedule:
    """Says which alarms are to be looked at now.

    Parameters
    ----------
    scale : float
        What a second of an alarm's period takes here, in seconds.
    """

    def __init__(self, scale: float) -> None:
        self._scale = scale
        self._next: dict[tuple[str, Any], float] = {}

    def due(self, alarms: Iterable[dict[str, Any]]) -> Sequence[dict[str, Any]]:
        """Return those of all alarms that are due; one that was made or changed is."""
        now, there, found = time.monotonic(), dict(self._next), []
        self._next = {}
        for alarm in alarms:
            key = (alarm["AlarmArn"], alarm.get("AlarmConfigurationUpdatedTimestamp"))
            at = there.get(key, now)
            if at <= now:
                found.append(alarm)
                at = now + min(period_of(alarm) * self._scale / _PART_OF_PERIOD, _MOST_SECONDS)
            self._next[key] = at
        return found

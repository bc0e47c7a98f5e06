"""The metrics that a training job prints: the values that ``MetricDefinitions`` find in its log."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from localaws.sagemaker.jobs.metric_pattern import MetricPattern

_LINE_CHARACTERS = 1024 * 1024


def final_metrics(log: Path, definitions: Sequence[dict[str, str]]) -> list[dict[str, Any]]:
    """Return the last value of every metric whose regular expression matches in a log.

    Parameters
    ----------
    log : Path
    definitions : sequence of dict
        ``MetricDefinitions`` of a training job: ``Name``, and ``Regex``, whose first group is the number.

    Returns
    -------
    list of dict
        ``FinalMetricDataList``: ``MetricName``, ``Value``, ``Timestamp`` in seconds since the epoch.
    """
    patterns = [MetricPattern(definition["Name"], definition["Regex"]) for definition in definitions]
    values: dict[str, float] = {}
    if patterns and log.exists():
        with log.open(encoding="utf-8", errors="replace") as lines:
            for line in iter(lambda: lines.readline(_LINE_CHARACTERS), ""):
                for pattern in patterns:
                    values.update((pattern.name, value) for value in pattern.values(line))
    now = time.time()
    return [{"MetricName": name, "Value": value, "Timestamp": now} for name, value in values.items()]

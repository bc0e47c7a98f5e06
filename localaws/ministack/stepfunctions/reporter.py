"""What Step Functions tells CloudWatch of executions: their events, as their machine's logging asks, and metrics.

The events are collected and sent by the log writer's thread, as the executions' own must not wait; the metrics are
counted.
Source: AWS Step Functions Developer Guide, "Using CloudWatch Logs to log execution history" and "Step Functions metrics
in CloudWatch".
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from localaws.document import Document
from localaws.metrics.meter import Meter
from localaws.metrics.namespace import Metric, Namespace
from localaws.ministack.logs.writer import Destination, LogWriter

_OF_MACHINES = (("StateMachineArn",),)
_METRICS = {
    "RUNNING": "ExecutionsStarted",
    "SUCCEEDED": "ExecutionsSucceeded",
    "FAILED": "ExecutionsFailed",
    "TIMED_OUT": "ExecutionsTimedOut",
    "ABORTED": "ExecutionsAborted",
}
STATES = Namespace(
    "AWS/States",
    {
        **dict.fromkeys(_METRICS.values(), Metric("Count", _OF_MACHINES)),
        "ExecutionTime": Metric("Milliseconds", _OF_MACHINES),
    },
)
_FATAL = frozenset({"ExecutionFailed", "ExecutionAborted", "ExecutionTimedOut"})


class ExecutionReporter:
    """Sends what happens to executions to CloudWatch.

    Parameters
    ----------
    writer : LogWriter
    meter : Meter
    """

    def __init__(self, writer: LogWriter, meter: Meter) -> None:
        self._writer, self._meter = writer, meter

    def status(self, execution: Mapping[str, Any]) -> None:
        """Count that an execution has begun or ended."""
        values = {_METRICS[execution["status"]]: 1.0}
        if execution["status"] != "RUNNING":
            values["ExecutionTime"] = (_moment(execution["stopDate"]) - _moment(execution["startDate"])) * 1000
        self._meter.add(STATES, (("StateMachineArn", execution["stateMachineArn"]),), values)

    def event(self, execution: Mapping[str, Any], event: Mapping[str, Any], configuration: Mapping[str, Any]) -> None:
        """Log an event, if the machine's logging configuration asks for such events."""
        if not is_logged(str(configuration.get("level", "OFF")), event["type"]):
            return
        line = log_line(execution["executionArn"], event, configuration.get("includeExecutionData", False) is True)
        moment = round(_moment(event["timestamp"]) * 1000)
        machine, name = execution["executionArn"].split(":")[6:8]
        for destination in configuration.get("destinations", ()):
            account_id, _, group = destination["cloudWatchLogsLogGroup"]["logGroupArn"].split(":")[4:7]
            self._writer.put(Destination(account_id, group, f"states/{machine}/{name}"), [(moment, json.dumps(line))])


def is_logged(level: str, event_type: str) -> bool:
    """Say whether a level of logging (ALL, ERROR, FATAL, OFF) takes events of a type."""
    if level == "ERROR":
        return event_type.endswith(("Failed", "TimedOut", "Aborted"))
    return level == "ALL" or (level == "FATAL" and event_type in _FATAL)


def log_line(arn: str, event: Mapping[str, Any], with_data: bool) -> Document:
    """Make the JSON object that CloudWatch Logs gets of an event."""
    hidden = () if with_data else ("input", "output")
    details: Document = next((value for name, value in event.items() if name.endswith("EventDetails")), {})
    return {
        "id": str(event["id"]),
        "type": event["type"],
        "details": {name: value for name, value in details.items() if name not in hidden},
        "previous_event_id": str(event["id"] - 1),
        "event_timestamp": str(round(_moment(event["timestamp"]) * 1000)),
        "execution_arn": arn,
    }


def _moment(iso: str) -> float:
    return datetime.fromisoformat(iso).timestamp()

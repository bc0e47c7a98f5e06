"""What Step Functions tells CloudWatch of executions: their events, as their machine's logging asks, and metrics.

One thread sends the events, as the executions' own must not wait and the event loop must not be waited for by itself;
the metrics are counted.
Source: AWS Step Functions Developer Guide, "Using CloudWatch Logs to log execution history" and "Step Functions metrics
in CloudWatch".
"""

import json
import logging
import queue
import threading
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from localaws.account.session import Clients
from localaws.document import Document
from localaws.metrics.meter import Meter
from localaws.metrics.namespace import Metric, Namespace

logger = logging.getLogger(__name__)

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
    client : callable(service) -> boto3 client
    meter : Meter
    """

    def __init__(self, client: Clients, meter: Meter) -> None:
        self._client, self._meter = client, meter
        self._streams: set[tuple[str, str]] = set()
        self._work: queue.SimpleQueue[Callable[[], object]] = queue.SimpleQueue()
        threading.Thread(target=self._run, name="stepfunctions-reporter", daemon=True).start()

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
        message = {"timestamp": round(_moment(event["timestamp"]) * 1000), "message": json.dumps(line)}
        machine, name = execution["executionArn"].split(":")[6:8]
        for destination in configuration.get("destinations", ()):
            group = destination["cloudWatchLogsLogGroup"]["logGroupArn"].split(":")[6]
            self._work.put(partial(self._log, group, f"states/{machine}/{name}", message))

    def _log(self, group: str, stream: str, message: Document) -> None:
        logs = self._client("logs")
        if (group, stream) not in self._streams:
            logs.create_log_stream(logGroupName=group, logStreamName=stream)
            self._streams.add((group, stream))
        logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=[message])

    def _run(self) -> None:
        while True:
            work = self._work.get()
            try:
                work()
            except (ClientError, BotoCoreError) as error:
                # As on AWS, logs are given up, not the execution.
                logger.warning("Step Functions could not report to CloudWatch: %s", error)


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

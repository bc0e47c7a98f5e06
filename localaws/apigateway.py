"""What API Gateway says about its requests: access logs in CloudWatch Logs, metrics in CloudWatch.

MiniStack answers the requests and says nothing. Each answered request is a `Request` here; they are collected in memory
and sent once a second by a thread, as the endpoints' metrics are: no request waits for its own log.

Sources: "Amazon API Gateway dimensions and metrics" and "Variables for access logging" in the API Gateway Developer
Guide.
"""

import contextlib
import json
import logging
import re
import threading
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

logger = logging.getLogger(__name__)

Document = dict[str, Any]

NAMESPACE = "AWS/ApiGateway"
_INTERVAL_SECONDS = 1.0
_STREAM = "access"
_MOST_KEPT = 100_000
_EVENTS_PER_CALL = 1_000
_VALUES_PER_DATUM = 150
_DATA_PER_CALL = 500
_VARIABLE = re.compile(r"\$context\.([A-Za-z0-9_.]+)")
_CLIENT_ERRORS, _SERVER_ERRORS = 400, 500


@dataclass(frozen=True)
class Request:
    """A request that an API has answered.

    Attributes
    ----------
    stage : mapping
        As GetStage tells it: its name, its access log and the settings of its methods.
    resource_path : str
        Such as ``/stream``; empty when the request matched none.
    latency, integration_latency : int
        Milliseconds, in all and behind the API; the latter is 0 when the request did not get there.
    context : mapping of str to str
        The other ``$context`` variables by name.
    """

    api_name: str
    stage: Mapping[str, Any]
    method: str
    resource_path: str
    status: int
    latency: int
    integration_latency: int
    at: float
    context: Mapping[str, str]

    @property
    def stage_name(self) -> str:
        """The stage's name."""
        return str(self.stage["stageName"])

    def rendered(self, template: str) -> str:
        """A line of the access log; a variable without a value is ``-``."""
        own = {
            "status": str(self.status),
            "httpMethod": self.method,
            "resourcePath": self.resource_path,
            "stage": self.stage_name,
            "responseLatency": str(self.latency),
            "integrationLatency": str(self.integration_latency),
            "integration.latency": str(self.integration_latency),
            "requestTime": time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(self.at)),
            "requestTimeEpoch": str(int(self.at * 1000)),
        }
        known = {**self.context, **own}
        return _VARIABLE.sub(lambda found: known.get(found[1]) or "-", template)


class Watch:
    """Collects requests, and sends what is to be said about them.

    Parameters
    ----------
    client : callable(service) -> boto3 client
    interval : float, default=1
        Seconds between two sendings.
    """

    def __init__(self, client: Callable[[str], Any], interval: float = _INTERVAL_SECONDS) -> None:
        self._client, self._interval = client, interval
        # Bounded: when nothing can be sent, the oldest are given up, not the memory.
        self._requests: deque[Request] = deque(maxlen=_MOST_KEPT)
        self._streams: set[str] = set()
        threading.Thread(target=self._send_regularly, name="api gateway", daemon=True).start()

    def see(self, request: Request) -> None:
        """Take a request; from any thread."""
        self._requests.append(request)

    def _send_regularly(self) -> None:
        while True:
            time.sleep(self._interval)
            if self._requests:
                requests = [self._requests.popleft() for _ in range(len(self._requests))]
                self._send(requests)

    def _send(self, requests: Sequence[Request]) -> None:
        try:
            data = list(_data(requests))
            for start in range(0, len(data), _DATA_PER_CALL):
                part = data[start : start + _DATA_PER_CALL]
                self._client("cloudwatch").put_metric_data(Namespace=NAMESPACE, MetricData=part)
            for group, events in _log_events(requests).items():
                self._write(group, events)
        except (BotoCoreError, ClientError) as error:
            logger.warning("Metrics or access logs of %s requests were lost: %s", len(requests), error)

    def _write(self, group: str, events: Sequence[Document]) -> None:
        logs = self._client("logs")
        if group not in self._streams:
            with contextlib.suppress(logs.exceptions.ResourceAlreadyExistsException):
                logs.create_log_stream(logGroupName=group, logStreamName=_STREAM)
            self._streams.add(group)
        for start in range(0, len(events), _EVENTS_PER_CALL):
            part = events[start : start + _EVENTS_PER_CALL]
            logs.put_log_events(logGroupName=group, logStreamName=_STREAM, logEvents=part)


def model_for(content_type: str | None, models: Mapping[str, str]) -> str | None:
    """The name of the model that a body is held against: by its content type, which is JSON where none is said.

    Source: "Request validation for REST APIs" in the API Gateway Developer Guide.
    """
    kind = (content_type or "application/json").partition(";")[0].strip().lower()
    return models.get(kind) or models.get("$default")


def is_response(payload: Any) -> bool:
    """Whether what a function has returned is a response: an object with a statusCode, which may be JSON text."""
    if isinstance(payload, str | bytes):
        try:
            payload = json.loads(payload)
        except ValueError:
            return False
    return isinstance(payload, dict) and str(payload.get("statusCode", "")).isdecimal()


def _log_events(requests: Sequence[Request]) -> Mapping[str, Sequence[Document]]:
    """The lines for each log group, in the order of their time."""
    found: dict[str, list[Document]] = defaultdict(list)
    for request in sorted(requests, key=lambda request: request.at):
        settings = request.stage.get("accessLogSettings") or {}
        if settings.get("destinationArn") and settings.get("format"):
            group = settings["destinationArn"].partition(":log-group:")[2].removesuffix(":*")
            line = request.rendered(settings["format"])
            found[group].append({"timestamp": int(request.at * 1000), "message": line})
    return found


def _data(requests: Sequence[Request]) -> Iterator[Document]:
    """The metrics of requests: each value with its count, so that sums and averages are those of single requests."""
    counts: dict[tuple[str, str], Counter[float]] = defaultdict(Counter)
    for request in requests:
        values = {
            "Count": 1.0,
            "4XXError": float(_CLIENT_ERRORS <= request.status < _SERVER_ERRORS),
            "5XXError": float(request.status >= _SERVER_ERRORS),
            "Latency": float(request.latency),
            "IntegrationLatency": float(request.integration_latency),
        }
        for dimensions in _dimensions(request):
            for metric, value in values.items():
                counts[(metric, json.dumps(dimensions))][value] += 1
    now = time.time()
    for (metric, written), values_of in counts.items():
        pairs = list(values_of.items())
        for start in range(0, len(pairs), _VALUES_PER_DATUM):
            part = pairs[start : start + _VALUES_PER_DATUM]
            yield {
                "MetricName": metric,
                "Dimensions": json.loads(written),
                "Timestamp": now,
                "Values": [value for value, _ in part],
                "Counts": [float(count) for _, count in part],
                "Unit": "Milliseconds" if metric.endswith("Latency") else "Count",
                "StorageResolution": 1,
            }


def _dimensions(request: Request) -> Iterator[list[Document]]:
    """The API, its stage, and, where the stage has detailed metrics, its method."""
    api, stage = {"Name": "ApiName", "Value": request.api_name}, {"Name": "Stage", "Value": request.stage_name}
    yield [api]
    yield [api, stage]
    settings = request.stage.get("methodSettings") or {}
    if request.resource_path and any(setting.get("metricsEnabled") for setting in settings.values()):
        method = {"Name": "Method", "Value": request.method}
        yield [api, method, {"Name": "Resource", "Value": request.resource_path}, stage]

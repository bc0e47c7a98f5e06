"""What API Gateway says about its requests: access logs in CloudWatch Logs, metrics in CloudWatch.

MiniStack answers the requests and says nothing. Each answered request is a `Request` here. It is counted at once; for
the access log requests are collected in memory and sent once a second by a thread: none waits for its own line.

Sources: "Amazon API Gateway dimensions and metrics" and "Variables for access logging" in the API Gateway Developer
Guide.
"""

import contextlib
import json
import logging
import re
import threading
import time
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from localaws.account.session import Clients
from localaws.document import Document
from localaws.metrics.meter import Meter
from localaws.metrics.namespace import Dimensions, Metric, Namespace

logger = logging.getLogger(__name__)

_OF_APIS = (("ApiName",), ("ApiName", "Stage"), ("ApiName", "Method", "Resource", "Stage"))
_COUNT, _LATENCY = Metric("Count", _OF_APIS), Metric("Milliseconds", _OF_APIS)
API_GATEWAY = Namespace(
    "AWS/ApiGateway",
    {"Count": _COUNT, "4XXError": _COUNT, "5XXError": _COUNT, "Latency": _LATENCY, "IntegrationLatency": _LATENCY},
)
_INTERVAL_SECONDS = 1.0
_STREAM = "access"
_MOST_KEPT = 100_000
_EVENTS_PER_CALL = 1_000
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
        """Return the stage's name."""
        return str(self.stage["stageName"])

    def rendered(self, template: str) -> str:
        """Return a line of the access log; a variable without a value is ``-``."""
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


class RequestReporter:
    """Counts requests, and collects those that are to be logged.

    Parameters
    ----------
    client : callable(service) -> boto3 client
    meter : Meter
    interval : float, default=1
        Seconds between two sendings.
    """

    def __init__(self, client: Clients, meter: Meter, interval: float = _INTERVAL_SECONDS) -> None:
        self._client, self._meter, self._interval = client, meter, interval
        # Bounded: when nothing can be sent, the oldest are given up, not the memory.
        self._requests: deque[Request] = deque(maxlen=_MOST_KEPT)
        self._streams: set[str] = set()
        threading.Thread(target=self._send_regularly, name="api gateway", daemon=True).start()

    def report(self, request: Request) -> None:
        """Take a request; from any thread."""
        for dimensions in _dimensions(request):
            self._meter.add(API_GATEWAY, dimensions, _values(request))
        self._requests.append(request)

    def _send_regularly(self) -> None:
        while True:
            time.sleep(self._interval)
            if self._requests:
                requests = [self._requests.popleft() for _ in range(len(self._requests))]
                self._send(requests)

    def _send(self, requests: Sequence[Request]) -> None:
        try:
            for group, events in _log_events(requests).items():
                self._write(group, events)
        except (BotoCoreError, ClientError) as error:
            logger.warning("Access logs of %s requests were lost: %s", len(requests), error)

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
    """Return the name of the model that validates a body: by its content type, JSON by default.

    Source: "Request validation for REST APIs" in the API Gateway Developer Guide.
    """
    kind = (content_type or "application/json").partition(";")[0].strip().lower()
    return models.get(kind) or models.get("$default")


def is_response(payload: Any) -> bool:
    """Return whether a function's result is a response: an object with a statusCode, which may be JSON text."""
    if isinstance(payload, str | bytes):
        try:
            payload = json.loads(payload)
        except ValueError:
            return False
    return isinstance(payload, dict) and str(payload.get("statusCode", "")).isdecimal()


def _log_events(requests: Sequence[Request]) -> Mapping[str, Sequence[Document]]:
    """Return the lines for each log group, ordered by time."""
    found: dict[str, list[Document]] = defaultdict(list)
    for request in sorted(requests, key=lambda request: request.at):
        settings = request.stage.get("accessLogSettings") or {}
        if settings.get("destinationArn") and settings.get("format"):
            group = settings["destinationArn"].partition(":log-group:")[2].removesuffix(":*")
            line = request.rendered(settings["format"])
            found[group].append({"timestamp": int(request.at * 1000), "message": line})
    return found


def _values(request: Request) -> Mapping[str, float]:
    return {
        "Count": 1.0,
        "4XXError": float(_CLIENT_ERRORS <= request.status < _SERVER_ERRORS),
        "5XXError": float(request.status >= _SERVER_ERRORS),
        "Latency": float(request.latency),
        "IntegrationLatency": float(request.integration_latency),
    }


def _dimensions(request: Request) -> Iterator[Dimensions]:
    """Yield the API, its stage and, where the stage has detailed metrics, its method."""
    api, stage = ("ApiName", request.api_name), ("Stage", request.stage_name)
    yield (api,)
    yield (api, stage)
    settings = request.stage.get("methodSettings") or {}
    if request.resource_path and any(setting.get("metricsEnabled") for setting in settings.values()):
        yield (api, ("Method", request.method), ("Resource", request.resource_path), stage)

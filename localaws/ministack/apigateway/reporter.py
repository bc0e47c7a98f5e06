"""What API Gateway says about its requests: access logs in CloudWatch Logs, metrics in CloudWatch.

MiniStack answers the requests and says nothing. Each answered request is a `Request` here. It is counted at once; its
line of the access log goes to the log writer: no request waits for its own.

Sources: "Amazon API Gateway dimensions and metrics" and "Variables for access logging" in the API Gateway Developer
Guide.
"""

import json
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from localaws.metrics.meter import Meter
from localaws.metrics.namespace import Dimensions, Metric, Namespace
from localaws.ministack.logs.writer import Destination, LogWriter

_OF_APIS = (("ApiName",), ("ApiName", "Stage"), ("ApiName", "Method", "Resource", "Stage"))
_COUNT, _LATENCY = Metric("Count", _OF_APIS), Metric("Milliseconds", _OF_APIS)
API_GATEWAY = Namespace(
    "AWS/ApiGateway",
    {"Count": _COUNT, "4XXError": _COUNT, "5XXError": _COUNT, "Latency": _LATENCY, "IntegrationLatency": _LATENCY},
)
_STREAM = "access"
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
    """Counts requests, and logs those that are to be logged.

    Parameters
    ----------
    writer : LogWriter
    meter : Meter
    """

    def __init__(self, writer: LogWriter, meter: Meter) -> None:
        self._writer, self._meter = writer, meter

    def report(self, request: Request) -> None:
        """Take a request; from any thread."""
        for dimensions in _dimensions(request):
            self._meter.add(API_GATEWAY, dimensions, _values(request))
        settings = request.stage.get("accessLogSettings") or {}
        if settings.get("destinationArn") and settings.get("format"):
            account_id, _, group = settings["destinationArn"].split(":")[4:7]
            line = int(request.at * 1000), request.rendered(settings["format"])
            self._writer.put(Destination(account_id, group, _STREAM), [line])


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

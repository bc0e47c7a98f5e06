"""AWS/Lambda: what CloudWatch is told of functions.

Each invocation says of all its metrics that they are 0 or 1, so that an average is a share.

Source: "Types of metrics for Lambda functions" and "Viewing metrics for Lambda functions" in the AWS Lambda Developer
Guide.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from localaws.metrics.meter import Meter
from localaws.metrics.namespace import Dimensions, Metric, Namespace

_OF_FUNCTIONS = (("FunctionName",), ("FunctionName", "Resource"), ("FunctionName", "Resource", "ExecutedVersion"))
_COUNT = Metric("Count", ((), *_OF_FUNCTIONS))
LAMBDA = Namespace(
    "AWS/Lambda",
    {
        "Invocations": _COUNT,
        "Errors": _COUNT,
        "Throttles": _COUNT,
        "Duration": Metric("Milliseconds", ((), *_OF_FUNCTIONS)),
        "ConcurrentExecutions": Metric("Count", ((), ("FunctionName",))),
        "AsyncEventsReceived": _COUNT,
        "AsyncEventsDropped": _COUNT,
        "DeadLetterErrors": _COUNT,
        "DestinationDeliveryFailures": _COUNT,
        "RecursiveInvocationsDropped": Metric("Count", (("FunctionName",),)),  # by MiniStack itself
    },
)
_LATEST = "$LATEST"
_ARN_PARTS = 8


@dataclass(frozen=True)
class Function:
    """What was invoked.

    Attributes
    ----------
    name : str
    qualifier : str
        The version or alias by which it was called; empty without one.
    version : str
        The version that runs.
    """

    name: str
    qualifier: str
    version: str

    @classmethod
    def of(cls, configuration: Mapping[str, Any]) -> "Function":
        """Return the function of a configuration, whose ARN says how it was called."""
        parts = str(configuration.get("FunctionArn", "")).split(":")
        qualifier = parts[_ARN_PARTS - 1] if len(parts) == _ARN_PARTS else ""
        return cls(str(configuration.get("FunctionName", "")), qualifier, str(configuration.get("Version", _LATEST)))

    @property
    def dimensions(self) -> tuple[Dimensions, ...]:
        """Return what it is counted by: all functions, the function, and the version or alias if one was called."""
        name = ("FunctionName", self.name)
        if not self.qualifier:
            return ((), (name,))
        resource = ("Resource", f"{self.name}:{self.qualifier}")
        is_alias = self.qualifier != _LATEST and not self.qualifier.isdecimal()
        of_alias = ((name, resource, ("ExecutedVersion", self.version)),) if is_alias else ()
        return ((), (name,), (name, resource), *of_alias)


class FunctionMetrics:
    """Counts what happens to functions.

    Parameters
    ----------
    meter : Meter
    """

    def __init__(self, meter: Meter) -> None:
        self._meter = meter

    def began(self, function: Function, of_function: int, of_all: int) -> None:
        """Note that an invocation has begun, and how many of the function and of all functions run now."""
        self._meter.add(LAMBDA, (("FunctionName", function.name),), {"ConcurrentExecutions": of_function})
        self._meter.add(LAMBDA, (), {"ConcurrentExecutions": of_all})

    def ended(self, function: Function, seconds: float, *, failed: bool) -> None:
        """Note that an invocation has ended."""
        values = {
            "Invocations": 1.0,
            "Errors": float(failed),
            "Throttles": 0.0,
            "Duration": round(seconds * 1000, 2),
        }
        self._add(function, values)

    def throttled(self, function: Function) -> None:
        """Note that an invocation was refused because too many are running."""
        self._add(function, {"Throttles": 1.0})

    def received(self, function: Function) -> None:
        """Note that an event was accepted for an asynchronous invocation."""
        self._add(function, {"AsyncEventsReceived": 1.0, "AsyncEventsDropped": 0.0})

    def dropped(self, function: Function) -> None:
        """Note that an event was dropped after its last attempt; it may be in a dead-letter queue."""
        self._add(function, {"AsyncEventsDropped": 1.0})

    def not_delivered(self, function: Function, *, to_destination: bool) -> None:
        """Note that a dropped event has not reached its dead-letter queue or failure destination."""
        self._add(function, {"DestinationDeliveryFailures" if to_destination else "DeadLetterErrors": 1.0})

    def _add(self, function: Function, values: Mapping[str, float]) -> None:
        for dimensions in function.dimensions:
            self._meter.add(LAMBDA, dimensions, values)

"""A request to an endpoint, and its result."""

import time
from dataclasses import dataclass, field

from localaws.sagemaker.hosting.routes import Fleet, Route, Variant
from localaws.sagemaker.runtime.client import Answer
from localaws.sagemaker.runtime.errors import RuntimeFault

MODEL_SECONDS = 60.0
CUSTOM_ATTRIBUTES = b"x-amzn-sagemaker-custom-attributes"
INFERENCE_ID = b"x-amzn-sagemaker-inference-id"


@dataclass(frozen=True, slots=True)
class Request:
    """A requested invocation.

    Attributes
    ----------
    headers : dict
        The caller's headers, by lower-case name.
    event_id : str
        The ID of the request.
    seconds : float
        How long the model may take.
    largest_body : int or None
        In bytes; None for the limit of InvokeEndpoint.
    received : float
        When it arrived, by the monotonic clock.
    """

    endpoint_name: str
    headers: dict[bytes, bytes]
    body: bytes
    event_id: str
    seconds: float = MODEL_SECONDS
    largest_body: int | None = None
    received: float = field(default_factory=time.monotonic)


@dataclass(frozen=True, slots=True)
class Invocation:
    """One invocation that reached a variant: the input of capture, metrics and shadows.

    Attributes
    ----------
    answer : Answer
        The model server's answer; if there is none, what went wrong.
    model_seconds : float
        How long the server took.
    fault : RuntimeFault or None
        What the caller gets instead of the answer.
    ended : float
        When the answer was complete, by the monotonic clock.
    """

    route: Route
    fleet: Fleet
    variant: Variant
    request: Request
    answer: Answer
    model_seconds: float
    fault: RuntimeFault | None = None
    ended: float = field(default_factory=time.monotonic)

    @property
    def overhead_seconds(self) -> float:
        """The time that this process added to the server's."""
        return self.ended - self.request.received - self.model_seconds

"""What is asked of an endpoint, and what came of it."""

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
    """An invocation that is wanted.

    Attributes
    ----------
    headers : dict
        The caller's, by lower-case name.
    event_id : str
        The request's id.
    seconds : float
        How long the model may take.
    largest_body : int or None
        In bytes; None for what InvokeEndpoint allows.
    received : float
        When it came, on the monotonic clock.
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
    """One invocation that reached a variant: what capture, metrics and shadows work with.

    Attributes
    ----------
    answer : Answer
        The model server's; without one, what went wrong.
    model_seconds : float
        What the server took.
    fault : RuntimeFault or None
        What the caller gets in place of the answer.
    ended : float
        When the answer was there, on the monotonic clock.
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
        """What was added to the server's time here."""
        return self.ended - self.request.received - self.model_seconds

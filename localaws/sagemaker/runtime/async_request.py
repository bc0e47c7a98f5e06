"""A request of InvokeEndpointAsync: read from its headers, validated, and converted to the stored form.

Source: the API reference of InvokeEndpointAsync and botocore's model of it.
"""

import base64
import time
import uuid
from dataclasses import asdict, dataclass
from functools import cache

import botocore.session
from botocore.model import StructureShape

from localaws.containers.errors import JobFailure
from localaws.containers.s3 import Location
from localaws.document import Document
from localaws.protocol.shapes import check_members
from localaws.sagemaker import errors
from localaws.sagemaker.runtime.errors import ValidationError
from localaws.sagemaker.runtime.invocation import CUSTOM_ATTRIBUTES, INFERENCE_ID, Request

_TTL_SECONDS = 21_600
_INVOCATION_SECONDS = 900
_LARGEST_INPUT = 1024**3


@dataclass(frozen=True)
class AsyncRequest:
    """An invocation that waits in the queue.

    Attributes
    ----------
    request_id : str
        Also the name of its output.
    input_location : str
        An S3 URI, or empty if the body came with the request.
    body : str
        That body in base64, or empty.
    output_location, failure_location : str
        S3 URIs; `failure_location` is empty if the endpoint does not store failures.
    received : float
        Seconds since the epoch.
    ttl_seconds, seconds : int
        How long it may wait, and how long the model may take.
    """

    request_id: str
    endpoint_name: str
    input_location: str
    body: str
    content_type: str
    accept: str
    custom_attributes: str
    inference_id: str
    output_location: str
    failure_location: str
    received: float
    ttl_seconds: int
    seconds: int

    @property
    def document(self) -> Document:
        """The stored form; `AsyncRequest(**document)` is equal to the original."""
        return asdict(self)

    def request(self, body: bytes) -> Request:
        """Return the invocation with its input."""
        given = {
            b"content-type": self.content_type,
            b"accept": self.accept,
            CUSTOM_ATTRIBUTES: self.custom_attributes,
            INFERENCE_ID: self.inference_id,
        }
        headers = {name: value.encode("latin-1") for name, value in given.items() if value}
        return Request(self.endpoint_name, headers, body, self.request_id, self.seconds, _LARGEST_INPUT)


def read_request(request: Request, config: Document) -> AsyncRequest:
    """Parse an asynchronous request from an HTTP request.

    Parameters
    ----------
    request : Request
    config : dict
        The endpoint's AsyncInferenceConfig.

    Raises
    ------
    ValidationError
        If it does not match botocore's model, or lacks an input or a location for the result.
    """
    members = _members(request)
    location = members.get("InputLocation", "")
    if bool(location) == bool(request.body):
        raise ValidationError("Give either InputLocation or Body: what the model is to predict.")
    output = config["OutputConfig"]
    name = members.get("Filename") or f"{request.event_id}.out"
    extension = members.get("S3OutputPathExtension", "")
    failures = output.get("S3FailurePath")
    return AsyncRequest(
        request_id=request.event_id,
        endpoint_name=request.endpoint_name,
        input_location=str(_location(location)) if location else "",
        body=base64.b64encode(request.body).decode(),
        content_type=members.get("ContentType", ""),
        accept=members.get("Accept", ""),
        custom_attributes=members.get("CustomAttributes", ""),
        inference_id=members.get("InferenceId") or str(uuid.uuid4()),
        output_location=_below(output.get("S3OutputPath"), extension, name),
        failure_location=_below(failures, extension, f"{request.event_id}-error.out") if failures else "",
        received=time.time(),
        ttl_seconds=members.get("RequestTTLSeconds", _TTL_SECONDS),
        seconds=members.get("InvocationTimeoutSeconds", _INVOCATION_SECONDS),
    )


@cache
def _shape() -> StructureShape:
    model = botocore.session.get_session().get_service_model("sagemaker-runtime")
    shape: StructureShape = model.operation_model("InvokeEndpointAsync").input_shape
    return shape


def _members(request: Request) -> Document:
    members: Document = {"EndpointName": request.endpoint_name}
    for name, shape in _shape().members.items():
        value = request.headers.get(shape.serialization.get("name", "").lower().encode())
        if shape.serialization.get("location") == "header" and value is not None:
            text = value.decode("latin-1")
            members[name] = int(text) if shape.type_name == "integer" and text.lstrip("-").isdecimal() else text
    limit: int = _shape().members["Body"].metadata["max"]
    if len(request.body) > limit:
        raise ValidationError(
            f"The body has {len(request.body)} bytes, of which {limit} are allowed: use InputLocation."
        )
    try:
        check_members(_shape(), members)
    except errors.ApiError as error:
        raise ValidationError(error.message) from error
    return members


def _below(path: str | None, extension: str, name: str) -> str:
    if not path:
        raise ValidationError("The endpoint has no S3OutputPath: set it in AsyncInferenceConfig.OutputConfig.")
    relative = "/".join(part for part in (extension.strip("/"), name) if part)
    return str(_location(path).below(relative))


def _location(uri: str) -> Location:
    try:
        return Location.of(uri)
    except JobFailure as error:
        raise ValidationError(str(error).removeprefix("ClientError: ")) from error

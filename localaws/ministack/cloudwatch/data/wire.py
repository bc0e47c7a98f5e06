"""Requests and answers in CloudWatch's three protocols: query (forms and XML), JSON, and Smithy's RPC v2 with CBOR.

Which of them a client speaks depends on its version; boto3 has spoken all. In here, times are seconds since the epoch.
orjson, because a library that is slow with a hundred thousand numbers keeps the event loop waiting from any thread.
"""

import importlib
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from functools import cache
from typing import Any
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

import botocore.session
import orjson
from botocore.model import ListShape, MapShape, OperationModel, ServiceModel, Shape, StructureShape

from localaws.api_errors import ApiError, SerializationError, ValidationError
from localaws.document import Document

_NAMESPACE = "http://monitoring.amazonaws.com/doc/2010-08-01/"
# How JSON writes what is no number of its own.
_SPECIAL = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
_OPERATION = re.compile(r"/operation/(\w+)")

Answer = tuple[int, dict[str, str], bytes]
"""Status, headers and body."""


class Protocol(Enum):
    """How a request is written, and its answer will be."""

    QUERY = "text/xml"
    JSON = "application/x-amz-json-1.0"
    CBOR = "application/cbor"


@dataclass(frozen=True)
class Request:
    """A request as it came.

    Attributes
    ----------
    path : str
    headers : mapping of str to str
        With names in lower case.
    body : bytes
    query : mapping of str to list of str
        Of the URL.
    """

    path: str
    headers: Mapping[str, str]
    body: bytes
    query: Mapping[str, Any]

    @property
    def protocol(self) -> Protocol:
        """Return how it is written."""
        said = self.headers.get("content-type", "")
        if "cbor" in said or "cbor" in self.headers.get("smithy-protocol", ""):
            return Protocol.CBOR
        return Protocol.JSON if "json" in said or "x-amz-target" in self.headers else Protocol.QUERY

    @property
    def operation(self) -> str:
        """Return the name of the operation; empty when none is named."""
        if target := self.headers.get("x-amz-target", ""):
            return target.rpartition(".")[2]
        if found := _OPERATION.search(self.path):
            return found[1]
        return _first(self._form, "Action") or ""

    @property
    def _form(self) -> dict[str, Any]:
        form = parse_qs(self.body.decode("utf-8", "replace"), keep_blank_values=True)
        return {**self.query, **form}

    def members(self, shape: StructureShape) -> Document:
        """Return the request's members by a shape."""
        if self.protocol is Protocol.QUERY:
            return _of_form(shape, "", self._form) or {}
        try:
            document = _cbor().loads(self.body) if self.protocol is Protocol.CBOR else orjson.loads(self.body or b"{}")
        except Exception as error:  # each library has its own
            raise SerializationError(f"The body cannot be read: {error}") from error
        if not isinstance(document, dict):
            raise SerializationError("The body is no structure")
        return dict(_of_document(shape, document))

    def answer(self, operation: OperationModel, document: Document) -> Answer:
        """Return a document as this request is to be answered."""
        shape = operation.output_shape
        if self.protocol is Protocol.CBOR:
            return _answered(self.protocol, 200, _cbor().dumps(_for_cbor(shape, document)))
        if self.protocol is Protocol.JSON:
            return _answered(self.protocol, 200, orjson.dumps(document))
        inside = _for_xml(shape, document) if shape else ""
        name = operation.name
        result = f"<{name}Result>{inside}</{name}Result>" if shape else ""
        text = f'<{name}Response xmlns="{_NAMESPACE}">{result}<ResponseMetadata/></{name}Response>'
        return _answered(self.protocol, 200, text.encode())

    def refusal(self, error: ApiError) -> Answer:
        """Return an error as this request is to be answered."""
        # Of what breaks a constraint of the model, CloudWatch says it without "Exception".
        code = "ValidationError" if isinstance(error, ValidationError) else error.code
        status, message = error.http_status, error.message
        if self.protocol is Protocol.QUERY:
            side = "Sender" if status < 500 else "Receiver"
            inside = f"<Type>{side}</Type><Code>{code}</Code><Message>{escape(message)}</Message>"
            text = f'<ErrorResponse xmlns="{_NAMESPACE}"><Error>{inside}</Error></ErrorResponse>'
            return _answered(self.protocol, status, text.encode())
        document = {"__type": code, "message": message}
        body = _cbor().dumps(document) if self.protocol is Protocol.CBOR else orjson.dumps(document)
        status, headers, body = _answered(self.protocol, status, body)
        return status, {**headers, "x-amzn-query-error": f"{code};Sender", "x-amzn-errortype": code}, body


@cache
def _cbor() -> Any:
    """Return the library for CBOR, which only some clients ask for."""
    return importlib.import_module("cbor2")


@cache
def service_model() -> ServiceModel:
    """Return botocore's model of CloudWatch."""
    return botocore.session.get_session().get_service_model("cloudwatch")


def _answered(protocol: Protocol, status: int, body: bytes) -> Answer:
    headers = {"Content-Type": protocol.value}
    if protocol is Protocol.CBOR:
        headers["smithy-protocol"] = "rpc-v2-cbor"
    return status, headers, body


def _first(form: Mapping[str, Any], name: str) -> str | None:
    found = form.get(name) or None
    return str(found[0] if isinstance(found, list) else found) if found is not None else None


def _of_form(shape: Shape, prefix: str, form: Mapping[str, Any]) -> Any:
    """Return the value of a member of a form; None when it is not there."""
    if isinstance(shape, StructureShape):
        point = f"{prefix}." if prefix else ""
        members = {name: _of_form(member, f"{point}{name}", form) for name, member in shape.members.items()}
        return {name: value for name, value in members.items() if value is not None} or None
    if isinstance(shape, ListShape):
        items: list[Any] = []
        while (item := _of_form(shape.member, f"{prefix}.member.{len(items) + 1}", form)) is not None:
            items.append(item)
        return items or None
    if isinstance(shape, MapShape):
        pairs: dict[str, Any] = {}
        while (key := _first(form, f"{prefix}.entry.{len(pairs) + 1}.key")) is not None:
            pairs[key] = _first(form, f"{prefix}.entry.{len(pairs) + 1}.value")
        return pairs or None
    text = _first(form, prefix)
    return None if text is None else _of_text(shape, text, prefix)


def _of_text(shape: Shape, text: str, path: str) -> Any:
    try:
        match shape.type_name:
            case "double" | "float":
                return float(text)
            case "integer" | "long":
                return int(text)
            case "boolean":
                return text.lower() == "true"
            case "timestamp":
                return _seconds(text)
    except ValueError as error:
        raise SerializationError(f"{text} at '{path}' can not be converted to a {shape.type_name}") from error
    return text


def _of_document(shape: Shape, value: Any) -> Any:
    """Return a value of JSON or CBOR, its times as seconds since the epoch, without what is null."""
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        return {
            name: _of_document(shape.members[name], item) if name in shape.members else item
            for name, item in value.items()
            if item is not None
        }
    if isinstance(shape, ListShape) and isinstance(value, list):
        if shape.member.type_name == "double":
            return [_SPECIAL.get(item, item) if isinstance(item, str) else item for item in value]
        return [_of_document(shape.member, item) for item in value]
    if shape.type_name == "double" and isinstance(value, str):
        return _SPECIAL.get(value, value)
    if shape.type_name == "timestamp":
        try:
            return _seconds(value)
        except ValueError as error:
            raise SerializationError(f"{value} is no time") from error
    return value


def _seconds(value: Any) -> Any:
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            value = datetime.fromisoformat(value)
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp()
    return value


def _for_cbor(shape: Shape | None, value: Any) -> Any:
    if isinstance(shape, StructureShape):
        return {name: _for_cbor(shape.members[name], item) for name, item in value.items()}
    if isinstance(shape, ListShape):
        return [_for_cbor(shape.member, item) for item in value]
    if shape is not None and shape.type_name == "timestamp":
        return _cbor().CBORTag(1, float(value))
    return value


def _for_xml(shape: Shape, value: Any) -> str:
    if isinstance(shape, StructureShape):
        return "".join(f"<{name}>{_for_xml(shape.members[name], item)}</{name}>" for name, item in value.items())
    if isinstance(shape, ListShape):
        return "".join(f"<member>{_for_xml(shape.member, item)}</member>" for item in value)
    if isinstance(shape, MapShape):
        pairs = ((escape(key), _for_xml(shape.value, item)) for key, item in value.items())
        return "".join(f"<entry><key>{key}</key><value>{text}</value></entry>" for key, text in pairs)
    if shape.type_name == "timestamp":
        return datetime.fromtimestamp(value, UTC).isoformat().replace("+00:00", "Z")
    return escape(str(value))

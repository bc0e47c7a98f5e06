"""HTTP messages as values: the head of a request, and a response with its bytes.

Source: RFC 9110 and RFC 9112.
"""

import json
import time
from dataclasses import dataclass
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus

from serving.context import Headers
from serving.errors import MethodNotAllowedError, RequestError
from serving.media import JSON, Accept, MediaType


@dataclass(frozen=True, slots=True)
class Head:
    """A request without its body.

    Attributes
    ----------
    method, path, query : str
    headers : tuple of (name, value)
        Names in lower case.
    media : MediaType
        What Content-Type says.
    accept : Accept
        What Accept says.
    length : int or None
        Content-Length; None for a chunked body.
    keep_alive : bool
        Whether the connection stays open after the answer.
    chunks : bool
        Whether an answer may be sent in chunks: not in HTTP/1.0.
    """

    method: str
    path: str
    query: str
    headers: Headers
    media: MediaType
    accept: Accept
    length: int | None
    keep_alive: bool
    chunks: bool

    def header(self, name: bytes) -> str:
        """Return the first header of that name; empty if there is none."""
        return next((value.decode("latin-1") for key, value in self.headers if key == name), "")


@dataclass(frozen=True, slots=True)
class Response:
    """What is answered.

    Attributes
    ----------
    body : bytes
    """

    body: bytes
    content_type: str = JSON
    status: int = 200
    headers: Headers = ()


def refusal(error: RequestError) -> Response:
    """Return the answer to a request that is refused."""
    headers = ((b"allow", error.allow.encode()),) if isinstance(error, MethodNotAllowedError) else ()
    return Response(error_body(str(error)), status=int(error.status), headers=headers)


def error_body(sentence: str) -> bytes:
    """Return a sentence as the body of an error."""
    # Not orjson, which refuses the lone surrogates that a script may quote from a caller's body.
    return json.dumps({"error": sentence}).encode()


def start_of(response: Response, keep_alive: bool, framing: bytes) -> bytes:
    """Return a response up to its body.

    Parameters
    ----------
    response : Response
    keep_alive : bool
        False announces that the connection will be closed.
    framing : bytes
        The header line that says where the body ends, with its line end; empty when the connection's end does.
    """
    further = b"".join([b"%b: %b\r\n" % header for header in response.headers])
    close = b"" if keep_alive else b"connection: close\r\n"
    return b"%b%b%b%b\r\n" % (first_lines(response.status, response.content_type), further, close, framing)


def first_lines(status: int, content_type: str) -> bytes:
    """Return the status line, Content-Type, and Date, which RFC 9110 (6.6.1) asks for."""
    return _first_lines(status, content_type, int(time.time()))


@lru_cache(maxsize=64)
def _first_lines(status: int, content_type: str, second: int) -> bytes:
    # A line end in a script's content type would start a header of its own.
    content_type = "".join(character for character in content_type if character.isprintable())
    lines = (
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}",
        f"content-type: {content_type}",
        f"date: {formatdate(second, usegmt=True)}",
        "",
    )
    return "\r\n".join(lines).encode("latin-1", "replace")

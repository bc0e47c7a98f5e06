"""A request passed on as it is, and answered as it was answered.

The server behind may restart at any time: one that refuses connections is waited for a moment, as it is being started
again. Whatever else fails becomes a ``ServiceUnavailable``, which AWS's clients retry.
"""

import asyncio
import http.client
import time

from localaws.protocol.asgi import Headers, Response, Scope

# RFC 9110, 7.6.1: these concern one connection, not the message. Expect was answered here already.
_HOP_BY_HOP = frozenset(
    b"connection keep-alive proxy-authenticate proxy-authorization te trailer transfer-encoding upgrade expect".split()
)

# InvokeEndpoint may take 60 s, an answer a little longer.
_ANSWER_TIMEOUT_SECONDS = 90.0

_START_SECONDS = 3.0
_POLL_SECONDS = 0.05


async def ask(address: str, scope: Scope, body: bytes) -> Response:
    """Pass a request on to the server at ``address`` ("host:port") and return its answer."""
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            # A thread per request in flight: an invocation waits for a model, and the event loop must not.
            return await asyncio.to_thread(_ask, address, scope, body)
        except ConnectionRefusedError as error:  # nothing was sent, so nothing happens twice
            if time.monotonic() > deadline:
                return _unavailable(address, error)
        await asyncio.sleep(_POLL_SECONDS)


def _ask(address: str, scope: Scope, body: bytes) -> Response:
    target = scope["raw_path"].decode("latin-1")
    if scope["query_string"]:
        target += "?" + scope["query_string"].decode("latin-1")
    connection = http.client.HTTPConnection(address, timeout=_ANSWER_TIMEOUT_SECONDS)
    try:
        connection.putrequest(scope["method"], target, skip_host=True, skip_accept_encoding=True)
        for name, value in _end_to_end(scope["headers"]):
            if name != b"content-length":
                connection.putheader(name.decode("latin-1"), value)
        connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        response = connection.getresponse()
        content = response.read()
        headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in response.getheaders()]
        return Response(response.status, _end_to_end(headers), content)
    except ConnectionRefusedError:
        raise
    except (OSError, http.client.HTTPException) as error:
        return _unavailable(address, error)
    finally:
        connection.close()


def _end_to_end(headers: Headers) -> Headers:
    return [(name, value) for name, value in headers if name.lower() not in _HOP_BY_HOP]


def _unavailable(address: str, error: Exception) -> Response:
    """Return AWS's error for a service that cannot answer now."""
    message = (
        f"The server at {address} did not answer ({type(error).__name__}: {error}). It is started "
        "again by itself within a second; if this stays, see: local-aws status"
    )
    return Response.aws_error(503, "ServiceUnavailable", message)

"""Pages of other origins: what an API or a bucket has opened to them stays open, as on AWS, and nothing else is.

`SameOriginOnly` refuses what comes from a page of another origin, unless `CrossOrigin.allows` it:

- to a deployed API and a function's URL, what their own answer to a preflight allows: it is asked for here, before
  requests too for which a browser asks for none,
- to a bucket, what its CORS configuration allows.

MiniStack adds ``access-control-allow-origin: *`` to most answers; here only an API and a bucket say so.
"""

from collections.abc import Callable, Sequence

from localaws.ministack.s3.hooks_bucket_cors import BucketCors
from localaws.protocol.asgi import Application, Headers, Message, Receive, Scope, Send

_CORS = b"access-control-"
_ALLOW_ORIGIN = b"access-control-allow-origin"
# A document in a bucket, or what an API answers, would have this port's origin, and so could call every service.
_DOCUMENTS = (b"text/html", b"application/xhtml+xml", b"image/svg+xml", b"text/xml", b"application/xml")
_SANDBOX = (b"content-security-policy", b"sandbox allow-downloads allow-forms allow-modals allow-popups allow-scripts")
_FIRST_ERROR = 400


class CrossOrigin:
    """An ASGI application before the gateway.

    Parameters
    ----------
    gateway : Application
    is_api_request : callable
        Says whether a request is for a deployed API or a function's URL.
    buckets : BucketCors
    """

    def __init__(self, gateway: Application, is_api_request: Callable[[Scope], bool], buckets: BucketCors) -> None:
        self._gateway, self._is_api_request, self._buckets = gateway, is_api_request, buckets

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer preflights of buckets, and pass on the rest; its answer says what API and bucket allow."""
        if scope["type"] != "http":
            await self._gateway(scope, receive, send)
        elif self._is_api_request(scope):
            await self._gateway(scope, receive, _with_headers(send, _sandboxed))
        elif (preflight := self._buckets.preflight(scope)) is not None:
            await preflight.dated().send(send)
        else:
            cors = [(name.lower().encode(), value.encode()) for name, value in self._buckets.headers(scope).items()]
            await self._gateway(scope, receive, _with_headers(send, lambda headers: _own(headers, cors)))

    async def allows(self, scope: Scope) -> bool:
        """Return whether a request of another origin is one that an API or a bucket has opened itself to."""
        if scope["type"] != "http":
            return False
        if self._is_api_request(scope):
            return scope["method"] == "OPTIONS" or await self._api_allows(scope)
        return self._buckets.allows(scope)

    async def _api_allows(self, scope: Scope) -> bool:
        origin = dict(scope["headers"]).get(b"origin", b"null")
        asked = [(b"origin", origin), (b"access-control-request-method", scope["method"].encode())]
        kept = [(name, value) for name, value in scope["headers"] if name == b"host"]
        answer: Headers = []

        async def nothing() -> Message:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def note(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] < _FIRST_ERROR:
                answer.extend(message["headers"])

        await self._gateway({**scope, "method": "OPTIONS", "headers": [*kept, *asked]}, nothing, note)
        return any(name.lower() == _ALLOW_ORIGIN and value in (b"*", origin) for name, value in answer)


def _with_headers(send: Send, change: Callable[[Headers], Headers]) -> Send:
    async def send_on(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": change(list(message["headers"]))}
        await send(message)

    return send_on


def _own(headers: Headers, cors: Sequence[tuple[bytes, bytes]]) -> Headers:
    return _sandboxed([*(each for each in headers if not each[0].lower().startswith(_CORS)), *cors])


def _sandboxed(headers: Headers) -> Headers:
    """Give a document an origin of its own, to which nothing here is open."""
    is_document = any(name.lower() == b"content-type" and value.startswith(_DOCUMENTS) for name, value in headers)
    return [*headers, _SANDBOX] if is_document else headers

"""What asks IAM about each request to our own servers when ``LOCALAWS_IAM=enforce``.

The local SageMaker and `localaws.services` have ports of their own, so each asks by itself, however a request came:
it sends the request as it is to `AUTHORIZE_PATH` of the gateway, beside MiniStack, which knows the callers and
evaluates their policies. With it go the tags of what it is about, which only the server knows. 204 lets the request
through; any other answer is the client's.
"""

from collections.abc import Awaitable, Callable
from urllib.parse import parse_qs, urlencode, urlsplit

from localaws.account.caller import CallerUnknownError
from localaws.account.resource_tags import TagsByArn, with_tags
from localaws.protocol.asgi import Application, Message, Receive, Response, Scope, Send, read_body
from localaws.protocol.forward import ask
from localaws.settings import iam_enforced

AUTHORIZE_PATH = "/_localaws/authorize"
# The supervisor asks without a signature.
_HEALTH = ("GET", "/health")
ALLOWED = Response(204, [])

Authorize = Callable[[Scope, bytes], Response]
"""Takes an HTTP request's scope and its body; `ALLOWED`, or the error to answer with."""

FindTags = Callable[[Scope, bytes], Awaitable[TagsByArn]]
"""Takes the same; the tags of what the request is about."""


def guarded(application: Application, gateway_url: str | None, find_tags: FindTags) -> Application:
    """Return the application, behind a `Guard` if IAM is enforced and there is a gateway to ask."""
    return Guard(application, gateway_url, find_tags) if gateway_url and iam_enforced() else application


class Guard:
    """An ASGI application before another one.

    Parameters
    ----------
    application : Application
    gateway_url : str
        Such as ``http://127.0.0.1:4566``.
    find_tags : callable(scope, body) -> tags by ARN
    """

    def __init__(self, application: Application, gateway_url: str, find_tags: FindTags) -> None:
        self._application, self._gateway = application, urlsplit(gateway_url).netloc
        self._find_tags = find_tags

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what is allowed."""
        if scope["type"] != "http" or (scope["method"], scope["path"]) == _HEALTH:
            await self._application(scope, receive, send)
            return
        body = await read_body(receive)
        if body is None:
            return
        try:
            tags = await self._find_tags(scope, body)
        except CallerUnknownError as error:
            await error.response.send(send)
            return
        answer = await ask(self._gateway, _question(scope), with_tags(tags, body))
        if answer.status != ALLOWED.status:
            await answer.send(send)
            return
        unread = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive_again() -> Message:
            return unread.pop() if unread else await receive()

        await self._application(scope, receive_again, send)


def _question(scope: Scope) -> Scope:
    """Return the request with the gateway's own path; the original one, which is signed, is in the query."""
    asked = {
        "method": scope["method"],
        "path": scope["raw_path"].decode("latin-1"),
        "query": scope["query_string"].decode("latin-1"),
    }
    question = {"method": "POST", "raw_path": AUTHORIZE_PATH.encode(), "query_string": urlencode(asked).encode()}
    return {**scope, **question}


def questioned(scope: Scope) -> Scope:
    """Return the request that a question is about.

    Raises
    ------
    ValueError
        The question names none.
    """
    asked = {name: values[0] for name, values in parse_qs(scope["query_string"].decode("latin-1")).items()}
    if not {"method", "path"} <= asked.keys():
        raise ValueError("A question's query has the method and the path of a request.")
    raw_path = asked["path"].encode("latin-1")
    found = {"method": asked["method"], "raw_path": raw_path, "path": asked["path"]}
    return {**scope, **found, "query_string": asked.get("query", "").encode("latin-1")}

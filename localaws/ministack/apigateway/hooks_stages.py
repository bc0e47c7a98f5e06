"""Hooks: which requests are for a deployed API or a function's URL, which answer preflights by themselves."""

from collections.abc import Callable

from localaws.ministack.private import private
from localaws.protocol.asgi import Scope


def is_api_request() -> Callable[[Scope], bool]:
    """Return a function that says whether a request is for an API's stage or a function's URL.

    Hooks ``app._parse_execute_api_url`` and ``app._parse_lambda_url``, by which MiniStack decides it.
    """
    parsers = [private("ministack.app", name) for name in ("_parse_execute_api_url", "_parse_lambda_url")]

    def decide(scope: Scope) -> bool:
        host = dict(scope["headers"]).get(b"host", b"").decode("latin-1")
        return any(parse(host, scope["path"]) is not None for parse in parsers)

    return decide

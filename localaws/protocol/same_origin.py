"""No web page reaches a port of local AWS: foreign names and foreign origins are refused before anything runs.

A page of any site, open in a browser on this machine, can send requests to 127.0.0.1: a form or an image asks nobody
before it does, and a name of the page's own domain may be made to mean 127.0.0.1 (DNS rebinding). The browser says who
asks, and a page cannot make it lie:

- ``Host`` is the name under which the page reached this port,
- ``Origin`` is the page's origin, in all requests but plain GET and HEAD,
- ``Sec-Fetch-Site`` is how the page and this port are related, in every request to this machine.

Programs such as boto3, curl and git send none of the last two. Sources: "Fetch Metadata Request Headers" (W3C), and
RFC 6454, 7.
"""

import ipaddress
import re
from collections.abc import Awaitable, Callable

from localaws.protocol.asgi import Application, Receive, Response, Scope, Send

Allowance = Callable[[Scope], Awaitable[bool]]
"""Returns whether what a request of another origin asks for has opened itself to that origin (CORS)."""

_LOCAL = re.compile(r"(?:.+\.)?localhost")
_PORT = re.compile(r":\d*\Z")
_OWN_SITES = frozenset((b"none", b"same-origin"))
_REFUSED = 403
_POLICY_VIOLATION = 1008


async def _nothing(_scope: Scope) -> bool:
    return False


class SameOriginOnly:
    """An ASGI application before another one.

    Parameters
    ----------
    application : Application
    hosts : frozenset of str, default=frozenset()
        Names in `Host` that are accepted beside localhost, its subdomains and loopback addresses.
    allows : callable, default: nothing is allowed
        Asked about each request of another origin.
    """

    def __init__(
        self, application: Application, hosts: frozenset[str] = frozenset(), allows: Allowance = _nothing
    ) -> None:
        self._application, self._hosts, self._allows = application, hosts, allows

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what does not come from another origin's page."""
        if scope["type"] == "lifespan":
            await self._application(scope, receive, send)
            return
        refusal = foreign_host(scope, self._hosts)
        if refusal is None and (refusal := foreign_origin(scope)) is not None and await self._allows(scope):
            refusal = None
        if refusal is None:
            await self._application(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION, "reason": refusal})
        else:
            await Response.aws_error(_REFUSED, "AccessDeniedException", refusal).dated().send(send)


def foreign_host(scope: Scope, hosts: frozenset[str]) -> str | None:
    """Return why a request's Host is refused; None if it is a name of this machine."""
    for value in _values(scope, b"host"):
        if not is_local(value, hosts):
            return (
                f"Host is {value!r}: local AWS answers to localhost and loopback addresses; "
                "LOCALAWS_ALLOWED_HOSTS names others that it may be called by"
            )
    return None


def foreign_origin(scope: Scope) -> str | None:
    """Return why a request is refused that a page of another origin has sent; None if there is no such page."""
    own = {f"{scheme}://{host}".lower() for host in _values(scope, b"host") for scheme in ("http", "https")}
    for origin in _values(scope, b"origin"):
        if origin.lower() not in own:
            return f"Origin is {origin!r}: web pages of other origins get no answer from local AWS"
    for site in _values(scope, b"sec-fetch-site"):
        if site.encode() not in _OWN_SITES:
            return f"Sec-Fetch-Site is {site!r}: web pages of other origins get no answer from local AWS"
    return None


def is_local(host: str, hosts: frozenset[str] = frozenset()) -> bool:
    """Return whether a Host, with or without a port, is of this machine or one of those named."""
    name = _PORT.sub("", host).lower().removeprefix("[").removesuffix("]").removesuffix(".")
    if _LOCAL.fullmatch(name) or name in hosts:
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _values(scope: Scope, name: bytes) -> list[str]:
    return [value.decode("latin-1") for key, value in scope["headers"] if key.lower() == name]

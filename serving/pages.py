"""Web pages of other origins get no answer: what a browser says of who asks is read before anything runs.

A page that is open in a browser on this machine can send requests to its ports, and a name of the page's own domain may
be made to mean this machine (DNS rebinding). ``Origin``, ``Sec-Fetch-Site`` and ``Host`` tell; programs send none of
the first two. Sources: "Fetch Metadata Request Headers" (W3C), and RFC 6454, 7.
"""

import ipaddress
import re
from collections.abc import Iterable

from serving.errors import ForbiddenError

_LOCAL = re.compile(r"(?:.+\.)?localhost")
_PORT = re.compile(r":\d*\Z")
_OWN_SITES = {"none", "same-origin"}
_SCHEMES = ("http", "https")


def refuse_pages(headers: Iterable[tuple[bytes, bytes]], *, listens_on_loopback: bool) -> None:
    """Refuse a request that a page of another origin has sent.

    Parameters
    ----------
    headers : iterable of (bytes, bytes)
        Names in lower case.
    listens_on_loopback : bool
        Whether the server is this machine's alone: then Host has to be a name of this machine. In a container it is
        whatever the load balancer or SageMaker calls it.

    Raises
    ------
    ForbiddenError
    """
    given = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers]
    hosts = [value for name, value in given if name == "host"]
    for host in hosts if listens_on_loopback else ():
        if not is_loopback(host):
            raise ForbiddenError(f"Host is {host!r}: this server listens on loopback and answers to localhost only.")
    own = {"origin": {f"{scheme}://{host}" for host in hosts for scheme in _SCHEMES}, "sec-fetch-site": _OWN_SITES}
    for name, value in given:
        if name in own and value not in own[name]:
            raise ForbiddenError(f"{name.title()} is {value!r}: web pages of other origins get no answer.")


def is_loopback(host: str) -> bool:
    """Return whether a host, with or without a port, is localhost, one of its subdomains or a loopback address."""
    name = _PORT.sub("", host).lower().removeprefix("[").removesuffix("]").removesuffix(".")
    if _LOCAL.fullmatch(name):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False

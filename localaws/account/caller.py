"""Who sends a request, and the account that it is sent in: its access key says so.

- An account's id, 12 digits, is the key of its root user.
- MiniStack knows the account of a key that IAM or STS has issued; it is asked once for each (`ACCOUNT_PATH`).
- Any other key, such as ``test``, is the root user's of the first account, and so is no key at all.

A role of another account, once assumed, acts in its own account: as on AWS, that is how one account reaches another.
"""

import json
import re
from collections.abc import Mapping
from contextvars import ContextVar
from http import HTTPStatus
from urllib.parse import urlencode, urlsplit

from localaws.account import git_credentials
from localaws.protocol.asgi import Response, Scope
from localaws.protocol.forward import ask
from localaws.settings import CREDENTIALS

ACCOUNT_PATH = "/_localaws/account"
"""Where the gateway says whose account an access key, ``key``, belongs to."""

access_key: ContextVar[str] = ContextVar("access_key", default="")
"""The access key of the request that is being answered; empty when there is none."""

_KEY = re.compile(rb"Credential=([^/,&%]+)(?:/|%2F)")
_ACCOUNT = re.compile(r"\d{12}")
_ISSUED = re.compile(r"A(?:KIA|SIA)\w+")
_MOST_KNOWN = 10_000


def access_key_of(scope: Scope) -> str:
    """Return the access key that a request is signed with, in its headers or its query; empty if with none."""
    headers: Mapping[bytes, bytes] = dict(scope["headers"])
    authorization = headers.get(b"authorization", b"")
    if authorization[:5].lower() == b"basic":
        given = git_credentials.given({"authorization": authorization.decode("latin-1")})
        return given.access_key if given else ""
    found = _KEY.search(authorization or scope.get("query_string", b""))
    return found[1].decode("latin-1") if found else ""


def is_root_key(key: str) -> bool:
    """Return whether an access key is a root user's."""
    return key == CREDENTIALS["aws_access_key_id"] or _ACCOUNT.fullmatch(key) is not None


class CallerUnknownError(Exception):
    """The gateway did not say whose account a key belongs to.

    Parameters
    ----------
    response : Response
        What the request is answered with.
    """

    def __init__(self, response: Response) -> None:
        super().__init__(response.status)
        self.response = response


class Callers:
    """Knows the accounts of access keys.

    Parameters
    ----------
    gateway_url : str or None
        Who is asked about keys that were issued; None if nobody can be: all are of the first account.
    account_id : str
        The first account.
    """

    def __init__(self, gateway_url: str | None, account_id: str) -> None:
        self._gateway = urlsplit(gateway_url).netloc if gateway_url else None
        self._account_id = account_id
        self._known: dict[str, str] = {}

    async def account_of(self, key: str) -> str:
        """Return the account that an access key belongs to.

        Raises
        ------
        CallerUnknownError
            The gateway cannot be asked now.
        """
        if self._gateway is None:
            return self._account_id
        if _ACCOUNT.fullmatch(key):
            return key
        if not _ISSUED.fullmatch(key):
            return self._account_id
        if key not in self._known:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            answer = await ask(self._gateway, _question(self._gateway, key), b"")
            if answer.status != HTTPStatus.OK:
                raise CallerUnknownError(answer)
            self._known[key] = json.loads(answer.body)["account"]
        return self._known[key]


def _question(gateway: str, key: str) -> Scope:
    query = urlencode({"key": key}).encode()
    headers = [(b"host", gateway.encode())]
    return {"method": "GET", "raw_path": ACCOUNT_PATH.encode(), "query_string": query, "headers": headers}


def account_answer(account_id: str) -> Response:
    """Return the gateway's answer."""
    return Response.json(200, {"account": account_id})

"""The algorithm as the WSGI application of a gunicorn worker, in an image's own environment."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Iterable
from http import HTTPStatus
from pathlib import Path
from typing import Any

from . import boosters, invocation
from .errors import ModelError
from .invocation import Reply

log = logging.getLogger(__name__)

_PLAIN = "text/plain"
_MOST_BYTES = int(os.environ.get("MAX_CONTENT_LENGTH") or 6 * 1024 * 1024)


class Application:
    """The algorithm over HTTP.

    Parameters
    ----------
    folder : Path
        That of the model, which the first request loads, /ping too.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._boosters: boosters.Boosters | None = None

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer a request."""
        reply = self._reply(environ)
        body = reply.body.encode()
        headers = [("Content-Type", reply.content_type), ("Content-Length", str(len(body)))]
        start_response(f"{reply.status.value} {reply.status.phrase}", headers)
        return [body]

    def _reply(self, environ: dict[str, Any]) -> Reply:
        asked = (environ["REQUEST_METHOD"], environ.get("PATH_INFO", ""))
        if asked == ("GET", "/execution-parameters"):
            parameters = {
                "MaxConcurrentTransforms": os.cpu_count(),
                "BatchStrategy": "MULTI_RECORD",
                "MaxPayloadInMB": _MOST_BYTES // 1024**2,
            }
            return Reply(HTTPStatus.OK, json.dumps(parameters), "application/json")
        if asked not in (("GET", "/ping"), ("POST", "/invocations")):
            return Reply(HTTPStatus.NOT_FOUND, f"There is no {asked[0]} {asked[1]}.", _PLAIN)
        try:
            model = self._model()
        except ModelError as error:
            log.error("%s", error)
            return Reply(HTTPStatus.INTERNAL_SERVER_ERROR, str(error), _PLAIN)
        return Reply(HTTPStatus.OK, "", _PLAIN) if asked[0] == "GET" else _invoked(model, environ)

    def _model(self) -> boosters.Boosters:
        if self._boosters is None:
            self._boosters = boosters.load(self._folder)
        return self._boosters


def _invoked(model: boosters.Boosters, environ: dict[str, Any]) -> Reply:
    length = int(environ.get("CONTENT_LENGTH") or 0)
    if length > _MOST_BYTES:
        return Reply(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"The body has more than {_MOST_BYTES} bytes.", _PLAIN)
    body = environ["wsgi.input"].read(length)
    return invocation.answer(model, body, environ.get("CONTENT_TYPE", ""), environ.get("HTTP_ACCEPT", ""))

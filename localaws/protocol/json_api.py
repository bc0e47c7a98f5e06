"""The HTTP of AWS's JSON 1.1 protocol, as our servers speak it: POST, ``X-Amz-Target``, errors with ``__type``."""

import logging
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson

from localaws.api_errors import ApiError, InsufficientStorage, InternalFailure, SerializationError
from localaws.document import Document
from localaws.protocol.asgi import AMZ_JSON, Response
from localaws.storage import disk

logger = logging.getLogger(__name__)


def answered(call: Callable[[], Document], what: str, state_dir: Path) -> Response:
    """Return the response to a request.

    Parameters
    ----------
    call : callable() -> answer
        Carries it out; an ApiError that it raises becomes the response.
    what : str
        Names it in the log, should `call` have a defect.
    state_dir : Path
        Where `call` writes; named should its disk be full.
    """
    try:
        return document_response(call())
    except ApiError as error:
        return error_response(error)
    except Exception as error:
        if disk.is_full(error):
            return error_response(InsufficientStorage(disk.full(state_dir)))
        logger.exception("A defect of local AWS in %s", what)
        return error_response(InternalFailure("A defect of local AWS itself: the server's log has the traceback"))


def parsed(body: bytes) -> Document:
    """Return the request in a body.

    Raises
    ------
    SerializationError
        It is not a JSON object.
    """
    try:
        request = orjson.loads(body or b"{}")
    except ValueError as error:
        raise SerializationError(f"The request's body is not JSON: {error}") from error
    if not isinstance(request, dict):
        raise SerializationError("The request's body is not a JSON object")
    return request


def document_response(document: Any) -> Response:
    """Return the response of a request that was carried out."""
    return Response.json(200, document, _request_id(), AMZ_JSON)


def error_response(error: ApiError) -> Response:
    """Return the response of a request that was refused."""
    return Response.aws_error(error.http_status, error.code, error.message, headers=_request_id())


def _request_id() -> dict[str, str]:
    return {"x-amzn-requestid": str(uuid.uuid4())}

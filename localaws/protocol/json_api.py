"""The HTTP of AWS's JSON protocols, as our servers speak it: requests and answers are documents.

Errors have their code in ``__type`` and, for REST-JSON, in a header.
"""

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


def answered(call: Callable[[], Document], what: str, state_dir: Path, content_type: str = AMZ_JSON) -> Response:
    """Return the response to a request.

    Parameters
    ----------
    call : callable() -> answer
        Carries it out; an ApiError that it raises becomes the response.
    what : str
        Names it in the log, should `call` have a defect.
    state_dir : Path
        Where `call` writes; named should its disk be full.
    content_type : str, default=AMZ_JSON
        The protocol's.
    """
    try:
        return document_response(call(), content_type)
    except ApiError as error:
        return error_response(error, content_type)
    except Exception as error:
        if disk.is_full(error):
            return error_response(InsufficientStorage(disk.full(state_dir)), content_type)
        logger.exception("A defect of local AWS in %s", what)
        defect = InternalFailure("A defect of local AWS itself: the server's log has the traceback")
        return error_response(defect, content_type)


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


def document_response(document: Any, content_type: str = AMZ_JSON) -> Response:
    """Return the response of a request that was carried out."""
    return Response.json(200, document, _request_id(), content_type)


def error_response(error: ApiError, content_type: str = AMZ_JSON) -> Response:
    """Return the response of a request that was refused."""
    return Response.aws_error(
        error.http_status, error.code, error.message, headers=_request_id(), content_type=content_type
    )


def _request_id() -> dict[str, str]:
    return {"x-amzn-requestid": str(uuid.uuid4())}

"""The HTTP of AWS's JSON 1.1 protocol, as a server of ours speaks it: POST, ``X-Amz-Target``, errors with ``__type``.

Errors are answered as AWS does: ``{"__type": "ValidationException", "message": "..."}``, HTTP 400 in most cases.
"""

import logging
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson

from localaws.api_errors import ApiError, InsufficientStorage, InternalFailure, SerializationError
from localaws.document import Document
from localaws.protocol.asgi import Answer, Send, send_answer
from localaws.storage import disk

logger = logging.getLogger(__name__)


def answered(call: Callable[[], Document], what: str, state_dir: Path) -> tuple[int, Document]:
    """The status and the document that a request is answered with.

    Parameters
    ----------
    call : callable() -> answer
        Carries it out; an ApiError that it raises becomes the answer.
    what : str
        Names it in the log, should `call` have a defect.
    state_dir : Path
        Where `call` writes; named should its disk be full.
    """
    try:
        return 200, call()
    except ApiError as error:
        return error.http_status, _error(error)
    except Exception as error:
        if disk.is_full(error):
            full = InsufficientStorage(disk.full(state_dir))
            return full.http_status, _error(full)
        logger.exception("A defect of local AWS in %s", what)
        return 500, _error(InternalFailure("A defect of local AWS itself: the server's log has the traceback"))


def parsed(body: bytes) -> Document:
    """The request in a body.

    Raises
    ------
    SerializationError
        It is no JSON object.
    """
    try:
        request = orjson.loads(body or b"{}")
    except ValueError as error:
        raise SerializationError(f"The request's body is not JSON: {error}") from error
    if not isinstance(request, dict):
        raise SerializationError("The request's body is not a JSON object")
    return request


def _error(error: ApiError) -> Document:
    return {"__type": error.code, "message": error.message, "Message": error.message}


async def send_document(send: Send, status: int, answer: Any) -> None:
    """Answer with JSON."""
    body = orjson.dumps(answer)
    headers = [
        (b"content-type", b"application/x-amz-json-1.1"),
        (b"content-length", str(len(body)).encode()),
        (b"x-amzn-requestid", str(uuid.uuid4()).encode()),
    ]
    await send_answer(send, Answer(status, headers, body))


def error_answer(status: int, code: str, message: str) -> Answer:
    """An error of AWS's, with its code in both places where clients look for it."""
    body = orjson.dumps({"__type": code, "message": message})
    headers = [
        (b"content-type", b"application/x-amz-json-1.1"),
        (b"x-amzn-errortype", code.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"date", time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime()).encode()),
    ]
    return Answer(status, headers, body)

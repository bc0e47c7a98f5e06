"""S3: names that are too long."""

import importlib
from typing import Any

from localaws.ministack.private import private

_MOST_BYTES = 1024


def limit_keys() -> None:
    """Refuse keys of more than 1,024 bytes of UTF-8, as S3 does.

    Hooks ``ministack.services.s3``: ``handle_request`` answers a request, ``_parse_bucket_key`` finds the key in it,
    ``_error`` makes errors.
    """
    s3: Any = importlib.import_module("ministack.services.s3")
    handle, parse = private(s3.__name__, "handle_request"), private(s3.__name__, "_parse_bucket_key")
    make_error = private(s3.__name__, "_error")

    async def handle_allowed(method: str, path: str, headers: Any, *arguments: Any, **more: Any) -> Any:
        _, key = parse(path, headers)
        if len((key or "").encode("utf-8", "surrogateescape")) > _MOST_BYTES:
            return make_error("KeyTooLongError", "Your key is too long", 400, path)
        return await handle(method, path, headers, *arguments, **more)

    s3.handle_request = handle_allowed

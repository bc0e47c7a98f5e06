"""API Gateway: requests that are too large, and integrations that take too long.

The quotas of a REST API are 10 MB of body, 10,240 bytes of request line and header values, and 29 s for an integration,
less if that has a ``timeoutInMillis``. An integration with Lambda takes what an invocation takes.

Source: "Quotas for configuring and running a REST API in API Gateway" in the API Gateway Developer Guide. What is too
large is answered in plain text by the front before API Gateway, in these words.
"""

import asyncio
import importlib
from collections.abc import Mapping
from typing import Any

import orjson

from localaws.ministack.awslambda.payloads import MOST_EVENT_BYTES
from localaws.ministack.private import private

_MOST_BODY_BYTES = 10_485_760
_MOST_HEADER_BYTES = 10_240
_MOST_INTEGRATION_SECONDS = 29.0
_LOOKED_AT_BYTES = 500_000
_INVOKERS = ("_invoke_lambda_proxy_v1", "_invoke_lambda_custom_v1", "_invoke_http_proxy_v1")


def limit_requests() -> None:
    """Refuse requests over API Gateway's quotas, and give up integrations that do not answer.

    What was begun behind the API goes on, as it does on AWS.

    Hooks ``ministack.services.apigateway_v1``: ``_handle_execute_in_scope`` answers a request, the functions in
    `_INVOKERS` call what is behind the API, ``_call_lambda_raw`` passes an event to a function, ``_gw_error`` makes
    errors.
    """
    gateway: Any = importlib.import_module("ministack.services.apigateway_v1")
    handle = private(gateway.__name__, "_handle_execute_in_scope")
    call = private(gateway.__name__, "_call_lambda_raw")
    make_error = private(gateway.__name__, "_gw_error")

    async def handle_allowed(api_id: str, stage: str, verb: str, path: str, headers: Any, body: Any, *more: Any) -> Any:
        if _header_bytes(verb, path, headers) > _MOST_HEADER_BYTES:
            return _refused(431, f"HTTP header is larger than {_MOST_HEADER_BYTES} bytes.")
        if len(body or b"") > _MOST_BODY_BYTES:
            return _refused(413, f"HTTP content length exceeded {_MOST_BODY_BYTES} bytes.")
        return await handle(api_id, stage, verb, path, headers, body, *more)

    async def call_allowed(function: str, event: Mapping[str, Any], **more: Any) -> Any:
        if len(event.get("body") or "") > _LOOKED_AT_BYTES and await asyncio.to_thread(_is_too_long, event):
            raise _TooLongError
        return await call(function, event, **more)

    def bounded(invoke: Any) -> Any:
        async def invoke_in_time(integration: Mapping[str, Any], *arguments: Any, **more: Any) -> Any:
            seconds = float(integration.get("timeoutInMillis") or _MOST_INTEGRATION_SECONDS * 1000) / 1000
            task = asyncio.ensure_future(invoke(integration, *arguments, **more))
            done, _ = await asyncio.wait([task], timeout=seconds)
            if not done:  # not cancelled: MiniStack would wait for the function even then
                task.add_done_callback(lambda late: late.cancelled() or late.exception())
                return make_error("INTEGRATION_TIMEOUT", "Endpoint request timed out")
            try:
                return task.result()
            except _TooLongError:
                return make_error("REQUEST_TOO_LARGE", "Request Too Long")

        return invoke_in_time

    gateway._handle_execute_in_scope, gateway._call_lambda_raw = handle_allowed, call_allowed
    for name in _INVOKERS:
        setattr(gateway, name, bounded(private(gateway.__name__, name)))


class _TooLongError(Exception):
    """An event is larger than Lambda takes."""


def _is_too_long(event: Mapping[str, Any]) -> bool:
    return len(orjson.dumps(event)) > MOST_EVENT_BYTES


def _refused(status: int, text: str) -> tuple[int, dict[str, str], bytes]:
    return status, {"Content-Type": "text/plain"}, text.encode()


def _header_bytes(verb: str, path: str, headers: Mapping[str, Any]) -> int:
    values = (value if isinstance(value, str) else ", ".join(value) for value in headers.values())
    return len(verb) + len(path) + sum(map(len, values))

"""Lambda: events and results that are large, or no JSON."""

import asyncio
import importlib
import json
from contextvars import ContextVar
from typing import Any

from localaws.ministack.awslambda.payloads import MOST_RESULT_BYTES, refusal
from localaws.ministack.private import private

_AT_ONCE_BYTES = 32_768
_LOOKED_AT_CHARACTERS = 500_000


def limit_payloads() -> None:
    """Refuse events and results over Lambda's quotas, and events that are no JSON, which MiniStack takes for ``{}``.

    What is large is read and written in a thread, not in the event loop.

    Hooks ``ministack.services.lambda_svc``: ``handle_request`` reads the body of a request, ``_invoke`` invokes the
    function that it is for, ``_execute_function_with_config_scope`` runs one in a thread, for the API and for API
    Gateway; ``error_response_json`` makes errors.
    """
    functions: Any = importlib.import_module("ministack.services.lambda_svc")
    handle, invoke = (private(functions.__name__, name) for name in ("handle_request", "_invoke"))
    execute = private(functions.__name__, "_execute_function_with_config_scope")
    make_error = private(functions.__name__, "error_response_json")
    given: ContextVar[tuple[Any, ...]] = ContextVar("given", default=())
    for_api: ContextVar[bool] = ContextVar("for_api", default=False)

    async def handle_allowed(method: str, path: str, headers: Any, body: bytes, query: Any) -> Any:
        if method != "POST" or not path.rstrip("/").endswith("invocations"):
            return await handle(method, path, headers, body, query)
        kind = next((value for name, value in headers.items() if name.lower() == "x-amz-invocation-type"), "")
        if (reason := refusal(len(body), kind)) is not None:
            return make_error("RequestEntityTooLargeException", reason, 413)
        try:
            event = _read(body) if len(body) <= _AT_ONCE_BYTES else await asyncio.to_thread(_read, body)
        except (ValueError, RecursionError) as error:
            message = f"Could not parse request body into json: {error}"
            return make_error("InvalidRequestContentException", message, 400)
        given.set((event,))
        return await handle(method, path, headers, b"", query)

    async def invoke_given(name: str, event: Any, *arguments: Any, **more: Any) -> Any:
        for_api.set(True)
        return await invoke(name, *(given.get() or (event,)), *arguments, **more)

    def execute_allowed(function: Any, event: Any) -> Any:
        result = execute(function, event)
        payload = result.get("body")
        if result.get("error") or result.get("throttle") or payload is None or isinstance(payload, bytes):
            return result
        if not for_api.get() and not _may_be_large(payload):
            return result
        text = payload if result.get("raw_payload") else json.dumps(payload, ensure_ascii=False)
        written = text.encode("utf-8", "surrogatepass")
        if len(written) > MOST_RESULT_BYTES:
            reason = f"Response payload size exceeded maximum allowed payload size ({MOST_RESULT_BYTES} bytes)."
            return {
                **result,
                "body": {"errorMessage": reason, "errorType": "Function.ResponseSizeTooLarge"},
                "error": True,
            }
        return {**result, "body": written} if for_api.get() else result

    functions.handle_request, functions._invoke = handle_allowed, invoke_given
    functions._execute_function_with_config_scope = execute_allowed


def _read(body: bytes) -> Any:
    return json.loads(body or b"{}", parse_constant=_refuse)


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def _may_be_large(payload: Any) -> bool:
    """Return whether the response of an API's function may be over the limit: most of it is its body, a text."""
    text = payload.get("body") if isinstance(payload, dict) else payload
    return isinstance(text, str) and len(text) > _LOOKED_AT_CHARACTERS

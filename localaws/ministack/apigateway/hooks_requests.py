"""API Gateway: requests that are seen, secrets that are kept."""

import importlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from typing import Any

from localaws.ministack.apigateway import reporter
from localaws.ministack.private import private
from localaws.settings import HOST


def report_requests(see: Callable[[reporter.Request], None]) -> None:
    """Report each request that a REST API has answered.

    Hooks ``ministack.services.apigateway_v1``: ``_handle_execute_in_scope`` answers a request; in it
    ``_execute_in_scope`` fills a document about the request and gives an error, if it has one, before that becomes a
    response; ``_invoke_lambda_proxy_v1`` calls what is behind the API; ``_rest_apis`` knows the APIs' names.
    """
    gateway: Any = importlib.import_module("ministack.services.apigateway_v1")
    handle = private(gateway.__name__, "_handle_execute_in_scope")
    execute = private(gateway.__name__, "_execute_in_scope")
    invoke = private(gateway.__name__, "_invoke_lambda_proxy_v1")
    apis = private(gateway.__name__, "_rest_apis")
    key_of = private(gateway.__name__, "_resolve_api_key")
    key_in = private(gateway.__name__, "_api_key_from_request")
    known: ContextVar[dict[str, Any]] = ContextVar("known")

    async def invoke_timed(*arguments: Any, **more: Any) -> Any:
        began = time.perf_counter()
        try:
            return await invoke(*arguments, **more)
        finally:
            known.get()["integration"] = time.perf_counter() - began

    async def execute_seen(request: dict[str, Any], *arguments: Any) -> Any:
        response = await execute(request, *arguments)
        error, error_type = (getattr(response, name, None) for name in ("message", "response_type"))
        validation = getattr(response, "validation_error_string", None)
        known.get().update(request=request, error=error, error_type=error_type, validation=validation)
        return response

    async def handle_seen(api_id: str, stage_name: str, method: str, path: str, headers: Any, *others: Any) -> Any:
        known.set({})
        at, began = time.time(), time.perf_counter()
        response = await handle(api_id, stage_name, method, path, headers, *others)
        found = known.get()
        request = found.get("request")
        if request is not None and request["stage"] is not None:
            key = key_of(key_in(headers)) or {}
            seconds = time.perf_counter() - began
            found |= {"api_name": apis[api_id]["name"], "key_id": key.get("id", ""), "at": at, "seconds": seconds}
            see(_request(found, method, path, headers, response))
        return response

    gateway._invoke_lambda_proxy_v1 = invoke_timed
    gateway._execute_in_scope = execute_seen
    gateway._handle_execute_in_scope = handle_seen


def _request(
    found: Mapping[str, Any], method: str, path: str, headers: Mapping[str, str], response: Sequence[Any]
) -> reporter.Request:
    """Return what is known of a request and its response (status, headers, body)."""
    request, error = found["request"], found["error"] or ""
    return reporter.Request(
        api_name=found["api_name"],
        stage=request["stage"],
        method=method,
        resource_path=request["resource_path"],
        status=response[0],
        latency=round(found["seconds"] * 1000),
        integration_latency=round(found.get("integration", 0.0) * 1000),
        at=found["at"],
        context={
            "requestId": request["request_id"],
            "extendedRequestId": request["request_id"],
            "apiId": request["api_id"],
            "path": f"/{request['stage_name']}{path}",
            "protocol": "HTTP/1.1",
            "identity.sourceIp": HOST,
            "identity.userAgent": headers.get("user-agent", ""),
            "identity.apiKeyId": found["key_id"],
            "responseLength": str(len(response[2])),
            "error.message": error,
            "error.messageString": json.dumps(error) if error else "",
            "error.responseType": found["error_type"] or "",
            "error.validationErrorString": found["validation"] or "",
        },
    )


class _IntegrationFailedError(Exception):
    """A function was not run, failed, or has not answered as a proxy integration wants it; with the status."""

    def __init__(self, status: int) -> None:
        super().__init__(f"the integration failed: {status}")
        self.status = status


def hide_integration_errors() -> None:
    """Answer a request whose function failed as API Gateway does: without what the function said.

    500 when Lambda has not run it (its concurrency is used up), 502 when it failed or answered something that is no
    response; the gateway response is ``DEFAULT_5XX``. MiniStack gives the function's own words, traces too.

    Hooks ``ministack.services.apigateway_v1``: ``_lambda_proxy_response`` makes a response of what Lambda says,
    ``_invoke_lambda_proxy_v1`` gives it to the caller, ``_gw_error`` makes the gateway's own errors, and
    ``_gateway_error_response`` renders them, with one status for each type of gateway response.
    Source: "Using Lambda with API Gateway", errors, in the Lambda Developer Guide.
    """
    gateway: Any = importlib.import_module("ministack.services.apigateway_v1")
    convert = private(gateway.__name__, "_lambda_proxy_response")
    invoke = private(gateway.__name__, "_invoke_lambda_proxy_v1")
    make_error, render = private(gateway.__name__, "_gw_error"), private(gateway.__name__, "_gateway_error_response")

    def convert_or_fail(result: dict[str, Any]) -> Any:
        if result.get("throttle"):
            raise _IntegrationFailedError(500)
        if result.get("error") or not reporter.is_response(result.get("body")):
            raise _IntegrationFailedError(502)
        return convert(result)

    async def invoke_or_fail(*arguments: Any, **more: Any) -> Any:
        try:
            return await invoke(*arguments, **more)
        except _IntegrationFailedError as failure:
            error = make_error("DEFAULT_5XX", "Internal server error")
            error.status = failure.status
            return error

    def render_with_status(error: Any, request: Any) -> Any:
        status, headers, body = render(error, request)
        return getattr(error, "status", status), headers, body

    gateway._lambda_proxy_response = convert_or_fail
    gateway._invoke_lambda_proxy_v1 = invoke_or_fail
    gateway._gateway_error_response = render_with_status

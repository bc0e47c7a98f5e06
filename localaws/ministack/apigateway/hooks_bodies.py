"""API Gateway: bodies that models allow or refuse."""

import importlib
import json
import re
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from localaws.ministack.apigateway import reporter
from localaws.ministack.apigateway.body_checker import BodyChecker, CheckFailedError
from localaws.ministack.apigateway.body_model import Model, compiled
from localaws.ministack.apigateway.hooks_deployments import answers_for
from localaws.ministack.private import private

_VALIDATION_VARIABLE = re.compile(
    rb"\$(?:\{context\.error\.validationErrorString\}|context\.error\.validationErrorString)"
)
_MODEL_URL = re.compile(r"/restapis/([^/]+)/models/([^/]+)$")


@dataclass(frozen=True)
class _Verdict:
    """What the check of a body has shown.

    Attributes
    ----------
    objection : str or None
        What is wrong with it; None if nothing is.
    failed : bool
        Whether it could not be checked.
    """

    objection: str | None = None
    failed: bool = False


def check_bodies(checker: BodyChecker) -> None:
    """Check bodies against models outside of the event loop, and say in gateway responses why one is refused.

    The model is that of the body's content type, or that of ``$default``; MiniStack takes JSON's for all. A schema that
    has no meaning, or applies itself for ever, is left to MiniStack's own check.

    Hooks ``ministack.services.apigateway_v1``: ``_authorize_request_v1`` is the last thing that is awaited before
    ``_check_request_validation``; a body is looked at in the first, if the request has the key that ``_check_api_key``
    asks for, and refused in the second. ``_request_validators`` and ``_model_schema`` say what is to be checked,
    ``_gw_error`` makes errors, and ``_gateway_error_response`` leaves ``$context.error.validationErrorString``, which
    it does not know, in what it renders.
    """
    gateway: Any = importlib.import_module("ministack.services.apigateway_v1")
    authorize, check = (
        private(gateway.__name__, name) for name in ("_authorize_request_v1", "_check_request_validation")
    )
    check_key, validators = (private(gateway.__name__, name) for name in ("_check_api_key", "_request_validators"))
    schema_of = private(gateway.__name__, "_model_schema")
    make_error, render = (private(gateway.__name__, name) for name in ("_gw_error", "_gateway_error_response"))
    verdict: ContextVar[_Verdict | None] = ContextVar("verdict", default=None)

    def model_of(method: Mapping[str, Any], api_id: str, headers: Mapping[str, str]) -> str | None:
        validator = validators.get(answers_for(api_id), {}).get(method.get("requestValidatorId")) or {}
        name = reporter.model_for(headers.get("content-type"), method.get("requestModels") or {})
        schema = schema_of(api_id, name) if name and validator.get("validateRequestBody") else None
        if schema is None:
            return None
        text = Model(schema, _others(schema, schema_of)).text()
        return text if compiled(text) is not None else None

    async def look(model: str, body: bytes | None) -> _Verdict:
        try:
            return _Verdict(await checker.objection(model, body or b""))
        except CheckFailedError:
            return _Verdict(failed=True)

    async def authorize_and_look(
        api_id: str, stage: str, method: Any, verb: str, path: str, resource: Any, headers: Any, body: Any, *others: Any
    ) -> Any:
        error, context = await authorize(api_id, stage, method, verb, path, resource, headers, body, *others)
        is_admitted = error is None and check_key(method, api_id, stage, headers)[0] is None
        model = model_of(method, api_id, headers) if is_admitted else None
        verdict.set(await look(model, body) if model is not None else None)
        return error, context

    def check_and_explain(method: Any, api_id: str, request: Any, headers: Any, body: Any, query: Any) -> Any:
        found = verdict.get()
        model = reporter.model_for(headers.get("content-type"), method.get("requestModels") or {})
        applicable = {"application/json": model} if model and found is None else {}
        error = check({**method, "requestModels": applicable}, api_id, request, headers, body, query)
        if error is not None or found is None:
            return error
        if found.failed:
            return make_error("DEFAULT_5XX", "Internal server error")
        if found.objection is None:
            return None
        error = make_error("BAD_REQUEST_BODY", "Invalid request body")
        error.validation_error_string = found.objection
        return error

    def render_explained(error: Any, request: Any) -> Any:
        status, headers, body = render(error, request)
        text = json.dumps(getattr(error, "validation_error_string", ""))[1:-1].encode()
        return status, headers, _VALIDATION_VARIABLE.sub(lambda _: text, body)

    gateway._authorize_request_v1, gateway._check_request_validation = authorize_and_look, check_and_explain
    gateway._gateway_error_response = render_explained


def _others(schema: Any, schema_of: Any) -> dict[str, Any]:
    """Return the models that a schema refers to, and those that they do, by the URL of the reference."""
    found: dict[str, Any] = {}
    pending = [schema]
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            url = str(value.get("$ref", "")).partition("#")[0]
            if (named := _MODEL_URL.search(url)) and url not in found:
                found[url] = schema_of(named[1], unquote(named[2]))
                pending.append(found[url])
        pending += value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return found

"""IAM: a request is its key's only if it is signed with the key's secret, the root user's as anybody's.

MiniStack takes a request whose key is the root user's as the root user's, however it is signed. Here

1. each request is kept for its signature check, whatever its key;
2. nothing is allowed before the check has passed: not with an ``Authorization`` header that is no signature of AWS's;
3. a presigned request is refused once its ``X-Amz-Expires`` seconds are over, and one whose body is not what
   ``X-Amz-Content-SHA256`` says.

S3 checks its presigned URLs itself, and takes requests without credentials for nobody's.
"""

import hashlib
import hmac
import importlib
import re
import secrets
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any

from localaws.ministack.private import private

# What else X-Amz-Content-SHA256 may be; source: "Authenticating Requests: Using the Authorization Header" in S3's API.
_UNHASHED = re.compile(r"UNSIGNED-PAYLOAD|STREAMING-(UNSIGNED-PAYLOAD|AWS4-[A-Z0-9-]+-PAYLOAD)(-TRAILER)?")

_keeping: ContextVar[bool] = ContextVar("keeping", default=False)
"""Whether a request is being kept for its check: no key is beyond it then."""
_kept: ContextVar[Any] = ContextVar("kept", default=None)
"""The request as it was kept; False for one that has no signature to check, None outside of requests."""


def check_every_signature() -> None:
    """Check the root user's signatures, too, and take nothing for the root user's that has none.

    Hooks ``ministack.core.iam_evaluator``: ``pin_signed_request`` keeps a request that arrives (``ministack.app`` has
    it under a name of its own), ``_is_root_key`` says whose are not kept, ``_signed_request`` is what is kept,
    ``_anonymous`` whether it has credentials at all; ``authenticate`` checks it, and ``_verified_key`` is whose
    signature has passed; ``caller_verified`` asks for that; ``AuthError`` is a refusal.
    """
    evaluator: Any = importlib.import_module("ministack.core.iam_evaluator")
    application: Any = importlib.import_module("ministack.app")
    pin, is_root = private(evaluator.__name__, "pin_signed_request"), private(evaluator.__name__, "_is_root_key")
    check, is_verified = private(evaluator.__name__, "authenticate"), private(evaluator.__name__, "caller_verified")
    signed, anonymous = private(evaluator.__name__, "_signed_request"), private(evaluator.__name__, "_anonymous")
    verified, error = private(evaluator.__name__, "_verified_key"), private(evaluator.__name__, "AuthError")

    def keep(*request: Any, **options: Any) -> None:
        _as_anybodys(pin, *request, **options)
        _kept.set(signed.get() or False)

    def authenticate(access_key: str, account_id: str) -> Any:
        request = signed.get()
        if request is not None and (refusal := _refusal(request)):
            signed.set(None)
            return error(*refusal)
        found = check(access_key, account_id)
        if found is not None or (access_key and verified.get() == access_key):
            return found
        kept = _kept.get()
        if kept is None or anonymous.get() or (kept and kept.s3_scoped):
            return None
        return error("IncompleteSignature", "The request is not signed as AWS demands.")

    evaluator._is_root_key = lambda key: not _keeping.get() and is_root(key)
    evaluator.authenticate = authenticate
    evaluator.caller_verified = lambda key, account: _as_anybodys(is_verified, key, account)
    evaluator.pin_signed_request = application.pin_signed_request = keep


def _as_anybodys(function: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """Call a function while no key is beyond a check."""
    before = _keeping.set(True)
    try:
        return function(*arguments, **options)
    finally:
        _keeping.reset(before)


def _refusal(request: Any) -> tuple[str, str] | None:
    """Return why a request is refused whatever its signature."""
    if request.presigned and request.query_params and _is_over(request.query_params):
        return "RequestExpired", "Request has expired"
    given = "" if request.presigned else request.headers.get("x-amz-content-sha256", "")
    if given and not _UNHASHED.fullmatch(given) and hashlib.sha256(request.body).hexdigest() != given:
        return "SignatureDoesNotMatch", "The provided 'x-amz-content-sha256' header does not match what was computed."
    return None


def _is_over(query: Mapping[str, Any]) -> bool:
    """Return whether the time of a presigned request is over.

    Hook ``ministack.core.sigv4.presigned_request_is_expired``.
    """
    is_expired = private("ministack.core.sigv4", "presigned_request_is_expired")
    date, expires = (_first(query, name) for name in ("X-Amz-Date", "X-Amz-Expires"))
    try:
        return bool(expires) and bool(is_expired(date, expires))
    except ValueError:
        return True


def _first(query: Mapping[str, Any], name: str) -> str:
    found = query.get(name) or query.get(name.lower()) or ""
    return str(found[0] if isinstance(found, list) else found)


def keep_functions_secrets() -> None:
    """Have nobody know a function's secret key by its ARN.

    Hook ``ministack.core.lambda_runtime.execution_credentials``, which hashes the function's and the role's ARNs;
    ``ministack.services.sts._sessions`` has the session that it registers.
    """
    runtime: Any = importlib.import_module("ministack.core.lambda_runtime")
    credentials, salt = private(runtime.__name__, "execution_credentials"), secrets.token_bytes(32)
    sessions = private("ministack.services.sts", "_sessions")

    def secret(text: str) -> str:
        return hmac.new(salt, text.encode(), hashlib.sha256).hexdigest()

    def with_secrets(config: Any) -> dict[str, str]:
        found: dict[str, str] = credentials(config)
        session = sessions.get(found["AWS_ACCESS_KEY_ID"])
        if session is None:
            return found
        made = {name: secret(found[f"AWS_{name}"]) for name in ("SECRET_ACCESS_KEY", "SESSION_TOKEN")}
        session |= {"SecretAccessKey": made["SECRET_ACCESS_KEY"], "SessionToken": made["SESSION_TOKEN"]}
        return found | {f"AWS_{name}": value for name, value in made.items()}

    runtime.execution_credentials = with_secrets

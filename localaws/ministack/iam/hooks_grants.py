"""KMS: what a grant allows, and the encryption context of a request.

Source: "Grants in AWS KMS" and "Condition keys for AWS KMS" in KMS's Developer Guide.
"""

import importlib
import json
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any

from localaws.account.policy.document import Request
from localaws.ministack.private import private

_CONTEXT_MEMBERS = ("EncryptionContext", "SourceEncryptionContext", "DestinationEncryptionContext")
_CONTEXT_KEY = "kms:EncryptionContext"
# The members of a request that are a condition key of KMS by the same name.
_MEMBERS = {
    "EncryptionAlgorithm",
    "SigningAlgorithm",
    "MacAlgorithm",
    "MessageType",
    "KeySpec",
    "KeyUsage",
    "KeyOrigin",
}

_request: ContextVar[Mapping[str, Any] | None] = ContextVar("kms_request", default=None)
"""The members of the KMS request that is being decided."""


def show_encryption_context() -> None:
    """Have policies see the encryption context of a request: ``kms:EncryptionContext:KEY``, ``...ContextKeys``.

    Hook ``ministack.core.iam_actions.request_tag_context``, which reads condition keys from a request's body.
    """
    actions: Any = importlib.import_module("ministack.core.iam_actions")
    known = private(actions.__name__, "request_tag_context")

    def with_encryption_context(service: str, iam_action: str, body: bytes, params: Any) -> dict[str, Any]:
        found: dict[str, Any] = known(service, iam_action, body, params)
        if service != "kms":
            return found
        request = _members(body)
        _request.set(request)
        context = encryption_context(request)
        found |= {f"{_CONTEXT_KEY}:{key}": value for key, value in context.items()}
        found |= {f"kms:{name}": request[name] for name in _MEMBERS & request.keys() if isinstance(request[name], str)}
        found |= _of_grants(request) if iam_action == "kms:CreateGrant" else {}
        return found | ({f"{_CONTEXT_KEY}Keys": list(context)} if context else {})

    actions.request_tag_context = with_encryption_context


def _of_grants(request: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {"kms:GrantIsForAWSResource": "false"}
    if isinstance(request.get("Operations"), list):
        found["kms:GrantOperations"] = request["Operations"]
    if isinstance(request.get("GranteePrincipal"), str):
        found["kms:GranteePrincipal"] = request["GranteePrincipal"]
    if isinstance(request.get("RetiringPrincipal"), str):
        found["kms:RetiringPrincipal"] = request["RetiringPrincipal"]
    if isinstance(constraints := request.get("Constraints"), dict) and constraints:
        found["kms:GrantConstraintType"] = next(iter(constraints))
    return found


def encryption_context(request: Mapping[str, Any]) -> dict[str, str]:
    """Return the encryption context of a request; of ReEncrypt those of both sides."""
    given = [request[name] for name in _CONTEXT_MEMBERS if isinstance(request.get(name), dict)]
    return {str(key): str(value) for context in given for key, value in context.items()}


def _members(body: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(body or b"{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def grant_finder() -> Callable[[Request], bool]:
    """Return a function that says whether a grant of the key allows a request.

    Hook ``ministack.services.kms._grants``: the grants of the account.
    """
    grants = private("ministack.services.kms", "_grants")

    def is_granted(request: Request) -> bool:
        members = _request.get() or {}
        return any(
            grant["KeyId"] == request.resource and grant_allows(grant, request, members)
            for grant in list(grants.values())
        )

    return is_granted


def grant_allows(grant: Mapping[str, Any], request: Request, members: Mapping[str, Any]) -> bool:
    """Return whether a grant of the right key allows a request.

    Parameters
    ----------
    grant : mapping
        As MiniStack keeps it.
    request : Request
    members : mapping
        The request's.
    """
    who = request.principal
    operation = request.action.removeprefix("kms:")
    if operation == "RetireGrant" and grant.get("RetiringPrincipal") in (who.arn, who.role):
        return True
    names = {who.arn, who.role} - {""}
    is_grantee = grant["GranteePrincipal"] in names
    return is_grantee and operation in grant["Operations"] and _is_within(grant.get("Constraints") or {}, members)


def _is_within(constraints: Mapping[str, Mapping[str, str]], members: Mapping[str, Any]) -> bool:
    """Return whether a request has the encryption context that a grant demands; nothing has it where there is none."""
    context = encryption_context(members)
    equals, subset = constraints.get("EncryptionContextEquals"), constraints.get("EncryptionContextSubset")
    return (equals is None or context == equals) and (subset is None or subset.items() <= context.items())

"""IAM: what MiniStack knows of a request, as `localaws.account.policy` asks for it; a key when a policy names it."""

from collections.abc import Callable, Mapping
from typing import Any

from localaws.account.policy.document import Request
from localaws.account.policy.pattern import Value
from localaws.account.policy.principal import Principal
from localaws.ministack.iam.hooks_s3 import request_conditions
from localaws.ministack.private import private

MakeRequest = Callable[..., Request]
"""Takes an ``EvalContext`` of MiniStack's; and who asks, where that is a service."""

_SESSION = ":assumed-role/"
_PRINCIPAL_TYPES = {"Root": "Account"}


def role_finder() -> Callable[[str], str]:
    """Return a function that says whose session an ARN is: the role's, with its path; empty for other ARNs.

    Hook ``ministack.services.iam._roles``.
    """
    roles = private("ministack.services.iam", "_roles")

    def role_of(arn: str) -> str:
        if _SESSION not in arn:
            return ""
        account_id, name = arn.split(":")[4], arn.split("/")[1]
        role = roles.get_scoped(account_id, None, name) or {}
        return str(role.get("Arn", f"arn:aws:iam::{account_id}:role/{name}"))

    return role_of


def request_maker() -> MakeRequest:
    """Return a function that makes a `Request` of an ``EvalContext``.

    Hooks ``ministack.core.iam_evaluator._resolve_condition_key``, which knows the keys of a request, and
    ``ministack.services.tagging.resource_tags``, which knows the tags of a resource.
    """
    resolve = private("ministack.core.iam_evaluator", "_resolve_condition_key")
    tags, role_of = private("ministack.services.tagging", "resource_tags"), role_finder()

    def request(context: Any, principal: Principal | None = None) -> Request:
        arn = context.principal_arn
        who = principal or Principal(arn, context.principal_account or _account(arn), role_of(arn))
        return Request(context.action, context.resource_arn, who, _Known(context, who, resolve, tags))

    return request


def _account(arn: str) -> str:
    return arn.split(":")[4] if arn.count(":") > 4 else ""


class _Known:
    """The condition keys of a request.

    Parameters
    ----------
    context : EvalContext
    principal : Principal
    resolve : callable
    tags : callable
    """

    def __init__(self, context: Any, principal: Principal, resolve: Any, tags: Any) -> None:
        self._context, self._principal, self._resolve, self._tags = context, principal, resolve, tags
        self._resource_tags: Mapping[str, str] | None = None

    def __call__(self, key: str) -> Value:
        """Return the value of a key."""
        who = self._principal
        of_caller: Mapping[str, str] = {
            "aws:principalarn": who.role or who.arn.removeprefix("*"),
            "aws:principalaccount": who.account,
            "aws:principaltype": _PRINCIPAL_TYPES.get(self._context.principal_type, self._context.principal_type),
            "aws:principalisawsservice": "true" if who.service else "false",
            "aws:principalservicename": who.service,
            "aws:viaawsservice": "false",
        }
        if key in of_caller:
            return of_caller[key] or None
        found: Any = self._resolve(key, self._context)
        if found is None and key.startswith("aws:resourcetag/"):
            return self._resource_tag(key.partition("/")[2])
        if found is None and key.startswith("s3:"):
            found = (request_conditions.get() or {}).get(key)
        if isinstance(found, list):
            return [str(each) for each in found]
        return None if found is None else str(found)

    def _resource_tag(self, name: str) -> str | None:
        if self._resource_tags is None:
            found = self._tags(self._context.resource_arn) or {}
            self._resource_tags = {key.lower(): value for key, value in found.items()}
        return self._resource_tags.get(name)

"""A policy's JSON as statements. A text is parsed once, however often it decides.

What AWS would have refused when the policy was put is no statement here; `problem` says what that is.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from localaws.account.policy.condition import AnyCondition, ConditionError, condition, conditions
from localaws.account.policy.pattern import Comparison, Lookup, Pattern
from localaws.account.policy.principal import Named, Principal, Principals, principals

_MOST_KEPT = 4096
_WITH_VARIABLES = "2012-10-17"
_ARN_FIELDS = 6


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked.

    Attributes
    ----------
    action : str
        Such as ``s3:GetObject``.
    resource : str
        An ARN, or ``*``.
    principal : Principal
    lookup : callable(str) -> str, sequence of str or None
        Returns the value of a condition key, which is given in lower case.
    """

    action: str
    resource: str
    principal: Principal
    lookup: Lookup


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement of a policy.

    Attributes
    ----------
    sid : str
    denies : bool
    actions, resources : tuple of Pattern
    but_actions, but_resources : bool
        Whether it is about all others: ``NotAction``, ``NotResource``.
    principals : Principals or None
        None in a policy of a user, a role or a group.
    but_principals : bool
    conditions : tuple
    """

    sid: str
    denies: bool
    actions: tuple[Pattern, ...]
    but_actions: bool
    resources: tuple[Pattern, ...]
    but_resources: bool
    principals: Principals | None
    but_principals: bool
    conditions: tuple[AnyCondition, ...]

    def is_about(self, request: Request) -> bool:
        """Return whether the action, the resource and the conditions are those of a request."""
        return self.may_be_about(request) and all(each.is_met(request.lookup) for each in self.conditions)

    def may_be_about(self, request: Request) -> bool:
        """Return the same, whatever the conditions."""
        lookup = request.lookup
        return (
            any(each.matches(request.action, lookup) for each in self.actions) != self.but_actions
            and any(each.matches(request.resource, lookup) for each in self.resources) != self.but_resources
        )

    def names(self, caller: Principal) -> Named:
        """Return how it names a caller."""
        if self.principals is None:
            return Named.NOT
        if not self.but_principals:
            return self.principals.name(caller)
        if self.denies:
            return Named.NOT if self.principals.spare(caller) else Named.ITSELF
        return Named.BY_ROLE if self.principals.name(caller) is Named.NOT else Named.NOT


Statements = tuple[Statement, ...]


def parse(policy: str | Mapping[str, Any] | None) -> Statements:
    """Return the statements of a policy; none for what is no policy."""
    if not policy:
        return ()
    return _parsed(policy if isinstance(policy, str) else json.dumps(policy))


@lru_cache(_MOST_KEPT)
def _parsed(text: str) -> Statements:
    try:
        document = json.loads(text)
    except ValueError:
        return ()
    if not isinstance(document, dict):
        return ()
    variables = document.get("Version") == _WITH_VARIABLES
    return tuple(
        _statement(each, variables)
        for each in _list(document.get("Statement"))
        if isinstance(each, dict) and each.get("Effect") in ("Allow", "Deny")
    )


def _statement(given: Mapping[str, Any], variables: bool) -> Statement:
    denies = given["Effect"] == "Deny"
    actions = (Pattern(each, Comparison.IGNORE_CASE, variables=False) for each in _texts(given, "Action", "NotAction"))
    resources = (Pattern(_whole(each), variables=variables) for each in _texts(given, "Resource", "NotResource"))
    who = next((given[name] for name in ("Principal", "NotPrincipal") if name in given), None)
    return Statement(
        sid=str(given.get("Sid", "")),
        denies=denies,
        actions=tuple(actions),
        but_actions="NotAction" in given,
        # A trust policy has no resource: the role itself is.
        resources=tuple(resources) or (() if "NotResource" in given else (Pattern("*"),)),
        but_resources="NotResource" in given,
        principals=None if who is None else principals(who),
        but_principals="NotPrincipal" in given,
        conditions=conditions(given.get("Condition"), variables=variables, denies=denies),
    )


def _whole(arn: str) -> str:
    """Return an ARN with all its fields: those that are missing are any.

    Source: "Incomplete ARN" in "IAM JSON policy elements: Resource" in IAM's guide.
    """
    missing = _ARN_FIELDS - len(arn.split(":")) if arn.startswith("arn:") and "${" not in arn else 0
    return arn if arn.endswith("*") else arn + ":*" * max(missing, 0)


def _texts(given: Mapping[str, Any], *names: str) -> list[str]:
    return [each for name in names for each in _list(given.get(name)) if isinstance(each, str)]


def _list(value: Any) -> Sequence[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def problem(policy: str | Mapping[str, Any]) -> str | None:
    """Return why AWS would refuse a policy's conditions when it is put, in AWS's words; None if it would not."""
    try:
        document = json.loads(policy) if isinstance(policy, str) else policy
    except ValueError:
        return "Syntax errors in policy."
    statements = _list(document.get("Statement")) if isinstance(document, dict) else []
    for block in (each.get("Condition", {}) for each in statements if isinstance(each, dict)):
        if not isinstance(block, dict) or not all(isinstance(keys, dict) for keys in block.values()):
            return "Syntax errors in policy."
        for name, keys in block.items():
            try:
                condition(name, "", [])
            except ConditionError as error:
                return str(error)
            if any(isinstance(value, dict) or value is None for values in keys.values() for value in _list(values)):
                return "Syntax errors in policy."
    return None

"""Who asks, and whether a statement's ``Principal`` or ``NotPrincipal`` means them.

A caller is named in one of four ways, and how decides what else has to allow the request (`decision`):

- by the ARN of the user, or of the role's session: nothing else;
- by the ARN of the role, or with everybody: what limits the caller has to, too;
- by the account: its own policies have to, too.

``NotPrincipal`` with Deny spares only whom it lists entirely: a user and the account; a session, its role and the
account. Source: "AWS JSON policy elements: Principal" and "... NotPrincipal" in IAM's guide.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

_ACCOUNT = re.compile(r"(?:arn:[\w-]+:iam::)?(\d{12})(?::root)?")
_EVERYBODY = "*"


class Named(IntEnum):
    """How a statement names a caller; the greater, the less else has to allow the request."""

    NOT = 0
    BY_ACCOUNT = 1
    BY_ROLE = 2
    ITSELF = 3


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks.

    Attributes
    ----------
    arn : str
        A user's, a session's, the root user's; ``*`` of nobody who is known.
    account : str
        Twelve digits; empty of a service.
    role : str
        Of a session: its role's ARN.
    service : str
        Of a service: ``lambda.amazonaws.com``.
    federated : str
        Of a web identity: its provider.
    """

    arn: str
    account: str = ""
    role: str = ""
    service: str = ""
    federated: str = ""


@dataclass(frozen=True, slots=True)
class Principals:
    """Those whom a statement lists.

    Attributes
    ----------
    everybody : bool
    accounts, arns, services, federated : frozenset of str
    """

    everybody: bool
    accounts: frozenset[str]
    arns: frozenset[str]
    services: frozenset[str]
    federated: frozenset[str]

    def name(self, caller: Principal) -> Named:
        """Return how the caller is named."""
        if caller.service:
            return Named.ITSELF if self.everybody or caller.service.lower() in self.services else Named.NOT
        if caller.federated:
            return Named.ITSELF if self.everybody or caller.federated in self.federated else Named.NOT
        if caller.arn in self.arns:
            return Named.ITSELF
        if self.everybody or (caller.role and self._has_role(caller.role)):
            return Named.BY_ROLE
        return Named.BY_ACCOUNT if caller.account in self.accounts else Named.NOT

    def spare(self, caller: Principal) -> bool:
        """Return whether a Deny for all but these spares the caller."""
        if self.everybody:
            return True
        if caller.service or caller.federated:
            return self.name(caller) is Named.ITSELF
        if caller.account not in self.accounts or (caller.role and not self._has_role(caller.role)):
            return False
        return caller.arn in self.arns or caller.arn.endswith(":root")

    def _has_role(self, role: str) -> bool:
        """Return whether a role is listed; a role's name is the last part of its ARN, whatever the path."""
        return role in self.arns or any(_same_role(role, arn) for arn in self.arns if ":role/" in arn)


def _same_role(one: str, other: str) -> bool:
    (account, _, name), (other_account, _, other_name) = one.partition(":role/"), other.partition(":role/")
    return account == other_account and name.rpartition("/")[2] == other_name.rpartition("/")[2]


def principals(element: Any) -> Principals:
    """Return those of the member ``Principal`` or ``NotPrincipal``."""
    listed: Mapping[str, Any] = element if isinstance(element, Mapping) else {"AWS": element}
    by_kind = {kind: _listed(value) for kind, value in listed.items()}
    known = by_kind.get("AWS", [])
    accounts = {each: found[1] for each in known if (found := _ACCOUNT.fullmatch(each))}
    return Principals(
        everybody=_EVERYBODY in known,
        accounts=frozenset(accounts.values()),
        arns=frozenset(each for each in known if each not in accounts),
        services=frozenset(each.lower() for each in by_kind.get("Service", [])),
        federated=frozenset(by_kind.get("Federated", [])),
    )


def _listed(value: Any) -> list[str]:
    return [each for each in (value if isinstance(value, list) else [value]) if isinstance(each, str)]

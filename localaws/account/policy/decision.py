"""What all policies about a request come to.

1. A Deny that is about the request, in any policy, denies.
2. The caller's own policies allow what a statement allows, as far as the permissions boundary and the session's
   policies allow it, too.
3. A resource's policy adds to that. In one account either is enough; a statement that names the account leaves it to
   the caller's policies; one that names the user or the session itself is limited by nothing. Across accounts both have
   to allow, and so they do for a KMS key in its own.
4. What nobody allows is denied.

Source: "Policy evaluation logic", "Cross-account policy evaluation logic" and "Permissions boundaries for IAM entities"
in IAM's guide; "Key policies in AWS KMS" in KMS's.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

from localaws.account.policy.document import Request, Statement, Statements
from localaws.account.policy.principal import Named


class Outcome(Enum):
    """What is decided."""

    ALLOW = "Allow"
    DENY = "Deny"
    NEITHER = "ImplicitDeny"


@dataclass(frozen=True, slots=True)
class Decision:
    """What is decided, and by which statement.

    Attributes
    ----------
    outcome : Outcome
    statement : Statement or None
    by_resource : bool
        Whether the resource's policy decided.
    """

    outcome: Outcome
    statement: Statement | None = None
    by_resource: bool = False


_NEITHER = Decision(Outcome.NEITHER)


@dataclass(frozen=True, slots=True)
class ResourcePolicy:
    """The policy of what a request is about.

    Attributes
    ----------
    statements : tuple of Statement
    account : str
        The owner's; empty where there is none, and it is the caller's.
    required : bool
        Whether nothing is allowed without it, as with a KMS key.
    granted : bool
        Whether a grant of a KMS key allows the request.
    """

    statements: Statements
    account: str = ""
    required: bool = False
    granted: bool = False


def identity_decision(request: Request, own: Statements, limits: Sequence[Statements] = ()) -> Decision:
    """Return what the caller's policies say.

    Parameters
    ----------
    request : Request
    own : tuple of Statement
        Those of the user and its groups, or of the role.
    limits : sequence of tuple of Statement
        The permissions boundary and the session's policies, as far as there are any.
    """
    for statements in (own, *limits):
        if denial := _first(request, statements, denies=True):
            return Decision(Outcome.DENY, denial)
    allowance = _first(request, own, denies=False)
    return Decision(Outcome.ALLOW, allowance) if allowance and within(request, limits) else _NEITHER


def resource_decision(request: Request, statements: Statements) -> Decision:
    """Return what a resource's policy says on its own, a role's trust policy for instance."""
    about = _naming(request, statements)
    if denial := next((each for each in about if each.denies and each.is_about(request)), None):
        return Decision(Outcome.DENY, denial, by_resource=True)
    allowance = next((each for each in about if not each.denies and each.is_about(request)), None)
    return Decision(Outcome.ALLOW, allowance, by_resource=True) if allowance else _NEITHER


def combined_decision(
    request: Request, identity: Decision, limits: Sequence[Statements], resource: ResourcePolicy
) -> Decision:
    """Return what the caller's policies and the resource's say together."""
    said = resource_decision(request, resource.statements)
    if Outcome.DENY in (identity.outcome, said.outcome):
        return identity if identity.outcome is Outcome.DENY else said
    allows = identity.outcome is Outcome.ALLOW
    same_account = resource.account in ("", request.principal.account)
    if allows and ((same_account and not resource.required) or said.outcome is Outcome.ALLOW):
        return identity
    if resource.granted:
        return Decision(Outcome.ALLOW, by_resource=True)
    if same_account and _suffices(request, limits, resource.statements):
        return said
    return _NEITHER


def _suffices(request: Request, limits: Sequence[Statements], statements: Statements) -> bool:
    """Return whether a resource's policy allows a request of its own account alone."""
    about = (each for each in statements if not each.denies and each.is_about(request))
    named = max((each.names(request.principal) for each in about), default=Named.NOT)
    return named is Named.ITSELF or (named is Named.BY_ROLE and within(request, limits))


def within(request: Request, limits: Iterable[Statements]) -> bool:
    """Return whether each limit allows a request."""
    return all(_first(request, statements, denies=False) for statements in limits)


def _first(request: Request, statements: Statements, *, denies: bool) -> Statement | None:
    return next((each for each in statements if each.denies is denies and each.is_about(request)), None)


def _naming(request: Request, statements: Statements) -> list[Statement]:
    return [each for each in statements if each.names(request.principal)]

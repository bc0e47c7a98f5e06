"""SimulatePrincipalPolicy and SimulateCustomPolicy: what policies would come to, of a request that nobody makes.

Each action is decided for each resource, by `localaws.account.policy` as real requests are. What a policy asks for and
the request does not say is named: ``MissingContextValues``.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from localaws.account.policy.decision import (
    Decision,
    Outcome,
    ResourcePolicy,
    combined_decision,
    identity_decision,
    within,
)
from localaws.account.policy.document import Request, Statements, parse
from localaws.account.policy.pattern import Value
from localaws.account.policy.principal import Principal
from localaws.ministack.query_protocol import Parameters, first

_DECISIONS = {Outcome.ALLOW: "allowed", Outcome.DENY: "explicitDeny", Outcome.NEITHER: "implicitDeny"}
_MANY = "List"


@dataclass(frozen=True)
class Simulated:
    """Whose policies are simulated.

    Attributes
    ----------
    principal : Principal
    own : tuple of Statement
    limits : sequence of tuple of Statement
        The permissions boundary, if there is one.
    """

    principal: Principal
    own: Statements
    limits: Sequence[Statements] = ()


def listed(parameters: Parameters, name: str) -> list[str]:
    """Return the items of a list: ``ActionNames.member.1`` and so on."""
    found: list[str] = []
    while value := first(parameters, f"{name}.member.{len(found) + 1}"):
        found.append(value)
    return found


def context_entries(parameters: Parameters) -> dict[str, Value]:
    """Return the values of condition keys that a request gives, by key in lower case."""
    found: dict[str, Value] = {}
    number = 1
    while key := first(parameters, f"ContextEntries.member.{number}.ContextKeyName"):
        beginning = f"ContextEntries.member.{number}"
        values = listed(parameters, f"{beginning}.ContextKeyValues")
        is_list = first(parameters, f"{beginning}.ContextKeyType").endswith(_MANY)
        found[key.lower()] = values if is_list else "".join(values[:1])
        number += 1
    return found


def evaluation_results(parameters: Parameters, simulated: Simulated, known: Callable[[str], Value]) -> str:
    """Return the answer's ``EvaluationResults``.

    Parameters
    ----------
    parameters : dict
        The request's.
    simulated : Simulated
    known : callable(str) -> str, sequence of str or None
        The condition keys of the principal.
    """
    given = context_entries(parameters)
    resource = parse(first(parameters, "ResourcePolicy"))
    owner = (first(parameters, "ResourceOwner").split(":") + [""] * 5)[4]
    extra = tuple(each for text in listed(parameters, "PolicyInputList") for each in parse(text))
    boundaries = listed(parameters, "PermissionsBoundaryPolicyInputList")
    limits = [tuple(each for text in boundaries for each in parse(text))] if boundaries else simulated.limits
    policies = _Policies((*simulated.own, *extra), limits, ResourcePolicy(resource, owner))
    members = []
    for action in listed(parameters, "ActionNames"):
        for arn in listed(parameters, "ResourceArns") or ["*"]:
            missing: dict[str, None] = {}
            lookup = _recording(given, known, missing)
            members.append(_result(policies, Request(action, arn, simulated.principal, lookup), missing))
    return "".join(members)


@dataclass(frozen=True)
class _Policies:
    own: Statements
    limits: Sequence[Statements]
    resource: ResourcePolicy

    def decide(self, request: Request) -> Decision:
        said = identity_decision(request, self.own, self.limits)
        return combined_decision(request, said, self.limits, self.resource) if self.resource.statements else said


def _recording(
    given: Mapping[str, Value], known: Callable[[str], Value], missing: dict[str, None]
) -> Callable[[str], Value]:
    def lookup(key: str) -> Value:
        found = given[key] if key in given else known(key)
        if found is None:
            missing[key] = None
        return found

    return lookup


def _result(policies: _Policies, request: Request, missing: Mapping[str, None]) -> str:
    decided = policies.decide(request)
    return _element("member", "".join(_members(policies, request, decided, missing)))


def _members(policies: _Policies, request: Request, decided: Decision, missing: Mapping[str, None]) -> Iterator[str]:
    yield _element("EvalActionName", escape(request.action))
    yield _element("EvalResourceName", escape(request.resource))
    yield _element("EvalDecision", _DECISIONS[decided.outcome])
    if policies.limits:
        allowed = str(within(request, policies.limits)).lower()
        yield _element("PermissionsBoundaryDecisionDetail", _element("AllowedByPermissionsBoundary", allowed))
    if (statement := decided.statement) is not None:
        kind = "Resource Policy" if decided.by_resource else "IAM Policy"
        matched = _element("SourcePolicyId", escape(statement.sid)) + _element("SourcePolicyType", kind)
        yield _element("MatchedStatements", _element("member", matched))
    else:
        yield _element("MatchedStatements", "")
    yield _element("MissingContextValues", "".join(_element("member", escape(key)) for key in missing))


def _element(name: str, inside: str) -> str:
    return f"<{name}>{inside}</{name}>"

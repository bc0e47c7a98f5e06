"""IAM: SimulatePrincipalPolicy and SimulateCustomPolicy answer as a real request would be decided."""

from collections.abc import Callable, Sequence
from typing import Any

from localaws.account.policy.document import Statements
from localaws.account.policy.pattern import Value
from localaws.account.policy.principal import Principal
from localaws.ministack.iam.hooks_accounts import current_account
from localaws.ministack.iam.simulation import Simulated, evaluation_results, listed
from localaws.ministack.private import private
from localaws.ministack.query_protocol import Parameters, Response, first

FindSimulated = Callable[[str], Simulated | None]
"""Takes the ARN of a user, a group or a role; None where there is none."""


def simulate_as_requests_are_decided() -> None:
    """Answer simulations by `localaws.account.policy`: of roles with a path, with boundaries and condition keys.

    Hooks ``ministack.services.iam._IAM_HANDLERS``, the table of operations; ``_xml`` and ``_error`` word answers.
    """
    handlers = private("ministack.services.iam", "_IAM_HANDLERS")
    answer, error = private("ministack.services.iam", "_xml"), private("ministack.services.iam", "_error")
    find, account = _finder(), current_account()

    def simulate(name: str, parameters: Parameters, simulated: Simulated) -> Response:
        if not listed(parameters, "ActionNames"):
            return _response(error(400, "ValidationError", "ActionNames is required."))
        if first(parameters, "ResourceHandlingOption"):
            return _response(error(501, "UnsupportedOperation", "local AWS knows no ResourceHandlingOption."))
        results = evaluation_results(parameters, simulated, _keys_of(simulated.principal))
        inside = f"<EvaluationResults>{results}</EvaluationResults><IsTruncated>false</IsTruncated>"
        return _response(answer(200, f"{name}Response", f"<{name}Result>{inside}</{name}Result>"))

    def simulate_principal(parameters: Parameters) -> Response:
        arn = first(parameters, "PolicySourceArn")
        found = find(arn)
        if found is None:
            return _response(error(404, "NoSuchEntity", f"The entity {arn} cannot be found."))
        return simulate("SimulatePrincipalPolicy", parameters, found)

    def simulate_custom(parameters: Parameters) -> Response:
        caller = first(parameters, "CallerArn") or f"arn:aws:iam::{account()}:root"
        return simulate("SimulateCustomPolicy", parameters, Simulated(Principal(caller, account()), ()))

    handlers |= {"SimulatePrincipalPolicy": simulate_principal, "SimulateCustomPolicy": simulate_custom}


def _response(answer: Any) -> Response:
    found: Response = answer
    return found


def _keys_of(principal: Principal) -> Callable[[str], Value]:
    """Return the condition keys that are known of a principal without a request."""
    kind, _, path = principal.arn.rpartition(":")[2].partition("/")
    known: dict[str, Value] = {
        "aws:principalarn": principal.role or principal.arn,
        "aws:principalaccount": principal.account,
    }
    if kind == "user":
        known |= {"aws:username": path.rpartition("/")[2], "aws:principaltype": "User"}
    return known.get


def _finder() -> FindSimulated:
    """Return a function that finds whose policies are simulated.

    Hooks ``ministack.core.iam_evaluator``: ``_gather_user_policies`` and ``_gather_role_policies`` collect policies,
    ``_resolve_managed_policy_document`` and ``_permissions_boundary`` find others; ``ministack.services.iam`` has
    ``_users``, ``_roles``, ``_groups`` and ``_group_inline_policies``.
    """
    evaluator, iam = "ministack.core.iam_evaluator", "ministack.services.iam"
    of_user, of_role = private(evaluator, "_gather_user_policies"), private(evaluator, "_gather_role_policies")
    boundary, managed = (
        private(evaluator, "_permissions_boundary"),
        private(evaluator, "_resolve_managed_policy_document"),
    )
    users, roles, groups = private(iam, "_users"), private(iam, "_roles"), private(iam, "_groups")
    inline, account = private(iam, "_group_inline_policies"), current_account()
    parse = private(evaluator, "parse_policy_document")

    def of_group(name: str, account_id: str) -> list[Statements]:
        attached = [managed(arn, account_id) for arn in groups.get(name).get("AttachedPolicies", [])]
        return [parse(each) for each in [*(inline.get(name) or {}).values(), *attached] if each]

    def find(arn: str) -> Simulated | None:
        kind, _, path = arn.rpartition(":")[2].partition("/")
        name, account_id = path.rpartition("/")[2], account()
        store = {"user": users, "role": roles, "group": groups}.get(kind)
        entity = store.get(name) if store is not None else None
        if store is None or entity is None or entity["Arn"] != arn:
            return None
        collect = {"user": of_user, "role": of_role, "group": of_group}[kind]
        limits = boundary(store, name, account_id) if kind != "group" else []
        role = arn if kind == "role" else ""
        return Simulated(
            Principal(arn, account_id, role), _flat(collect(name, account_id)), [_flat(each) for each in limits]
        )

    return find


def _flat(policies: Sequence[Statements]) -> Statements:
    return tuple(statement for statements in policies for statement in statements)

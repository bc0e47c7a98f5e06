"""IAM: policies are parsed and evaluated by `localaws.account.policy` wherever MiniStack asks for a decision.

1. MiniStack finds the caller, its policies and what limits it, and the resource's policy.
2. What it knows of the request, in an ``EvalContext``, becomes a request of ours (`hooks_requests`).
3. The root user is allowed everything by itself, so that a resource's policy can deny it something, as on AWS. A
   service of ours that acts in its own name is not asked.
"""

import importlib
from collections.abc import Sequence
from typing import Any

from localaws.account.policy.decision import (
    Decision,
    Outcome,
    ResourcePolicy,
    combined_decision,
    identity_decision,
    resource_decision,
)
from localaws.account.policy.document import Statements, parse, problem
from localaws.account.policy.principal import Principal
from localaws.ministack.gateway import asking_service
from localaws.ministack.iam.hooks_accounts import current_account
from localaws.ministack.iam.hooks_grants import grant_finder
from localaws.ministack.iam.hooks_requests import request_maker
from localaws.ministack.private import private
from localaws.settings import iam_enforced

_EVERYTHING = parse({"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}})

# A bucket's policy cannot keep the root user of its account from these; source: each one's page in S3's API reference.
_OF_THE_OWNER = frozenset({"s3:GetBucketPolicy", "s3:PutBucketPolicy", "s3:DeleteBucketPolicy"})


def decide_by_our_evaluator() -> None:
    """Have every decision made by `localaws.account.policy`.

    Hooks ``ministack.core.iam_evaluator``: ``parse_policy_document``, ``evaluate``, ``evaluate_resource_policy``,
    ``combine_resource_policy`` and ``evaluate_trust_policy`` are replaced; ``resolve_principal`` has the root user
    allowed everything instead of not asked; ``_names_condition_key`` says whether tags of the resource are read early,
    which `_Known` does when they are needed; ``validate_policy_document`` refuses conditions that cannot be read, too;
    ``EvalResult`` is what is returned.
    """
    evaluator: Any = importlib.import_module("ministack.core.iam_evaluator")
    requests, account = request_maker(), current_account()
    is_granted = grant_finder() if iam_enforced() else None
    resolve = private(evaluator.__name__, "resolve_principal")
    validate = private(evaluator.__name__, "validate_policy_document")
    result_of = private(evaluator.__name__, "EvalResult")

    def result(decision: Decision, context: Any) -> Any:
        found = result_of(decision.outcome.value, context.principal_arn)
        found.matched_sid = decision.statement.sid if decision.statement else ""
        if decision.by_resource and decision.outcome is Outcome.DENY:
            found.resource_policy_arn = context.resource_arn
        return found

    def evaluate(context: Any, policies: Sequence[Statements], *limits: Sequence[Statements]) -> Any:
        return result(identity_decision(requests(context), _flat(policies), [_flat(each) for each in limits]), context)

    def evaluate_resource_policy(document: Any, context: Any, service: str | None = None) -> Any:
        decided = resource_decision(requests(context), parse(document))
        if decided.outcome is Outcome.NEITHER and service:
            decided = resource_decision(requests(context, Principal("*", service=service)), parse(document))
        return result(decided, context)

    def combine(
        identity: Any,
        context: Any,
        policy: Any,
        owner: str | None,
        required: bool = False,
        limits: Sequence[Sequence[Statements]] = (),
    ) -> Any:
        if context.principal_type == "Root" and context.action in _OF_THE_OWNER and owner == context.principal_account:
            return identity
        request = requests(context)
        granted = required and is_granted is not None and is_granted(request)
        resource = ResourcePolicy(parse(policy), owner or "", required, granted)
        said = Decision(Outcome(identity.decision))
        decided = combined_decision(request, said, [_flat(each) for each in limits], resource)
        return identity if decided is said else result(decided, context)

    def evaluate_trust(document: Any, caller: str, context: Any) -> bool:
        request = requests(context)
        service = asking_service.get()
        if "." in service:
            context.service_context["aws:sourceaccount"] = account()
            request = requests(context, Principal("*", service=service))
        elif context.action == "sts:AssumeRoleWithWebIdentity":
            request = requests(context, Principal("*", federated=caller))
        return resource_decision(request, parse(document)).outcome is Outcome.ALLOW

    def resolve_root(access_key: str, account_id: str, credential: Any = None) -> Any:
        found = resolve(access_key, account_id, credential)
        if access_key and getattr(found, "type", "") == "Root" and not asking_service.get():
            found.policies = [_EVERYTHING]
        return found

    evaluator.parse_policy_document = parse
    evaluator.evaluate = evaluate
    evaluator.evaluate_resource_policy = evaluate_resource_policy
    evaluator.combine_resource_policy = combine
    evaluator.evaluate_trust_policy = evaluate_trust
    evaluator.resolve_principal = resolve_root
    evaluator._names_condition_key = lambda _policies, _prefix: False
    evaluator.validate_policy_document = lambda document: validate(document) or problem(document)


def _flat(policies: Sequence[Statements]) -> Statements:
    return tuple(statement for statements in policies for statement in statements)

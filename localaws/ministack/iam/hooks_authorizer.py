"""IAM: decisions for the servers of our own."""

import hmac
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

from localaws.account import authorization, git_credentials, resource_tags
from localaws.account.guard import ALLOWED, Authorize
from localaws.account.policy.decision import Outcome, resource_decision
from localaws.account.policy.document import Request, parse
from localaws.account.policy.principal import Principal
from localaws.account.resource_policy import PolicyAnswer, PolicyQuestion
from localaws.account.resource_tags import TagsByArn
from localaws.ministack.iam.hooks_accounts import account_scope, current_account
from localaws.ministack.iam.hooks_requests import request_maker, role_finder
from localaws.ministack.private import private
from localaws.protocol.asgi import Response, Scope
from localaws.protocol.routing import GIT_PATH
from localaws.settings import REGION

# Git asks without credentials first, and its credential helper when it is told this.
_WHO_ASKS = Response(401, [(b"www-authenticate", b'Basic realm="CodeCommit"')])


def request_authorizer() -> Authorize:
    """Return a function that asks MiniStack's IAM whether a request to one of our services is allowed.

    Hooks ``ministack.core.iam_evaluator``: ``pin_signed_request`` and ``pin_signed_body`` keep what the signature is
    checked against, ``enforce`` checks it and evaluates the caller's policies; ``iam_actions.identity_denial_message``
    and ``_auth_failure`` word the refusal; ``app._request_account_scope``, ``core.router`` and ``core.responses`` say
    whose request it is.
    """
    keep_request = private("ministack.core.iam_evaluator", "pin_signed_request")
    keep_body = private("ministack.core.iam_evaluator", "pin_signed_body")
    enforce = private("ministack.core.iam_evaluator", "enforce")
    unauthenticated = private("ministack.core.iam_evaluator", "AuthError")
    wording = private("ministack.core.iam_actions", "identity_denial_message")
    failure = private("ministack.core.iam_actions", "_auth_failure")
    access_key_of = private("ministack.core.router", "extract_access_key_id")
    set_account = private("ministack.core.responses", "set_request_account_id")
    account_of, current = private("ministack.app", "_request_account_scope"), current_account()

    of_git = _git_authorizer()

    def authorize(scope: Scope, question: bytes) -> Response:
        tags, body = resource_tags.parted(question)
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        if scope["path"].startswith(GIT_PATH):
            return of_git(scope, headers, tags)
        query = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        key = access_key_of(headers, query)
        set_account(account_of(key))
        account_id = current()
        keep_request(scope["method"], scope["raw_path"].decode("latin-1"), query, scope["headers"])
        keep_body(body)
        target = headers.get("x-amz-target", "")
        for check in authorization.checks(target, scope["path"], body, account_id):
            if check.action == "iam:PassRole" and check.resource.split(":")[4:5] != [account_id]:
                return _denied("Cross-account pass role is not allowed.", 400)
            context = dict(check.context) | resource_tags.conditions(check.service, tags.get(check.resource, {}))
            denied = enforce(key, check.action, check.service, REGION, check.resource, context)
            if isinstance(denied, unauthenticated):
                code, status, message = failure(check.service, denied.code, denied.message, headers)
                return Response.aws_error(status, code, message)
            if denied is not None:
                explicit = denied.decision == "Deny"
                message = wording(check.action, denied.principal_arn, check.resource, explicit)
                return _denied(message, 400 if target else 403)
        return ALLOWED

    return authorize


def _git_authorizer() -> Callable[[Scope, Mapping[str, str], TagsByArn], Response]:
    """Return the same function for git's requests to CodeCommit, which are signed in their own way.

    Hooks ``ministack.core.iam_evaluator``: ``resolve_credential`` finds a key's secret and ``is_root_access_key`` the
    root user's keys, ``enforce`` evaluates the policies.
    """
    resolve = private("ministack.core.iam_evaluator", "resolve_credential")
    is_root = private("ministack.core.iam_evaluator", "is_root_access_key")
    enforce = private("ministack.core.iam_evaluator", "enforce")
    set_account = private("ministack.core.responses", "set_request_account_id")
    account_of, current = private("ministack.app", "_request_account_scope"), current_account()

    def authorize(scope: Scope, headers: Mapping[str, str], tags: TagsByArn) -> Response:
        credentials = git_credentials.given(headers)
        if credentials is None:
            return _WHO_ASKS
        path: str = scope["path"]
        set_account(account_of(credentials.access_key))
        account_id = current()
        repository = "/".join(path.split("/")[:4])
        key = credentials.access_key
        found = resolve(key, account_id, credentials.session_token) if key else None
        secret = getattr(found, "secret_access_key", "")
        host, now = headers.get("host", ""), datetime.now(UTC)
        # Services of ours have the root user's secret itself for a password.
        is_service = bool(secret) and is_root(key) and hmac.compare_digest(credentials.password, secret)
        if not secret or not (is_service or credentials.are_signed(secret, host, repository, now)):
            return _denied("The user name and password were not made for this.")
        check = authorization.git_check(repository, scope["query_string"].decode("latin-1"), path, account_id)
        context = resource_tags.conditions(check.service, tags.get(check.resource, {}))
        denied = enforce(key, check.action, check.service, REGION, check.resource, context)
        return ALLOWED if denied is None else _denied(f"{check.action} is denied.")

    return authorize


def _denied(message: str, status: int = 403) -> Response:
    return Response.aws_error(status, "AccessDeniedException", message)


def resource_policies() -> Callable[[str, str, str, str], bool]:
    """Return a function that says whether the policy of a queue, topic or function allows a service an action.

    It takes the service's principal, IAM's action, the resource's ARN and the rule's.

    Hook ``ministack.core.iam_evaluator._resource_policy``, which finds a policy.
    """
    policy_of = private("ministack.core.iam_evaluator", "_resource_policy")
    in_account, request_of = account_scope(), _request_maker()

    def allows(principal: str, action: str, arn: str, rule_arn: str) -> bool:
        with in_account(arn.split(":")[4]):
            found = policy_of(arn.split(":")[2], arn)
        if found is None:
            return True  # the resource does not exist: its service says so
        source = {"aws:sourcearn": rule_arn, "aws:sourceaccount": rule_arn.split(":")[4]}
        service = Principal("*", service=f"{principal}.amazonaws.com")
        return _allows(found[0], request_of(service, action, arn, service_context=source))

    return allows


def policy_evaluator() -> Callable[[PolicyQuestion], PolicyAnswer]:
    """Return a function that evaluates a resource's policy for a caller of another account.

    Hook ``ministack.core.iam_evaluator.resolve_principal``, which finds the caller.
    """
    resolve = private("ministack.core.iam_evaluator", "resolve_principal")
    in_account, request_of = account_scope(), _request_maker()

    def answer(question: PolicyQuestion) -> PolicyAnswer:
        root = f"arn:aws:iam::{question.account_id}:root"
        with in_account(question.account_id):
            found = resolve(question.access_key, question.account_id)
            arn = getattr(found, "arn", root)  # where IAM is not enforced, any key is the root user's
            who = Principal(arn, question.account_id, role_finder()(arn))
            keys = {"principal_type": getattr(found, "type", "Root"), "principal_keys": getattr(found, "keys", {})}
            request = request_of(who, question.action, question.resource, **keys)
            return PolicyAnswer(_allows(question.policy, request), arn)

    return answer


def _allows(policy: Any, request: Request) -> bool:
    return resource_decision(request, parse(policy)).outcome is Outcome.ALLOW


def _request_maker() -> Callable[..., Request]:
    """Return a function that makes a request of a principal, an action and a resource.

    Hook ``ministack.core.iam_evaluator.EvalContext``.
    """
    context_of, make = private("ministack.core.iam_evaluator", "EvalContext"), request_maker()

    def request(who: Principal, action: str, resource: str, *, principal_type: str = "Service", **keys: Any) -> Request:
        context = context_of(
            principal_arn=who.arn,
            principal_type=principal_type,
            principal_account=who.account,
            action=action,
            resource_arn=resource,
            region=REGION,
            secure_transport=True,
            **keys,
        )
        return make(context, who)

    return request

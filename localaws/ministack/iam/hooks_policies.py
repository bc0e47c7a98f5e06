"""IAM: what policies see of a request, as on AWS."""

import importlib
from typing import Any

from localaws.account import authorization
from localaws.ministack.gateway import asking_service
from localaws.ministack.iam.hooks_accounts import current_account
from localaws.ministack.private import private

_TAG_ACTIONS = ("TagResource", "UntagResource", "ListTagsForResource")


def restrict_trust_to_service() -> None:
    """Have one of our services assume only roles that trust it, and only in this account.

    Hook ``ministack.core.iam_evaluator.evaluate_trust_policy``, which takes the root user for any service and knows no
    ``aws:SourceAccount``.
    """
    evaluator: Any = importlib.import_module("ministack.core.iam_evaluator")
    evaluate, account = private(evaluator.__name__, "evaluate_trust_policy"), current_account()

    def evaluate_in_account(document: Any, caller: str, context: Any = None) -> Any:
        service = asking_service.get()
        if context is not None and service:
            context.service_context["aws:sourceaccount"] = account()
            document = authorization.trust_in_service(document, service) if "." in service else document
        return evaluate(document, caller, context)

    evaluator.evaluate_trust_policy = evaluate_in_account


def show_sessions_as_their_roles() -> None:
    """Have ``aws:PrincipalArn`` be the role of a session, ``arn:aws:iam::...:role/name``, as on AWS.

    Hook ``ministack.core.iam_evaluator._resolve_condition_key``, which takes the session's own ARN;
    ``ministack.services.iam._roles`` knows the role's path. Source: "AWS global condition context keys" in IAM's guide.
    """
    evaluator: Any = importlib.import_module("ministack.core.iam_evaluator")
    resolve = private(evaluator.__name__, "_resolve_condition_key")
    roles = private("ministack.services.iam", "_roles")

    def resolve_role(key: str, context: Any) -> Any:
        found = resolve(key, context)
        if key.lower() != "aws:principalarn" or ":assumed-role/" not in str(found):
            return found
        account_id, name = found.split(":")[4], found.split("/")[1]
        role = roles.get_scoped(account_id, None, name) or {}
        return role.get("Arn", f"arn:aws:iam::{account_id}:role/{name}")

    evaluator._resolve_condition_key = resolve_role


def append_stream_to_log_group_arn() -> None:
    """Require a policy for ``log-group:<name>:*`` for actions on a log group, as CloudWatch Logs does.

    Hook ``ministack.core.iam_actions.extract_resource_arn``, which leaves out what is after the group's name. Only the
    three actions on tags have a group's ARN without it; source: "Overview of managing access permissions to your
    CloudWatch Logs resources" in its User Guide.
    """
    actions: Any = importlib.import_module("ministack.core.iam_actions")
    extract = private(actions.__name__, "extract_resource_arn")

    def extract_with_stream(service: str, method: str, path: str, headers: dict[str, str], *others: Any) -> Any:
        arn = extract(service, method, path, headers, *others)
        of_tags = headers.get("x-amz-target", "").endswith(_TAG_ACTIONS)
        return f"{arn}:log-stream:" if service == "logs" and ":log-group:" in arn and not of_tags else arn

    actions.extract_resource_arn = extract_with_stream


def treat_loopback_as_tls() -> None:
    """Treat requests as sent over TLS: they do not leave this machine, and a bucket may refuse others.

    Hook ``ministack.app.pin_request_origin``, which keeps a request's address and whether it came over TLS.
    """
    application: Any = importlib.import_module("ministack.app")
    keep_origin = private(application.__name__, "pin_request_origin")
    application.pin_request_origin = lambda address, _secure: keep_origin(address, True)

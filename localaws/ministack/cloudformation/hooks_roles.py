"""CloudFormation's service roles: a stack is made, updated and deleted as the role that it was given, ``RoleARN``.

MiniStack takes the parameter and forgets it. Here a stack keeps its role, and a caller that passes one needs
``iam:PassRole``. The role is known to all that an operation does afterwards, as that has the operation's context.

Source: "CloudFormation service role" in CloudFormation's User Guide.
"""

import importlib
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from localaws.ministack.private import private
from localaws.ministack.query_protocol import Parameters, first
from localaws.settings import REGION, iam_enforced

Handler = Callable[[Parameters], Any]

role_arn: ContextVar[str | None] = ContextVar("role_arn", default=None)
"""The role of the stack that is being worked on; None when it has none."""

_OPERATIONS = ("CreateStack", "UpdateStack", "DeleteStack", "CreateChangeSet", "ExecuteChangeSet")
_MEMBER = "RoleARN"
_DONE = 200


def act_as_stack_roles() -> None:
    """Carry out each operation on a stack as the stack's role.

    Hooks ``ministack.services.cloudformation.handlers._ACTION_HANDLERS``, the table of operations, and ``_stacks``
    beside it, which knows all stacks; ``...helpers._error`` words a refusal.
    """
    handlers = private("ministack.services.cloudformation.handlers", "_ACTION_HANDLERS")
    stacks = private("ministack.services.cloudformation", "_stacks")
    error, denial = private("ministack.services.cloudformation.helpers", "_error"), _denial()

    def acting(handler: Handler) -> Handler:
        def called(params: Parameters) -> Any:
            name, given = _stack_name(first(params, "StackName")), first(params, _MEMBER)
            if given and iam_enforced() and (message := denial(given)):
                return error("AccessDenied", message, 403)
            kept = (stacks.get(name) or {}).get(_MEMBER)
            before = role_arn.set(given or kept)
            try:
                answer = handler(params)
            finally:
                role_arn.reset(before)
            if given and answer[0] == _DONE and (stack := stacks.get(name)) is not None:
                stack[_MEMBER] = given
            return answer

        return called

    handlers.update({name: acting(handlers[name]) for name in _OPERATIONS})


def _denial() -> Callable[[str], str | None]:
    """Return a function that says why the caller may not pass a role to CloudFormation; None if it may.

    Hooks ``ministack.core.iam_evaluator``: ``pin_request_caller`` is told of each request, ``enforce`` evaluates its
    caller's policies; ``...iam_actions.identity_denial_message`` words the refusal.
    """
    evaluator: Any = importlib.import_module("ministack.core.iam_evaluator")
    pin, key_of = (
        private(evaluator.__name__, "pin_request_caller"),
        private("ministack.core.router", "extract_access_key_id"),
    )
    key: ContextVar[str] = ContextVar("key", default="")
    enforce = private("ministack.core.iam_evaluator", "enforce")
    wording = private("ministack.core.iam_actions", "identity_denial_message")

    def pin_known(headers: Any, query: Any = None) -> None:
        pin(headers, query)
        key.set(key_of(headers, query or {}) or "")

    def denial(role: str) -> str | None:
        service = {"iam:PassedToService": "cloudformation.amazonaws.com"}
        denied = enforce(key.get(), "iam:PassRole", "iam", REGION, role, service)
        if denied is None:
            return None
        return str(wording("iam:PassRole", denied.principal_arn, role, denied.decision == "Deny"))

    evaluator.pin_request_caller = pin_known
    return denial


def _stack_name(name_or_id: str) -> str:
    """Return the name of a stack from its name or its id, ``arn:aws:cloudformation:region:account:stack/name/uuid``."""
    return name_or_id.split("/")[1] if name_or_id.startswith("arn:") else name_or_id

"""CloudFormation's front: what CloudFormation refuses at once, and MiniStack would accept."""

import importlib
from collections.abc import Callable, Mapping
from typing import Any

from localaws.ministack.cloudformation.refusals import check_parameters, refusal
from localaws.ministack.private import hook

Answer = tuple[int, Mapping[str, str], bytes]
Parameters = dict[str, Any]
"""Of a request of the query protocol: a list of texts for each name."""


def let_unknown_parameters_be_refused() -> None:
    """Let nobody give a parameter that the template does not have: to a stack, a change set or a stack in a stack.

    Hook ``ministack.services.cloudformation.engine._resolve_parameters``, which ``...handlers`` and ``...changesets``
    have under that name, too; its ValueError is answered as a ValidationError, or fails the nested stack.
    """
    resolve = hook("ministack.services.cloudformation.engine", "_resolve_parameters")

    def resolve_known(template: dict[str, Any], provided: list[dict[str, Any]], *previous: Any) -> Any:
        check_parameters(template.get("Parameters") or {}, [each["Key"] for each in provided])
        return resolve(template, provided, *previous)

    for name in ("engine", "handlers", "changesets"):
        module: Any = importlib.import_module(f"ministack.services.cloudformation.{name}")
        hook(module.__name__, "_resolve_parameters")
        module._resolve_parameters = resolve_known


def let_stacks_refuse_what_their_status_forbids() -> None:
    """Let a stack whose creation or deletion failed be deleted before it is made again.

    Hooks ``ministack.services.cloudformation.handlers._ACTION_HANDLERS``, ``_resolve_stack`` and ``_error``.
    """
    module = "ministack.services.cloudformation.handlers"
    handlers, find, error = (hook(module, name) for name in ("_ACTION_HANDLERS", "_resolve_stack", "_error"))

    def refusing(action: str, answer: Callable[[Parameters], Answer]) -> Callable[[Parameters], Answer]:
        def answer_or_refuse(request: Parameters) -> Answer:
            stack = find(request.get("StackName", [""])[0])
            kind = "CREATE" if action == "CreateStack" else request.get("ChangeSetType", ["UPDATE"])[0]
            problem = None if stack is None else refusal(kind, stack)
            refused: Answer | None = None if problem is None else error(*problem)
            return answer(request) if refused is None else refused

        return answer_or_refuse

    for action in ("CreateStack", "CreateChangeSet"):
        handlers[action] = refusing(action, handlers[action])

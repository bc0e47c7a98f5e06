"""CloudFormation: more types, properties that are checked and completed, exact change sets."""

import importlib
from collections.abc import Callable, Collection, Mapping
from typing import Any

from localaws.ministack.cloudformation.attempts import ATTEMPT, Attempts
from localaws.ministack.cloudformation.exactness import Exactness
from localaws.ministack.cloudformation.hooks_rollback import note_of, provisioned
from localaws.ministack.cloudformation.provisioner import Provisioner, note_made
from localaws.ministack.private import private

Properties = dict[str, Any]
Stacks = Mapping[str, Any]


def add_resource_types(provisioners: Mapping[str, Provisioner], tagged: Collection[str]) -> None:
    """Add resource types, each provisioned in a worker thread; those that are `tagged` get the stack's tags.

    Hooks ``ministack.services.cloudformation.provisioners._RESOURCE_HANDLERS``, the table of types,
    ``..._STACK_TAG_PROPERTY``, which says where the stack's tags go, and ``...stacks._runs_on_worker_thread``, which
    says for which types the event loop must not wait.
    """
    private("ministack.services.cloudformation.provisioners", "_STACK_TAG_PROPERTY").update(
        dict.fromkeys(tagged, ("Tags", "list"))
    )
    handlers = private("ministack.services.cloudformation.provisioners", "_RESOURCE_HANDLERS")
    stacks = importlib.import_module("ministack.services.cloudformation.stacks")
    in_thread = private(stacks.__name__, "_runs_on_worker_thread")
    for name, provisioner in provisioners.items():
        handlers[name] = {
            "create": provisioner.create,
            "update": provisioner.update,
            "update_with_logical_id": True,
            "delete": provisioner.delete,
        }
    stacks._runs_on_worker_thread = lambda name: name in provisioners or in_thread(name)  # type: ignore[attr-defined]


def check_and_complete_resources(exactness: Exactness, attempts: Attempts) -> None:
    """Check the properties of each resource before it is created or updated, and complete them afterwards.

    That it is begun is written down before.

    Hooks ``_provision_resource``, ``_update_resource`` and ``_delete_resource`` of
    ``ministack.services.cloudformation.provisioners``, which stacks, in a module of their own, and nested stacks call
    with properties whose references are resolved; and ``...stacks._runs_on_worker_thread`` for the types that are
    checked or completed by calls to this very server; ``ministack.services.cloudformation._stacks`` knows all stacks.
    """
    provisioners: Any = importlib.import_module("ministack.services.cloudformation.provisioners")
    stacks: Any = importlib.import_module("ministack.services.cloudformation.stacks")
    names = ("_provision_resource", "_update_resource", "_delete_resource")
    provision, update, delete = (private(provisioners.__name__, name) for name in names)
    every_stack = private("ministack.services.cloudformation", "_stacks")
    runs_in_thread, in_thread = private(stacks.__name__, "_runs_on_worker_thread"), exactness.asks_services

    def delete_if_allowed(resource_type: str, physical_id: str, *others: Any, **more: Any) -> None:
        exactness.check_deletion(resource_type, physical_id)
        delete(resource_type, physical_id, *others, **more)

    exact = (
        _provisioning(exactness, attempts, provision, every_stack),
        _updating(exactness, attempts, update, every_stack),
    )
    for module in (provisioners, stacks):
        for name, function in zip(names, (*exact, delete_if_allowed), strict=True):
            private(module.__name__, name)
            setattr(module, name, function)
    stacks._runs_on_worker_thread = lambda name: name in in_thread or runs_in_thread(name)


def _provisioning(
    exactness: Exactness, attempts: Attempts, provision: Callable[..., Any], every_stack: Stacks
) -> Callable[..., Any]:
    """Return what creates a resource in place of `provision`."""

    def provision_exactly(resource_type: str, logical_id: str, props: Properties, stack_name: str) -> Any:
        stack = every_stack[stack_name]
        exactness.check(resource_type, logical_id, props)
        props = exactness.typed(resource_type, props)
        if not attempts.is_begun(stack["StackId"], logical_id):  # otherwise it may be there, made by this operation
            exactness.check_new(resource_type, logical_id, props, stack, list(every_stack.values()))
        resource = (stack, logical_id, resource_type, props)
        attempt = ATTEMPT.set(attempts.begin(stack["StackId"], logical_id, resource_type, props))
        token = note_made.set(note_of(*resource, "IN_PROGRESS"))
        try:
            return provisioned(
                lambda: provision(resource_type, logical_id, props, stack_name),
                lambda physical_id: exactness.complete(resource_type, physical_id, props),
                note_of(*resource),
            )
        finally:
            note_made.reset(token)
            ATTEMPT.reset(attempt)

    return provision_exactly


def _updating(
    exactness: Exactness, attempts: Attempts, update: Callable[..., Any], every_stack: Stacks
) -> Callable[..., Any]:
    """Return what updates a resource in place of `update`."""

    def update_exactly(  # its parameters are MiniStack's
        resource_type: str,
        physical_id: str,
        old: Properties,
        new: Properties,
        stack_name: str,
        logical_id: str | None = None,
        old_attrs: Properties | None = None,
    ) -> Any:
        # A nested stack's update does not say what is known of a resource, and would forget it.
        known = old_attrs if old_attrs is not None else _attributes(every_stack, stack_name, logical_id)
        if old == new:
            return update(resource_type, physical_id, old, new, stack_name, logical_id, known)
        stack, name = every_stack[stack_name], logical_id or physical_id
        exactness.check(resource_type, name, new)
        old, new = (exactness.typed(resource_type, properties) for properties in (old, new))
        attempt = ATTEMPT.set(attempts.begin(stack["StackId"], name, resource_type, new))
        try:
            new_id, attributes = provisioned(
                lambda: update(resource_type, physical_id, old, new, stack_name, logical_id, known),
                lambda provisioned_id: exactness.complete(resource_type, provisioned_id, new),
                note_of(stack, name, resource_type, new),
            )
        finally:
            ATTEMPT.reset(attempt)
        return new_id, {**known, **attributes} if new_id == physical_id else attributes

    return update_exactly


def _attributes(every_stack: Stacks, stack_name: str, logical_id: str | None) -> Properties:
    """Return what GetAtt returns for a resource, as its stack knows it."""
    stack = every_stack.get(stack_name) or {}
    return dict(stack.get("_resources", {}).get(logical_id, {}).get("Attributes") or {})


def correct_change_sets(create_only: Callable[[str], Collection[str]]) -> None:
    """Leave resources whose condition is false out of change sets, and recognize what replaces a resource.

    Hooks ``ministack.services.cloudformation.changesets``: ``_resolve_props_for_diff`` gives both templates that are
    compared, and ``_evaluate_conditions`` their conditions; and ``...stacks._property_recreation``.
    """
    changesets: Any = importlib.import_module("ministack.services.cloudformation.changesets")
    stacks: Any = importlib.import_module("ministack.services.cloudformation.stacks")
    resolve = private(changesets.__name__, "_resolve_props_for_diff")
    evaluate = private(changesets.__name__, "_evaluate_conditions")
    recreation = private(stacks.__name__, "_property_recreation")

    def resolve_present(template: dict[str, Any], params: dict[str, Any], *names: str) -> dict[str, Any]:
        resolved: dict[str, Any] = resolve(template, params, *names)
        if not resolved:
            return resolved
        absent = {name for name, holds in evaluate(template, params).items() if not holds}
        resources = {key: item for key, item in resolved["Resources"].items() if item.get("Condition") not in absent}
        return {**resolved, "Resources": resources}

    def exact_recreation(resource_type: str, name: str) -> Any:
        return "Always" if name in create_only(resource_type) else recreation(resource_type, name)

    changesets._resolve_props_for_diff = resolve_present
    stacks._property_recreation = exact_recreation

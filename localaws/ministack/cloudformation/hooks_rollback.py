"""CloudFormation: what was made of a resource that then failed belongs to its stack, and is undone with it.

MiniStack knows a resource only if all of it succeeded. An endpoint that does not come into service, a bucket whose
lifecycle rule S3 refuses, a nested stack whose third resource fails: each exists, and would stay behind, in the way of
the next attempt. Here it is recorded in its stack as failed, as in CloudFormation: a rollback deletes it, or restores
its old properties, and DeleteStack deletes it where rollback is disabled.
"""

import asyncio
import importlib
from collections.abc import Callable, MutableMapping
from typing import Any

from localaws.document import Document
from localaws.ministack.cloudformation.provisioner import IncompleteError, Provisioned
from localaws.ministack.private import private

Stacks = MutableMapping[str, Document]

_FAILED = ("CREATE_FAILED", "UPDATE_FAILED")
_STACK = "AWS::CloudFormation::Stack"
_SUFFIX_LENGTH = len("-01234567-89a")  # of a nested stack's name


def provisioned(
    provision: Callable[[], Provisioned], complete: Callable[[str], None], note_failure: Callable[[str], None]
) -> Provisioned:
    """Make or update a resource and complete it; if that fails, note what exists by its physical id."""
    physical_id = None
    try:
        physical_id, attributes = provision()
        complete(physical_id)
    except Exception as error:
        physical_id = error.physical_id if isinstance(error, IncompleteError) else physical_id
        if physical_id is not None:
            note_failure(physical_id)
        raise
    return physical_id, attributes


def note_of(
    stack: Document, logical_id: str, resource_type: str, properties: Document, how: str = "FAILED"
) -> Callable[[str], None]:
    """Return a function that records a resource in its stack as failed, or in progress, by its physical id."""

    def note(physical_id: str) -> None:
        resources: dict[str, Document] = stack["_resources"]
        known = resources.get(logical_id)
        if known is not None and known["ResourceStatus"] == "CREATE_IN_PROGRESS":
            known = None  # noted by this very creation
        was_there = known is not None and known["PhysicalResourceId"] == physical_id
        # A stack in a stack is sent back by another update: that needs to know the one which was to be replaced.
        replaces = known is not None and not was_there and "_parent_stack_name" in stack
        resources[f"{logical_id}Replacement" if replaces else logical_id] = {
            "PhysicalResourceId": physical_id,
            "ResourceType": resource_type,
            "ResourceStatus": f"{'UPDATE' if was_there else 'CREATE'}_{how}",
            "LogicalResourceId": logical_id,
            "Properties": properties,
            "Attributes": known["Attributes"] if known is not None and was_there else {},
            "Timestamp": private("ministack.core.responses", "now_iso")(),
        }

    return note


def roll_back_failed_resources() -> None:
    """Have a rollback undo what was made of failed resources, and a stack keep what could not be deleted.

    MiniStack forgets what the rollback of a creation could not delete; here the next DeleteStack tries it again.

    Hook ``ministack.services.cloudformation.stacks._roll_back_operation``, called there and, for RollbackStack, in
    ``...handlers``: ``operation["created"]`` is what it undoes, ``_rollback_failed`` what it could not delete.
    """
    stacks: Any = importlib.import_module("ministack.services.cloudformation.stacks")
    handlers: Any = importlib.import_module("ministack.services.cloudformation.handlers")
    roll_back = private(stacks.__name__, "_roll_back_operation")
    private(handlers.__name__, "_roll_back_operation")

    async def roll_all_back(stack_name: str, stack_id: str, stack: Document, operation: Document, **more: Any) -> None:
        resources: dict[str, Document] = stack["_resources"]
        before = dict(resources)
        failed = [name for name, record in before.items() if record["ResourceStatus"] in _FAILED]
        created = [name for name in operation.get("created", ()) if name not in failed]
        await roll_back(stack_name, stack_id, stack, {**operation, "created": created + failed}, **more)
        if stack["StackStatus"] == "ROLLBACK_FAILED":
            for name in stack["_rollback_failed"]:
                resources[name] = {**before[name], "ResourceStatus": "DELETE_FAILED"}

    stacks._roll_back_operation = handlers._roll_back_operation = roll_all_back


def roll_back_nested_stacks() -> None:
    """Delete a nested stack as any other stack, even one whose creation failed.

    MiniStack leaves what a failed one had made, deletes what its template retains, and calls one deleted of which
    something could not be deleted.

    Hooks ``ministack.services.cloudformation.provisioners._RESOURCE_HANDLERS``, where the type's ``create`` and
    ``delete`` are, ``...stacks._delete_stack_async`` and ``..._roll_back_operation`` for stacks, and ``..._stacks``.
    """
    handler = private("ministack.services.cloudformation.provisioners", "_RESOURCE_HANDLERS")[_STACK]
    module: Any = importlib.import_module("ministack.services.cloudformation.stacks")
    delete_stack = private(module.__name__, "_delete_stack_async")
    every_stack: Stacks = private("ministack.services.cloudformation", "_stacks")
    create: Callable[[str, Document, str], Provisioned] = handler["create"]

    def create_known(logical_id: str, properties: Document, stack_name: str) -> Provisioned:
        for interrupted in _left_behind(every_stack, stack_name, logical_id):
            delete(interrupted["StackId"], properties)
        before = set(every_stack)
        try:
            return create(logical_id, properties, stack_name)
        except Exception as error:
            made = [each for name, each in every_stack.items() if name not in before and _is_child(each, stack_name)]
            if not made:
                raise
            made[0]["StackStatus"] = "CREATE_FAILED"
            raise IncompleteError(made[0]["StackId"], str(error)) from error

    def delete(physical_id: str, _properties: Document) -> None:
        found = [(name, each) for name, each in every_stack.items() if each["StackId"] == physical_id]
        for name, child in found:
            parent = every_stack.get(child["_parent_stack_name"], {})
            if "ROLLBACK" in parent.get("StackStatus", ""):
                # Then everything that the operation created is deleted, also what is retained except on creation.
                operation = {
                    "created": list(child["_resources"]),
                    "template": child["_template"],
                    "param_values": child["_resolved_params"],
                }
                asyncio.run(module._roll_back_operation(name, physical_id, child, operation))
            asyncio.run(delete_stack(name, physical_id))
            if child["StackStatus"] != "DELETE_COMPLETE":
                reason = child["StackStatusReason"]
                raise ValueError(f"Embedded stack {physical_id} was not successfully deleted: {reason}")

    handler.update(create=create_known, delete=delete)


def _left_behind(stacks: Stacks, parent: str, logical_id: str) -> list[Document]:
    """Return the nested stacks that a kill interrupted while they were made, which their parent was not told of."""
    known = {record["PhysicalResourceId"] for record in stacks[parent]["_resources"].values()}
    return [
        each
        for name, each in stacks.items()
        if _is_child(each, parent)
        and name[:-_SUFFIX_LENGTH] == f"{parent}-{logical_id}"
        and each["StackId"] not in known
        and each["StackStatus"] != "DELETE_COMPLETE"
    ]


def _is_child(stack: Document, parent: str) -> bool:
    return stack.get("_parent_stack_name") == parent

"""CloudFormation: a stack that is still being created is deleted once its creation has stopped.

MiniStack would delete what is there, go on making the rest, and call the stack CREATE_COMPLETE in the end.
CloudFormation begins no other resource, waits for the current one, and deletes them all.
"""

import asyncio
import importlib
from typing import Any

from localaws.ministack.private import private


def delete_stacks_in_progress() -> None:
    """Have a deletion wait for the creation or update in progress, which ends with its current resource.

    Hooks ``ministack.services.cloudformation.stacks._deploy_stack_async``, ``_delete_stack_async``, both also in
    ``...handlers``, the former in ``...changesets``, and ``_provision_resource`` and ``_roll_back_operation``.
    """
    stacks: Any = importlib.import_module("ministack.services.cloudformation.stacks")
    handlers: Any = importlib.import_module("ministack.services.cloudformation.handlers")
    changesets: Any = importlib.import_module("ministack.services.cloudformation.changesets")
    every_stack = private("ministack.services.cloudformation", "_stacks")
    deploy, delete = (private(stacks.__name__, name) for name in ("_deploy_stack_async", "_delete_stack_async"))
    provision, roll_back = (private(stacks.__name__, name) for name in ("_provision_resource", "_roll_back_operation"))
    under_way: dict[str, asyncio.Event] = {}  # by the stack's id, as those in `requested` are
    requested: set[str] = set()

    async def deploy_until_deletion(stack_name: str, stack_id: str, *arguments: Any, **more: Any) -> None:
        under_way[stack_id] = asyncio.Event()
        try:
            await deploy(stack_name, stack_id, *arguments, **more)
        finally:
            under_way.pop(stack_id).set()

    async def delete_what_is_made(stack_name: str, stack_id: str, *arguments: Any, **more: Any) -> None:
        made = under_way.get(stack_id)
        if stack_id in requested:
            return
        if made is not None:
            requested.add(stack_id)
            every_stack[stack_name]["StackStatus"] = "DELETE_IN_PROGRESS"
            await made.wait()
            requested.remove(stack_id)
        await delete(stack_name, stack_id, *arguments, **more)

    def provision_unless_deleted(resource_type: str, logical_id: str, props: Any, stack_name: str) -> Any:
        if every_stack[stack_name]["StackId"] in requested:
            raise ValueError("Resource creation cancelled")
        return provision(resource_type, logical_id, props, stack_name)

    async def roll_back_unless_deleted(stack_name: str, stack_id: str, *arguments: Any, **more: Any) -> None:
        if stack_id not in requested:
            await roll_back(stack_name, stack_id, *arguments, **more)

    stacks._deploy_stack_async = handlers._deploy_stack_async = changesets._deploy_stack_async = deploy_until_deletion
    stacks._delete_stack_async = handlers._delete_stack_async = delete_what_is_made
    stacks._provision_resource = provision_unless_deleted
    stacks._roll_back_operation = handlers._roll_back_operation = roll_back_unless_deleted

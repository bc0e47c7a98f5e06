"""CloudFormation: an operation that a kill interrupted fails, and says so.

MiniStack would leave its stack in progress for ever, to be neither updated nor deleted. What was being made is in the
stack by then, if its service had answered (`localaws.ministack.cloudformation.provisioner.tell_made`).
"""

import importlib
from typing import Any

from localaws.document import Document
from localaws.ministack.private import private

_ENDS = {
    "CREATE_IN_PROGRESS": "CREATE_FAILED",
    "ROLLBACK_IN_PROGRESS": "ROLLBACK_FAILED",
    "UPDATE_IN_PROGRESS": "UPDATE_FAILED",
    "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS": "UPDATE_COMPLETE",
    "UPDATE_ROLLBACK_IN_PROGRESS": "UPDATE_ROLLBACK_FAILED",
    "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS": "UPDATE_ROLLBACK_COMPLETE",
    "DELETE_IN_PROGRESS": "DELETE_FAILED",
}
_REASON = "Local AWS was stopped in the middle of it"
_STACK = "AWS::CloudFormation::Stack"


def end_interrupted_operations() -> None:
    """End the operations that were in progress when the state was written.

    Hooks ``ministack.services.cloudformation.load_persisted_state``, by which stacks come back; ``..._stacks``;
    ``...stacks._add_event``; ``ministack.core.responses.request_scope``, whose account and region an event is of.
    """
    module: Any = importlib.import_module("ministack.services.cloudformation")
    load, stacks = private(module.__name__, "load_persisted_state"), private(module.__name__, "_stacks")
    add_event = private(f"{module.__name__}.stacks", "_add_event")
    scope = private("ministack.core.responses", "request_scope")

    def load_and_end(data: Any) -> None:
        load(data)
        for stack in list(stacks._data.values()):
            if (status := _ENDS.get(stack["StackStatus"])) is not None:
                region, account = stack["StackId"].split(":")[3:5]
                with scope(account, region):
                    _end(stack, status, add_event)

    module.load_persisted_state = load_and_end


def _end(stack: Document, status: str, add_event: Any) -> None:
    stack["StackStatus"], stack["StackStatusReason"] = status, _REASON
    for logical_id, resource in stack.get("_resources", {}).items():
        if resource["ResourceStatus"] in _ENDS:
            resource["ResourceStatus"] = _ENDS[resource["ResourceStatus"]]
            told = (logical_id, resource["ResourceType"], resource["ResourceStatus"])
            add_event(stack["StackId"], stack["StackName"], *told, _REASON, resource["PhysicalResourceId"])
    add_event(stack["StackId"], stack["StackName"], stack["StackName"], _STACK, status, _REASON, stack["StackId"])

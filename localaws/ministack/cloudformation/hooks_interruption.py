"""CloudFormation: an operation that a kill interrupted and that cannot be taken up again fails, and says so.

MiniStack would leave its stack in progress for ever, to be neither updated nor deleted.
`localaws.ministack.cloudformation.hooks_operations` takes operations up.
"""

from localaws.document import Document
from localaws.ministack.private import private

ENDS = {
    "CREATE_IN_PROGRESS": "CREATE_FAILED",
    "ROLLBACK_IN_PROGRESS": "ROLLBACK_FAILED",
    "UPDATE_IN_PROGRESS": "UPDATE_FAILED",
    "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS": "UPDATE_COMPLETE",
    "UPDATE_ROLLBACK_IN_PROGRESS": "UPDATE_ROLLBACK_FAILED",
    "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS": "UPDATE_ROLLBACK_COMPLETE",
    "DELETE_IN_PROGRESS": "DELETE_FAILED",
    "IMPORT_IN_PROGRESS": "IMPORT_ROLLBACK_FAILED",
    "IMPORT_ROLLBACK_IN_PROGRESS": "IMPORT_ROLLBACK_FAILED",
}
"""What becomes of a status, of a stack or a resource, of which nothing comes any more."""
_REASON = "Local AWS was stopped in the middle of it"
_STACK = "AWS::CloudFormation::Stack"


def end_interrupted(stack: Document) -> None:
    """End the operation on a stack that was in progress.

    Hooks ``ministack.services.cloudformation.stacks._add_event`` and ``ministack.core.responses.request_scope``, whose
    account and region an event is of.
    """
    add_event = private("ministack.services.cloudformation.stacks", "_add_event")
    scope = private("ministack.core.responses", "request_scope")
    region, account = stack["StackId"].split(":")[3:5]
    with scope(account, region):
        status = stack["StackStatus"] = ENDS.get(stack["StackStatus"], stack["StackStatus"])
        stack["StackStatusReason"] = _REASON
        for logical_id, resource in stack.get("_resources", {}).items():
            if resource["ResourceStatus"] in ENDS:
                resource["ResourceStatus"] = ENDS[resource["ResourceStatus"]]
                told = (logical_id, resource["ResourceType"], resource["ResourceStatus"])
                add_event(stack["StackId"], stack["StackName"], *told, _REASON, resource["PhysicalResourceId"])
        add_event(stack["StackId"], stack["StackName"], stack["StackName"], _STACK, status, _REASON, stack["StackId"])

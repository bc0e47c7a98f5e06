"""CloudFormation stacks: what is there, what a change would do, and a change followed to its end.

A change is a change set that is executed: CloudFormation then says itself that there is nothing to do, and a change
never touches what its change set did not name.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from deploy.errors import StackError

POLL_SECONDS = 0.5
# From here on CloudFormation wants a template in S3; source: AWS CloudFormation quotas, "Template body size".
TEMPLATE_BODY_BYTES = 51_200

# How long CloudFormation may take to work out a first change set, before which there is nothing but the stack's name.
_PREPARATION = timedelta(minutes=2)

_CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"]
_NOTHING_TO_DO = ("didn't contain changes", "No updates are to be performed")


@dataclass(frozen=True)
class Stack:
    """A stack as DescribeStacks returns it."""

    name: str
    stack_id: str
    status: str
    reason: str
    parameters: Mapping[str, str]
    outputs: Mapping[str, str]
    tags: Mapping[str, str]
    created: datetime

    @property
    def age(self) -> timedelta:
        """How long ago it was made."""
        return datetime.now(UTC) - self.created

    @property
    def is_busy(self) -> bool:
        """Whether a change is under way."""
        return self.status.endswith("_IN_PROGRESS") and self.status != "REVIEW_IN_PROGRESS"

    @property
    def is_empty(self) -> bool:
        """Whether its creation failed or never began: nothing is in it, and CloudFormation updates it no more."""
        return self.status in {"ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "REVIEW_IN_PROGRESS"}

    @property
    def is_whole(self) -> bool:
        """Whether its last change was completed."""
        return self.status in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}


@dataclass(frozen=True)
class Event:
    """Something that happened to a resource of a stack."""

    event_id: str
    time: datetime
    resource: str
    resource_type: str
    status: str
    reason: str

    @property
    def is_failure(self) -> bool:
        return self.status.endswith("_FAILED")

    @property
    def is_worth_a_line(self) -> bool:
        """Whether a log reader wants it: something has ended or failed, or the stack begins to go back."""
        return not self.status.endswith("_IN_PROGRESS") or self.status.endswith("ROLLBACK_IN_PROGRESS")


@dataclass(frozen=True)
class Request:
    """What a stack is to become.

    Attributes
    ----------
    template : str
        The template itself.
    template_url : str or None
        Where it lies in S3, when it is too long to be sent.
    role_arn : str or None
        The role that CloudFormation makes it as; None for the caller's permissions.
    """

    name: str
    template: str
    template_url: str | None
    parameters: Mapping[str, str]
    tags: Mapping[str, str] = field(default_factory=dict)
    role_arn: str | None = None


@dataclass(frozen=True)
class Change:
    """A change that CloudFormation has begun.

    Attributes
    ----------
    before : str or None
        The id of the last event before it; all later ones are the change's.
    """

    stack_id: str
    before: str | None


# Called with the events that are new and with the state of the stack.
Watcher = Callable[[list[Event], Stack], None]


def describe(cloudformation: Any, name: str) -> Stack | None:
    """Read a stack by name or id; None when there is none."""
    try:
        [found] = cloudformation.describe_stacks(StackName=name)["Stacks"]
    except ClientError as error:
        if "does not exist" in error.response["Error"]["Message"]:
            return None
        raise
    return Stack(
        name=found["StackName"],
        stack_id=found["StackId"],
        status=found["StackStatus"],
        reason=found.get("StackStatusReason", ""),
        parameters={item["ParameterKey"]: item.get("ParameterValue", "") for item in found.get("Parameters", [])},
        outputs={item["OutputKey"]: item["OutputValue"] for item in found.get("Outputs", [])},
        created=found["CreationTime"],
        tags={item["Key"]: item["Value"] for item in found.get("Tags", [])},
    )


def template(cloudformation: Any, name: str) -> str:
    """Read the template that a stack was made from."""
    body = cloudformation.get_template(StackName=name, TemplateStage="Original")["TemplateBody"]
    return body if isinstance(body, str) else str(dict(body))


def parameter_defaults(cloudformation: Any, template: str) -> dict[str, str]:
    """Ask CloudFormation for the defaults of a template's parameters."""
    if len(template.encode()) > TEMPLATE_BODY_BYTES:
        return {}
    declared = cloudformation.get_template_summary(TemplateBody=template)["Parameters"]
    return {item["ParameterKey"]: item["DefaultValue"] for item in declared if "DefaultValue" in item}


def parameter_names(cloudformation: Any, template: str) -> set[str]:
    """Ask CloudFormation for the names of the parameters of a template that is short enough to be sent."""
    declared = cloudformation.get_template_summary(TemplateBody=template)["Parameters"]
    return {item["ParameterKey"] for item in declared}


def physical_id(cloudformation: Any, stack_name: str, resource_type: str) -> str | None:
    """Return the physical id of the stack's only resource of a type."""
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack_name)
    resources = [item for page in pages for item in page["StackResourceSummaries"]]
    found = [item["PhysicalResourceId"] for item in resources if item["ResourceType"] == resource_type]
    return found[0] if len(found) == 1 else None


def start(cloudformation: Any, request: Request) -> Change | None:
    """Begin to bring a stack to what is asked for.

    Returns
    -------
    change : Change or None
        None when the stack is that already.

    Raises
    ------
    StackError
        When the stack cannot be changed now, or CloudFormation refuses the change.
    """
    before = describe(cloudformation, request.name)
    if before is not None and before.is_busy:
        raise StackError(f"{request.name} is {before.status}: wait until it has ended, then try again")
    if before is not None and before.status == "UPDATE_ROLLBACK_FAILED":
        raise StackError(
            f"{request.name} is UPDATE_ROLLBACK_FAILED ({before.reason}): "
            f"aws cloudformation continue-update-rollback --stack-name {request.name}"
        )
    if before is not None and before.status == "REVIEW_IN_PROGRESS" and before.age < _PREPARATION:
        raise StackError(
            f"{request.name} is being prepared by another deployment since {before.age.total_seconds():.0f} s: try "
            f"again when it has ended, or, if it was killed, in {_PREPARATION.total_seconds():.0f} s"
        )
    if before is not None and before.is_empty:
        delete(cloudformation, before, _see_nothing)
        before = None
    change = _change_set(cloudformation, request, "CREATE" if before is None else "UPDATE")
    if change is None:
        return None
    stack_id = change["StackId"]
    earlier = events(cloudformation, stack_id, None)
    cloudformation.execute_change_set(ChangeSetName=change["ChangeSetId"])
    return Change(stack_id, earlier[-1].event_id if earlier else None)


def follow(cloudformation: Any, change: Change, watch: Watcher) -> Stack:
    """Watch a change until it has ended; return the stack as it is then.

    Raises
    ------
    StackError
        When the change failed: with the reasons of the resources that failed.
    """
    last = change.before
    failures: list[Event] = []
    has_begun = False
    while True:
        stack = describe(cloudformation, change.stack_id)
        if stack is None:
            raise StackError(f"{change.stack_id} has disappeared: it was deleted")
        fresh = events(cloudformation, change.stack_id, last)
        last = fresh[-1].event_id if fresh else last
        failures += [event for event in fresh if event.is_failure and not _is_consequence(event)]
        watch(fresh, stack)
        # Until its first event the stack may still be described as it was before.
        has_begun = has_begun or bool(fresh)
        if has_begun and not stack.is_busy:
            break
        time.sleep(POLL_SECONDS)
    if not stack.is_whole:
        raise StackError(_what_failed(stack, _reasons(failures) or _refusals(cloudformation, stack)))
    return stack


def delete(cloudformation: Any, stack: Stack, watch: Watcher) -> None:
    """Delete a stack and wait until it is gone.

    Raises
    ------
    StackError
        When something in it cannot be deleted.
    """
    earlier = events(cloudformation, stack.stack_id, None)
    last = earlier[-1].event_id if earlier else None
    cloudformation.delete_stack(StackName=stack.stack_id)
    while True:
        # A stack that is gone is found by its id for 90 days; a server that forgets it at once is right, too.
        found = describe(cloudformation, stack.stack_id)
        if found is None or found.status == "DELETE_COMPLETE":
            return
        fresh = events(cloudformation, stack.stack_id, last)
        last = fresh[-1].event_id if fresh else last
        watch(fresh, found)
        if found.status == "DELETE_FAILED":
            raise StackError(_what_failed(found, _reasons(event for event in fresh if event.is_failure)))
        time.sleep(POLL_SECONDS)


def prepared_changes(cloudformation: Any, stack_name: str) -> dict[str, list[str]]:
    """Read the change sets of a stack that wait for being executed: what each would do, a line for each resource."""
    try:
        pages = list(cloudformation.get_paginator("list_change_sets").paginate(StackName=stack_name))
    except ClientError as error:
        if "does not exist" in error.response["Error"]["Message"]:
            return {}
        raise
    found = [item for page in pages for item in page["Summaries"] if item.get("ExecutionStatus") == "AVAILABLE"]
    return {
        item["ChangeSetName"]: [
            _change_line(each["ResourceChange"])
            for page in cloudformation.get_paginator("describe_change_set").paginate(
                ChangeSetName=item["ChangeSetId"], StackName=stack_name
            )
            for each in page.get("Changes", [])
        ]
        for item in found
    }


def _change_line(change: Mapping[str, Any]) -> str:
    replaced = "" if change.get("Replacement", "False") == "False" else f", replaced: {change['Replacement']}"
    return f"{change['Action']:<8} {change['LogicalResourceId']} ({change['ResourceType']}{replaced})"


def delete_failed_creation(cloudformation: Any, name: str) -> bool:
    """Delete a stack whose creation was rolled back, so that it can be created; return whether there was one.

    Such a stack holds nothing and never gets another status. It is deleted by its id: a stack of the same name that
    somebody makes meanwhile is another one.

    Raises
    ------
    StackError
        When it cannot be deleted.
    """
    stack = describe(cloudformation, name)
    if stack is None or stack.status != "ROLLBACK_COMPLETE":
        return False
    delete(cloudformation, stack, _see_nothing)
    return True


def events(cloudformation: Any, stack_id: str, last: str | None) -> list[Event]:
    """List what has happened to a stack after the event `last`, or ever, the oldest first."""
    return list(_events(cloudformation, stack_id, last))[::-1]


def _events(cloudformation: Any, stack_id: str, last: str | None) -> Iterator[Event]:
    for page in cloudformation.get_paginator("describe_stack_events").paginate(StackName=stack_id):
        for item in page["StackEvents"]:
            if item["EventId"] == last:
                return
            yield Event(
                event_id=item["EventId"],
                time=item["Timestamp"],
                resource=item["LogicalResourceId"],
                resource_type=item["ResourceType"],
                status=item.get("ResourceStatus", ""),
                reason=item.get("ResourceStatusReason", ""),
            )


def _change_set(cloudformation: Any, request: Request, kind: str) -> Any:
    """Make a change set and wait until CloudFormation has worked it out; None when it holds no change."""
    source = {"TemplateURL": request.template_url} if request.template_url else {"TemplateBody": request.template}
    name = f"deploy-model-{time.time_ns()}"
    made = cloudformation.create_change_set(
        StackName=request.name,
        ChangeSetName=name,
        ChangeSetType=kind,
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in request.parameters.items()],
        Tags=[{"Key": key, "Value": value} for key, value in request.tags.items()],
        Capabilities=_CAPABILITIES,
        **source,
        **({"RoleARN": request.role_arn} if request.role_arn else {}),
    )
    while True:
        change = cloudformation.describe_change_set(ChangeSetName=made["Id"], StackName=request.name)
        if change["Status"] not in {"CREATE_PENDING", "CREATE_IN_PROGRESS"}:
            break
        time.sleep(POLL_SECONDS)
    if change["Status"] == "CREATE_COMPLETE":
        return change
    reason = change.get("StatusReason", "no reason is given")
    cloudformation.delete_change_set(ChangeSetName=made["Id"], StackName=request.name)
    if kind == "CREATE":
        # Its name, under review, would be left.
        cloudformation.delete_stack(StackName=made["StackId"])
    if any(words in reason for words in _NOTHING_TO_DO):
        return None
    raise StackError(f"CloudFormation refuses the change of {request.name}: {reason}")


def _is_consequence(event: Event) -> bool:
    return event.resource_type == "AWS::CloudFormation::Stack" or "cancelled" in event.reason.lower()


def _reasons(failures: Iterable[Event]) -> list[str]:
    return [f"{event.resource} ({event.resource_type}): {event.reason}" for event in failures]


def _refusals(cloudformation: Any, stack: Stack) -> list[str]:
    """Return what CloudFormation found wrong before it began with any resource, such as a bucket name that is taken."""
    pages = cloudformation.get_paginator("describe_events").paginate(StackName=stack.stack_id)
    found = [item for page in pages for item in page["OperationEvents"] if item.get("ValidationStatus") == "FAILED"]
    return [f"{item['LogicalResourceId']} ({item['ResourceType']}): {item['ValidationStatusReason']}" for item in found]


def _what_failed(stack: Stack, reasons: list[str]) -> str:
    why = "; ".join(reasons) or stack.reason
    state = "it is as it was before" if stack.status == "UPDATE_ROLLBACK_COMPLETE" else f"it is {stack.status} now"
    return f"the change of {stack.name} failed, and {state}: {why or 'no reason is given'}"


def _see_nothing(events: list[Event], stack: Stack) -> None:
    """Watch nothing: what is deleted here holds nothing."""

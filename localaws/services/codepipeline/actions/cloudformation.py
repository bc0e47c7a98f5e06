"""Deploy, CloudFormation: stacks and change sets from a template in an artifact.

The stack's status is polled until it is stable. An action that is started again after a crash finds the stack changing,
and waits for that before it makes the same request again: then there is nothing to update.
"""

import contextlib
import json
from collections.abc import Callable
from typing import Any, ClassVar

from botocore.exceptions import ClientError

from localaws.document import Document
from localaws.services.codepipeline.actions.action import Job, Progress, Provider, failed
from localaws.services.codepipeline.actions.stack_request import stack_request
from localaws.services.codepipeline.artifacts import ArtifactError

_NO_CHANGE = ("No updates are to be performed", "didn't contain changes", "no updates are to be performed")
_DONE = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE")
_REPLACED = ("CREATE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "UPDATE_ROLLBACK_FAILED", "DELETE_FAILED")


class CloudFormation(Provider):
    """One method for each action mode."""

    categories = ("Deploy",)
    name = "CloudFormation"
    inputs = (0, 10)
    outputs = (0, 1)
    required = ("ActionMode", "StackName")
    optional = (
        "Capabilities",
        "ChangeSetName",
        "OutputFileName",
        "ParameterOverrides",
        "RoleArn",
        "TemplateConfiguration",
        "TemplatePath",
    )
    allowed: ClassVar = {
        "ActionMode": (
            "CREATE_UPDATE",
            "REPLACE_ON_FAILURE",
            "DELETE_ONLY",
            "CHANGE_SET_REPLACE",
            "CHANGE_SET_EXECUTE",
        )
    }
    timeout_minutes = 3 * 24 * 60

    def start(self, job: Job) -> Progress:
        """Start what the action mode says; wait while the stack is still changing since before a crash."""
        stack = find(job)
        if job.again and stack is not None and _moves(stack["StackStatus"]):
            return Progress(memory={"waiting": True})
        mode = job.configuration["ActionMode"]
        needed = {"CHANGE_SET_REPLACE": ("ChangeSetName", "TemplatePath"), "CHANGE_SET_EXECUTE": ("ChangeSetName",)}
        asked = needed.get(mode, () if mode == "DELETE_ONLY" else ("TemplatePath",))
        missing = [name for name in asked if not job.configuration.get(name)]
        if missing:
            return failed(f"ActionMode {mode} needs {' and '.join(missing)}", "ConfigurationError")
        try:
            return _MODES[mode](job, stack)
        except ArtifactError as error:
            return failed(str(error), "ConfigurationError")
        except ClientError as error:
            if any(text in error.response["Error"]["Message"] for text in _NO_CHANGE):
                return succeeded(job, "No changes to deploy")
            raise

    def poll(self, job: Job) -> Progress:
        """Return the progress of the stack or the change set."""
        if job.memory.get("waiting"):
            return self.start(job)
        if job.memory.get("change_set"):
            return _look_at_change_set(job)
        stack = find(job, job.memory["stack"])
        status = "DELETE_COMPLETE" if stack is None else stack["StackStatus"]
        external = {"externalExecutionId": job.memory["stack"]}
        if _moves(status):
            return Progress(external=external, memory=job.memory)
        if status == "DELETE_COMPLETE" and job.memory.get("deleting"):
            is_all = job.configuration["ActionMode"] == "DELETE_ONLY"
            return Progress("Succeeded", "Stack deleted", external) if is_all else _create(job)
        if status in _DONE and not job.memory.get("deleting"):
            return succeeded(job, status)
        return failed(f"Stack {job.configuration['StackName']} is {status}. {_reasons(job)}", **external)


def find(job: Job, name: str | None = None) -> Document | None:
    """Return the action's stack, or None."""
    try:
        answer = job.context.aws.client("cloudformation").describe_stacks(
            StackName=name or job.configuration["StackName"]
        )
    except ClientError as error:
        if "does not exist" in error.response["Error"]["Message"]:
            return None
        raise
    found: Document = answer["Stacks"][0]
    return None if found["StackStatus"] == "DELETE_COMPLETE" else found


def succeeded(job: Job, summary: str) -> Progress:
    """Return the end of an action: the stack's outputs are its variables, and its output artifact if it has one."""
    stack = find(job) or {}
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", ())}
    if job.outputs:
        [location] = job.outputs.values()
        name = job.configuration.get("OutputFileName", "CreateStackOutput.json")
        job.artifacts.put_files(location, {name: json.dumps(outputs).encode()})
    external = {"externalExecutionId": stack["StackId"]} if stack else {}
    return Progress("Succeeded", summary, external, variables=outputs)


def _create_update(job: Job, stack: Document | None) -> Progress:
    if stack is None or stack["StackStatus"] == "REVIEW_IN_PROGRESS":
        return _create(job)
    return _update(job)


def _replace_on_failure(job: Job, stack: Document | None) -> Progress:
    if stack is not None and stack["StackStatus"] in _REPLACED:
        return _delete(job, stack)
    return _create_update(job, stack)


def _create(job: Job) -> Progress:
    client = job.context.aws.client("cloudformation")
    made = client.create_stack(**stack_request(job), ClientRequestToken=job.number)
    return _following(made["StackId"])


def _update(job: Job) -> Progress:
    client = job.context.aws.client("cloudformation")
    made = client.update_stack(**stack_request(job), ClientRequestToken=job.number)
    return _following(made["StackId"])


def _following(stack_id: str, **memory: Any) -> Progress:
    return Progress(external={"externalExecutionId": stack_id}, memory={"stack": stack_id, **memory})


def _delete(job: Job, stack: Document | None) -> Progress:
    if stack is None:
        return Progress("Succeeded", "There is no stack to delete")
    role = {"RoleARN": job.configuration["RoleArn"]} if job.configuration.get("RoleArn") else {}
    job.context.aws.client("cloudformation").delete_stack(StackName=stack["StackName"], **role)
    return _following(stack["StackId"], deleting=True)


def _change_set_replace(job: Job, stack: Document | None) -> Progress:
    client = job.context.aws.client("cloudformation")
    name = job.configuration["ChangeSetName"]
    is_new = stack is None or stack["StackStatus"] == "REVIEW_IN_PROGRESS"
    if stack is not None:
        with contextlib.suppress(client.exceptions.ChangeSetNotFoundException):
            client.delete_change_set(StackName=job.configuration["StackName"], ChangeSetName=name)
    made = client.create_change_set(
        **stack_request(job), ChangeSetName=name, ChangeSetType="CREATE" if is_new else "UPDATE"
    )
    return _following(made["StackId"], change_set=made["Id"])


def _look_at_change_set(job: Job) -> Progress:
    change_set = job.context.aws.client("cloudformation").describe_change_set(
        ChangeSetName=job.memory["change_set"], StackName=job.memory["stack"]
    )
    external = {"externalExecutionId": job.memory["change_set"]}
    status, reason = change_set["Status"], change_set.get("StatusReason", "")
    if status == "CREATE_COMPLETE":
        return Progress("Succeeded", "Change set created", external)
    if status != "FAILED":
        return Progress(external=external, memory=job.memory)
    if any(text in reason for text in _NO_CHANGE):
        return Progress("Succeeded", reason, external)
    return failed(f"Change set {job.configuration['ChangeSetName']} is {status}. {reason}", **external)


def _change_set_execute(job: Job, stack: Document | None) -> Progress:
    client, name = job.context.aws.client("cloudformation"), job.configuration["ChangeSetName"]
    if stack is None:
        return failed(f"There is no stack {job.configuration['StackName']}", "ConfigurationError")
    try:
        found = client.describe_change_set(StackName=stack["StackName"], ChangeSetName=name)
    except client.exceptions.ChangeSetNotFoundException:
        if not job.again:
            raise
        # It was executed before the crash: the change set no longer exists.
        return _following(stack["StackId"])
    if found["Status"] == "FAILED" and any(text in found.get("StatusReason", "") for text in _NO_CHANGE):
        return succeeded(job, "No changes to deploy")
    if not (job.again and found.get("ExecutionStatus") in ("EXECUTE_IN_PROGRESS", "EXECUTE_COMPLETE")):
        client.execute_change_set(StackName=stack["StackName"], ChangeSetName=name)
    return _following(stack["StackId"])


def _moves(status: str) -> bool:
    """Return whether a stack is changing; one that waits for its first change set is not."""
    return status.endswith("_IN_PROGRESS") and status != "REVIEW_IN_PROGRESS"


def _reasons(job: Job) -> str:
    """Return why resources of the stack failed, in order; CodePipeline itself reads it, so that no user has to."""
    name = job.memory.get("stack") or job.configuration["StackName"]
    try:
        client = job.context.aws.as_service().client("cloudformation")
        events = client.describe_stack_events(StackName=name)["StackEvents"]
    except ClientError:
        return ""
    failures = [
        f"{event['LogicalResourceId']}: {event['ResourceStatusReason']}"
        for event in reversed(events)
        if event["ResourceStatus"].endswith("_FAILED")
        and event.get("ResourceStatusReason")
        and event["Timestamp"].timestamp() >= job.started - 1
    ]
    return " ".join(failures[:3])


_MODES: dict[str, Callable[[Job, Document | None], Progress]] = {
    "CREATE_UPDATE": _create_update,
    "REPLACE_ON_FAILURE": _replace_on_failure,
    "DELETE_ONLY": _delete,
    "CHANGE_SET_REPLACE": _change_set_replace,
    "CHANGE_SET_EXECUTE": _change_set_execute,
}

"""The call that each kind of target stands for.

Source: "Event bus targets in Amazon EventBridge" in its User Guide, and "Using universal targets" in the Scheduler's.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore import xform_name
from botocore.exceptions import ClientError

from localaws.account.clients import Aws
from localaws.account.session import Clients
from localaws.document import Document
from localaws.ministack.eventbridge import target_input
from localaws.ministack.eventbridge.failures import PolicyError, TargetError
from localaws.settings import iam_enforced

Allows = Callable[[str, str, str, str], bool]
"""Takes a principal, IAM's action, the ARN of what has a policy of its own, and the rule's: whether that allows it."""

_ARN_PARTS = 6
_UNIVERSAL = "arn:aws:scheduler:::aws-sdk:"
_FORWARDED = ("event-bus/", "api-destination/")
# By the service in the ARN of what makes the delivery, where it is not a rule.
_PRINCIPALS = {"scheduler": "scheduler", "cloudwatch": "lambda.alarms.cloudwatch"}
# Their own policies say whether EventBridge may call them.
_BY_POLICY = {"lambda": "lambda:InvokeFunction", "sns": "sns:Publish", "sqs": "sqs:SendMessage"}


@dataclass(frozen=True)
class Delivery:
    """An event for a target.

    Attributes
    ----------
    target : dict
        As PutTargets took it.
    event : dict
        The event as it was, in EventBridge's shape.
    payload : str or None
        What the target gets in its place, if anything.
    rule_arn : str
        The rule's, or the schedule's.
    """

    target: Document
    event: Document
    payload: str | None
    rule_arn: str

    @property
    def text(self) -> str:
        """Return what the target receives."""
        return json.dumps(self.event) if self.payload is None else self.payload

    @property
    def token(self) -> str:
        """Return a token that is the same for each attempt to deliver an event to a target, so that it acts once."""
        words = "|".join((self.event["id"], self.rule_arn, self.target.get("Id", ""), self.target["Arn"]))
        return hashlib.sha256(words.encode()).hexdigest()

    @property
    def principal(self) -> str:
        """Return the service that delivers, by its name in policies."""
        return _PRINCIPALS.get(self.rule_arn.split(":")[2], "events")

    def parameters(self, allowed: tuple[str, ...]) -> Document:
        """Return the members of these names in a payload that was made for the target."""
        if self.payload is None:
            return {}
        try:
            found = json.loads(self.payload)
        except ValueError as error:
            raise TargetError(f"The input of {self.target['Arn']} is not JSON: {self.payload[:200]}") from error
        if not isinstance(found, dict):
            raise TargetError(f"The input of {self.target['Arn']} is not a JSON object: {self.payload[:200]}")
        return {name: value for name, value in found.items() if name in allowed}


@dataclass(frozen=True)
class Call:
    """One call of a service's API."""

    service: str
    operation: str
    members: Document


def _lambda(delivery: Delivery, _resource: str) -> Call:
    name = delivery.target["Arn"]
    return Call("lambda", "Invoke", {"FunctionName": name, "InvocationType": "Event", "Payload": delivery.text})


def _sns(delivery: Delivery, _resource: str) -> Call:
    return Call("sns", "Publish", {"TopicArn": delivery.target["Arn"], "Message": delivery.text})


def _sqs(delivery: Delivery, resource: str) -> Call:
    account = delivery.target["Arn"].split(":")[4]
    group = delivery.target.get("SqsParameters", {}).get("MessageGroupId")
    more = {"MessageGroupId": group, "MessageDeduplicationId": delivery.token} if group else {}
    url = f"https://sqs.amazonaws.com/{account}/{resource}"
    return Call("sqs", "SendMessage", {"QueueUrl": url, "MessageBody": delivery.text, **more})


def _states(delivery: Delivery, _resource: str) -> Call:
    name = delivery.token[:36]
    members = {"stateMachineArn": delivery.target["Arn"], "name": name, "input": delivery.text}
    return Call("stepfunctions", "StartExecution", members)


def _sagemaker(delivery: Delivery, resource: str) -> Call:
    listed = delivery.target.get("SageMakerPipelineParameters", {}).get("PipelineParameterList", [])
    parameters = [{**each, "Value": target_input.dynamic(each["Value"], delivery.event)} for each in listed]
    members = {"PipelineName": resource.removeprefix("pipeline/"), "ClientRequestToken": delivery.token}
    more = {"PipelineParameters": parameters} if parameters else {}
    return Call("sagemaker", "StartPipelineExecution", {**members, **more})


def _codepipeline(delivery: Delivery, resource: str) -> Call:
    given = delivery.parameters(("variables", "sourceRevisions"))
    return Call(
        "codepipeline", "StartPipelineExecution", {"name": resource, "clientRequestToken": delivery.token, **given}
    )


_BUILD_MEMBERS = ("projectName", "idempotencyToken")


def _codebuild(delivery: Delivery, resource: str) -> Call:
    given = delivery.parameters(_build_overrides())
    members = {"projectName": resource.removeprefix("project/"), "idempotencyToken": delivery.token[:64]}
    return Call("codebuild", "StartBuild", {**given, **members})


def _build_overrides() -> tuple[str, ...]:
    import botocore.session  # noqa: PLC0415 - reads the model, for these targets only

    shape = botocore.session.get_session().get_service_model("codebuild").operation_model("StartBuild").input_shape
    return tuple(name for name in shape.members if name not in _BUILD_MEMBERS)


def _kinesis(delivery: Delivery, resource: str) -> Call:
    path = delivery.target.get("KinesisParameters", {}).get("PartitionKeyPath")
    key = target_input.dynamic(path, delivery.event) if path else delivery.event["id"]
    name = resource.removeprefix("stream/")
    return Call("kinesis", "PutRecord", {"StreamName": name, "Data": delivery.text, "PartitionKey": key})


def _firehose(delivery: Delivery, resource: str) -> Call:
    name = resource.removeprefix("deliverystream/")
    return Call("firehose", "PutRecord", {"DeliveryStreamName": name, "Record": {"Data": delivery.text}})


_CALLS: Mapping[tuple[str, str], Callable[[Delivery, str], Call]] = {
    ("lambda", "function:"): _lambda,
    ("sns", ""): _sns,
    ("sqs", ""): _sqs,
    ("states", "stateMachine:"): _states,
    ("sagemaker", "pipeline/"): _sagemaker,
    ("codepipeline", ""): _codepipeline,
    ("codebuild", "project/"): _codebuild,
    ("kinesis", "stream/"): _kinesis,
    ("firehose", "deliverystream/"): _firehose,
}
"""By service and the beginning of the resource in the target's ARN."""


def is_forwarded(target: Mapping[str, Any]) -> bool:
    """Return whether MiniStack delivers to a target itself: another event bus, or an HTTP address outside."""
    service, resource = _parts(str(target.get("Arn", "")))
    return service == "events" and resource.startswith(_FORWARDED)


def refusal(target: Mapping[str, Any]) -> str | None:
    """Return why nothing can be delivered to a target; None if it can.

    Parameters
    ----------
    target : mapping
        As PutTargets takes it, or the Scheduler.
    """
    arn = str(target.get("Arn", ""))
    if not _parts(arn)[0]:
        return f"Parameter {arn} is not valid. Reason: Provided Arn is not in correct format."
    if arn.startswith(_UNIVERSAL) or _find(arn) or is_forwarded(target):
        return None
    known = ", ".join(sorted({service for service, _ in _CALLS} | {"events"}))
    return f"Local AWS cannot deliver events to {arn}: it has targets of {known}."


def call_for(delivery: Delivery) -> Call:
    """Return the call that delivers an event to its target.

    Raises
    ------
    TargetError
        There is no such kind of target, or its input cannot be used.
    """
    arn = delivery.target["Arn"]
    if arn.startswith(_UNIVERSAL):
        return _universal(delivery)
    make = _find(arn)
    if make is None:
        raise TargetError(refusal(delivery.target) or f"{arn} is not called")
    return make(delivery, _parts(arn)[1])


def caller(delivery: Delivery, aws: Aws, allows: Allows) -> Clients:
    """Return the clients that make a delivery's call: those of the target's role where IAM is enforced.

    A rule calls what has a policy of its own, such as a queue, by that policy; a schedule has a role always.

    Raises
    ------
    TargetError
        There is no role.
    PolicyError
        The target's policy does not allow the service.
    """
    arn, role_arn = delivery.target["Arn"], delivery.target.get("RoleArn")
    if delivery.principal != "scheduler" and (action := _BY_POLICY.get(_parts(arn)[0])):
        if not allows(delivery.principal, action, arn, delivery.rule_arn):
            principal = f"{delivery.principal}.amazonaws.com"
            raise PolicyError(f"No resource-based policy of {arn} allows {principal} the {action} action.")
        return aws.client
    if role_arn is None and iam_enforced():
        raise TargetError(f"RoleArn is required for target {arn}.")
    return aws.acting_as(role_arn, delivery.principal).client


def make(call: Call, client: Clients) -> None:
    """Make a call; one that was made before a kill is not made twice where the service can tell."""
    try:
        getattr(client(call.service), xform_name(call.operation))(**call.members)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ExecutionAlreadyExists":
            raise


def _universal(delivery: Delivery) -> Call:
    """Return the call of a universal target: ``arn:aws:scheduler:::aws-sdk:sagemaker:startPipelineExecution``."""
    service, _, operation = delivery.target["Arn"].removeprefix(_UNIVERSAL).partition(":")
    try:
        members = json.loads(delivery.payload or "{}")
    except ValueError as error:
        raise TargetError(f"The input of {delivery.target['Arn']} is not JSON: {delivery.payload}") from error
    services = {"sfn": "stepfunctions", "eventbridge": "events", "cloudwatchlogs": "logs"}
    return Call(services.get(service, service), operation[:1].upper() + operation[1:], members)


def _find(arn: str) -> Callable[[Delivery, str], Call] | None:
    service, resource = _parts(arn)
    rows = (make for (name, start), make in _CALLS.items() if name == service and resource.startswith(start))
    return next(rows, None)


def _parts(arn: str) -> tuple[str, str]:
    """Return the service and the resource of an ARN; both are empty if it is not one."""
    parts = arn.split(":", _ARN_PARTS - 1)
    return (parts[2], parts[5]) if len(parts) == _ARN_PARTS and parts[0] == "arn" else ("", "")

"""A stack cannot create a resource that exists: CloudFormation refuses, where MiniStack would take it over.

Taking over would do harm: the rollback or deletion of the second stack would delete what the first one has.

A name is looked for in other stacks, and for the types in `LOOKUPS` in the service. For the other types in `_NAMES`
the API creates or updates; what CloudFormation does about one that no stack has is not documented.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from localaws.account.session import Clients
from localaws.ministack.iam.hooks_accounts import current_account
from localaws.settings import REGION

Properties = Mapping[str, Any]

_NAMES: Mapping[str, tuple[str, ...]] = {
    "AWS::CloudWatch::Alarm": ("AlarmName",),
    "AWS::CloudWatch::Dashboard": ("DashboardName",),
    "AWS::DynamoDB::Table": ("TableName",),
    "AWS::Events::Rule": ("Name", "EventBusName"),
    "AWS::IAM::Role": ("RoleName",),
    "AWS::Lambda::Function": ("FunctionName",),
    "AWS::Logs::LogGroup": ("LogGroupName",),
    "AWS::SNS::Topic": ("TopicName",),
    "AWS::SQS::Queue": ("QueueName",),
    "AWS::Scheduler::Schedule": ("Name", "GroupName"),
    "AWS::StepFunctions::StateMachine": ("StateMachineName",),
}


def check_new(
    client: Clients,
    resource_type: str,
    logical_id: str,
    properties: Properties,
    stack: Properties,
    stacks: Iterable[Properties],
) -> None:
    """Refuse a resource whose name is given to another one already.

    Parameters
    ----------
    client : callable(service) -> boto3 client
    resource_type : str
    logical_id : str
    properties : mapping
        References are resolved.
    stack : mapping
        The stack that is to have it; it may have it already, and do no more than to make it anew.
    stacks : iterable of mapping
        All stacks, as MiniStack keeps them.

    Raises
    ------
    ValueError
        In CloudFormation's words.
    """
    wanted = _name(resource_type, properties)
    if wanted is None or _name_in(stack["_resources"].get(logical_id), resource_type) == wanted:
        return
    for each in stacks:
        if any(_name_in(record, resource_type) == wanted for record in list(each["_resources"].values())):
            raise ValueError(f"{wanted[0]} already exists in stack {each['StackId']}")
    if resource_type in LOOKUPS and _exists(client, resource_type, str(wanted[0])):
        identifier = json.dumps({f"/properties/{_NAMES[resource_type][0]}": wanted[0]}, separators=(",", ":"))
        raise ValueError(f"Resource of type '{resource_type}' with identifier '{identifier}' already exists.")


def _name(resource_type: str, properties: Properties) -> tuple[str | None, ...] | None:
    """Return the name that a template gives, and the scope of the name; None if it gives none."""
    members = _NAMES.get(resource_type)
    if members is None or properties.get(members[0]) is None:
        return None
    return tuple(properties.get(member) for member in members)


def _name_in(record: Properties | None, resource_type: str) -> tuple[str | None, ...] | None:
    """Return the name that a stack has given to a resource of a type."""
    if record is None or record["ResourceType"] != resource_type:
        return None
    return _name(resource_type, record["Properties"])


def _exists(client: Clients, resource_type: str, name: str) -> bool:
    try:
        return LOOKUPS[resource_type](client, name)
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] >= 500:
            raise
        return False


def _found(service: str, method: str, member: str, value: str = "{}") -> Callable[[Clients, str], bool]:
    """Return a lookup by a method that fails for what it does not find."""

    def lookup(client: Clients, name: str) -> bool:
        getattr(client(service), method)(**{member: value.format(name, account=current_account()())})
        return True

    return lookup


def _log_group(client: Clients, name: str) -> bool:
    groups = client("logs").describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    return name in [group["logGroupName"] for group in groups]


LOOKUPS: Mapping[str, Callable[[Clients, str], bool]] = {
    "AWS::DynamoDB::Table": _found("dynamodb", "describe_table", "TableName"),
    "AWS::IAM::Role": _found("iam", "get_role", "RoleName"),
    "AWS::Lambda::Function": _found("lambda", "get_function_configuration", "FunctionName"),
    "AWS::Logs::LogGroup": _log_group,
    "AWS::SNS::Topic": _found("sns", "get_topic_attributes", "TopicArn", f"arn:aws:sns:{REGION}:{{account}}:{{}}"),
    "AWS::SQS::Queue": _found("sqs", "get_queue_url", "QueueName"),
    "AWS::StepFunctions::StateMachine": _found(
        "stepfunctions",
        "describe_state_machine",
        "stateMachineArn",
        f"arn:aws:states:{REGION}:{{account}}:stateMachine:{{}}",
    ),
}

"""AWS::Logs::* : groups, streams, filters and policies, by the API of CloudWatch Logs."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from localaws.account.session import Clients
from localaws.document import Document
from localaws.ministack.cloudformation.attempts import has_made
from localaws.ministack.cloudformation.provisioner import (
    IncompleteError,
    Provisioned,
    Provisioner,
    call,
    found_again,
    generated_name,
)
from localaws.ministack.cloudformation.typed_values import typed

_NAME_LENGTH = 512
_NOT_HERE = ("DataProtectionPolicy", "FieldIndexPolicies", "BearerTokenAuthenticationEnabled")


def provisioners(client: Clients) -> Mapping[str, Provisioner]:
    """Return the provisioner of each type."""

    def logs() -> Any:
        return client("logs")

    return {
        "AWS::Logs::LogGroup": _Groups(logs),
        "AWS::Logs::LogStream": _Streams(logs),
        "AWS::Logs::MetricFilter": _MetricFilters(logs),
        "AWS::Logs::ResourcePolicy": _Policies(logs),
        "AWS::Logs::SubscriptionFilter": _SubscriptionFilters(logs),
    }


class _Groups:
    """LogGroup: Ref is the name, Arn ends with ``:*``."""

    def __init__(self, client: Callable[[], Any]) -> None:
        self._client = client

    def create(self, logical_id: str, properties: Document, stack_name: str) -> Provisioned:
        made = found_again(self, logical_id, properties, stack_name)
        name = made[0] if made is not None else self._make(logical_id, properties, stack_name)
        try:
            self._set(name, {}, properties)
        except ValueError as error:
            raise IncompleteError(name, str(error)) from error
        return name, self._attributes(name)

    def find(self, logical_id: str, properties: Document, stack_name: str) -> Provisioned | None:
        name = properties.get("LogGroupName") or generated_name(stack_name, logical_id, _NAME_LENGTH)
        found = self._described(name)
        is_made = found is not None and has_made(found["creationTime"] / 1000)
        return (name, {"Arn": found["arn"]}) if found is not None and is_made else None

    def _make(self, logical_id: str, properties: Document, stack_name: str) -> str:
        name: str = properties.get("LogGroupName") or generated_name(stack_name, logical_id, _NAME_LENGTH)
        given = {"kmsKeyId": "KmsKeyId", "logGroupClass": "LogGroupClass"}
        request = {member: properties[word] for member, word in given.items() if properties.get(word)}
        if tags := _tags(properties):
            request["tags"] = tags
        if _is_true(properties.get("DeletionProtectionEnabled")):
            request["deletionProtectionEnabled"] = True
        _check_properties(properties)
        call(self._client().create_log_group, logGroupName=name, **request)
        return name

    def update(
        self, physical_id: str, old: Document, new: Document, stack_name: str, logical_id: str | None = None
    ) -> Provisioned:
        if old.get("LogGroupName") != new.get("LogGroupName"):
            return self.create(logical_id or physical_id, new, stack_name)
        _check_properties(new)
        if old.get("LogGroupClass", "STANDARD") != new.get("LogGroupClass", "STANDARD"):
            raise ValueError("The class of a log group cannot be changed.")
        logs, attributes = self._client(), self._attributes(physical_id)
        self._set(physical_id, old, new)
        if new.get("KmsKeyId") != old.get("KmsKeyId"):
            if new.get("KmsKeyId"):
                call(logs.associate_kms_key, logGroupName=physical_id, kmsKeyId=new["KmsKeyId"])
            else:
                call(logs.disassociate_kms_key, logGroupName=physical_id)
        if (protected := _is_true(new.get("DeletionProtectionEnabled"))) != _is_true(
            old.get("DeletionProtectionEnabled")
        ):
            call(
                logs.put_log_group_deletion_protection,
                logGroupIdentifier=physical_id,
                deletionProtectionEnabled=protected,
            )
        arn, before, after = attributes["Arn"].removesuffix(":*"), _tags(old), _tags(new)
        if gone := sorted(set(before) - set(after)):
            call(logs.untag_resource, resourceArn=arn, tagKeys=gone)
        if changed := {key: value for key, value in after.items() if before.get(key) != value}:
            call(logs.tag_resource, resourceArn=arn, tags=changed)
        return physical_id, attributes

    def delete(self, physical_id: str, _properties: Document) -> None:
        _delete(self._client().delete_log_group, logGroupName=physical_id)

    def _set(self, name: str, old: Document, new: Document) -> None:
        logs = self._client()
        if new.get("RetentionInDays") is not None:
            call(logs.put_retention_policy, logGroupName=name, retentionInDays=int(new["RetentionInDays"]))
        elif old.get("RetentionInDays") is not None:
            call(logs.delete_retention_policy, logGroupName=name)
        if new.get("ResourcePolicyDocument") != old.get("ResourcePolicyDocument"):
            self._set_policy(self._attributes(name)["Arn"].removesuffix(":*"), new.get("ResourcePolicyDocument"))

    def _set_policy(self, arn: str, policy: Any) -> None:
        logs = self._client()
        found = call(logs.describe_resource_policies, resourceArn=arn, policyScope="RESOURCE")["resourcePolicies"]
        if policy is None:
            _delete(logs.delete_resource_policy, resourceArn=arn)
            return
        revision = {"expectedRevisionId": found[0]["revisionId"]} if found else {}
        call(logs.put_resource_policy, resourceArn=arn, policyDocument=_json(policy), **revision)

    def _attributes(self, name: str) -> Document:
        found = self._described(name)
        if found is None:
            raise ValueError("The specified log group does not exist.")
        return {"Arn": found["arn"]}

    def _described(self, name: str) -> Document | None:
        groups = call(self._client().describe_log_groups, logGroupNamePrefix=name)["logGroups"]
        return next((group for group in groups if group["logGroupName"] == name), None)


class _Streams:
    """LogStream: Ref is the name."""

    def __init__(self, client: Callable[[], Any]) -> None:
        self._client = client

    def create(self, logical_id: str, properties: Document, stack_name: str) -> Provisioned:
        if (made := found_again(self, logical_id, properties, stack_name)) is not None:
            return made
        name = properties.get("LogStreamName") or generated_name(stack_name, logical_id, _NAME_LENGTH)
        call(self._client().create_log_stream, logGroupName=properties["LogGroupName"], logStreamName=name)
        return name, {}

    def find(self, logical_id: str, properties: Document, stack_name: str) -> Provisioned | None:
        name = properties.get("LogStreamName") or generated_name(stack_name, logical_id, _NAME_LENGTH)
        named = {"logGroupName": properties["LogGroupName"], "logStreamNamePrefix": name}
        found = call(self._client().describe_log_streams, **named)["logStreams"]
        made = (each for each in found if each["logStreamName"] == name)
        return (name, {}) if any(has_made(each["creationTime"] / 1000) for each in made) else None

    def update(
        self, physical_id: str, old: Document, new: Document, stack_name: str, logical_id: str | None = None
    ) -> Provisioned:
        return (physical_id, {}) if old == new else self.create(logical_id or physical_id, new, stack_name)

    def delete(self, physical_id: str, properties: Document) -> None:
        _delete(self._client().delete_log_stream, logGroupName=properties["LogGroupName"], logStreamName=physical_id)


class _Filters:
    """MetricFilter and SubscriptionFilter: Ref is the name; of another group, it is another one."""

    operation: str

    def __init__(self, client: Callable[[], Any]) -> None:
        self._client = client

    def create(self, logical_id: str, properties: Document, stack_name: str) -> Provisioned:
        name = properties.get("FilterName") or generated_name(stack_name, logical_id, _NAME_LENGTH)
        self._put(name, properties)
        return name, {}

    def find(self, logical_id: str, properties: Document, stack_name: str) -> Provisioned | None:
        name = properties.get("FilterName") or generated_name(stack_name, logical_id, _NAME_LENGTH)
        describe = getattr(self._client(), f"describe_{self.operation}s")
        answer = call(describe, logGroupName=properties["LogGroupName"], filterNamePrefix=name)
        [found] = [value for value in answer.values() if isinstance(value, list)]
        made = (each for each in found if each["filterName"] == name)
        return (name, {}) if any(has_made(each["creationTime"] / 1000) for each in made) else None

    def update(
        self, physical_id: str, old: Document, new: Document, stack_name: str, logical_id: str | None = None
    ) -> Provisioned:
        if old.get("FilterName") != new.get("FilterName") or old["LogGroupName"] != new["LogGroupName"]:
            made, _ = self.create(logical_id or physical_id, new, stack_name)
            if made == physical_id:  # of the same name, in another group: nobody else will delete the old one
                self.delete(physical_id, old)
            return made, {}
        self._put(physical_id, new)
        return physical_id, {}

    def delete(self, physical_id: str, properties: Document) -> None:
        delete = getattr(self._client(), f"delete_{self.operation}")
        _delete(delete, logGroupName=properties["LogGroupName"], filterName=physical_id)

    def _request(self, properties: Document) -> Document:
        return _in_lower_case(properties)

    def _put(self, name: str, properties: Document) -> None:
        client, operation = self._client(), f"put_{self.operation}"
        request = {"filterPattern": "", **self._request(properties), "filterName": name}
        model = client.meta.service_model.operation_model(client.meta.method_to_api_mapping[operation])
        call(getattr(client, operation), **typed(model.input_shape, request))


class _MetricFilters(_Filters):
    operation = "metric_filter"

    def _request(self, properties: Document) -> Document:
        made = [_transformation(each) for each in properties["MetricTransformations"]]
        return {**super()._request(properties), "metricTransformations": made}


class _SubscriptionFilters(_Filters):
    operation = "subscription_filter"


class _Policies:
    """ResourcePolicy: Ref is the name."""

    def __init__(self, client: Callable[[], Any]) -> None:
        self._client = client

    def create(self, _logical_id: str, properties: Document, _stack_name: str) -> Provisioned:
        name, document = properties["PolicyName"], _json(properties["PolicyDocument"])
        call(self._client().put_resource_policy, policyName=name, policyDocument=document)
        return name, {}

    def find(self, _logical_id: str, properties: Document, _stack_name: str) -> Provisioned | None:
        name = properties["PolicyName"]
        found = call(self._client().describe_resource_policies)["resourcePolicies"]
        made = (each for each in found if each["policyName"] == name)
        return (name, {}) if any(has_made(each["lastUpdatedTime"] / 1000) for each in made) else None

    def update(
        self, physical_id: str, _old: Document, new: Document, stack_name: str, logical_id: str | None = None
    ) -> Provisioned:
        return self.create(logical_id or physical_id, new, stack_name)

    def delete(self, physical_id: str, _properties: Document) -> None:
        _delete(self._client().delete_resource_policy, policyName=physical_id)


def _transformation(properties: Document) -> Document:
    dimensions = {item["Key"]: item["Value"] for item in properties.get("Dimensions") or ()}
    return _in_lower_case(properties | {"Dimensions": dimensions} if dimensions else properties)


def _in_lower_case(properties: Document) -> Document:
    return {f"{word[0].lower()}{word[1:]}": value for word, value in properties.items()}


def _check_properties(properties: Document) -> None:
    for word in _NOT_HERE:
        if properties.get(word) not in (None, False, "false", []):
            raise ValueError(f"Local AWS does not have {word} of AWS::Logs::LogGroup: leave it out")


def _tags(properties: Document) -> dict[str, str]:
    return {str(tag["Key"]): str(tag["Value"]) for tag in properties.get("Tags") or ()}


def _is_true(value: Any) -> bool:
    return str(value).lower() == "true"


def _json(document: Any) -> str:
    return document if isinstance(document, str) else json.dumps(document)


def _delete(operation: Callable[..., Any], **request: Any) -> None:
    try:
        operation(**request)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise ValueError(error.response["Error"]["Message"]) from error

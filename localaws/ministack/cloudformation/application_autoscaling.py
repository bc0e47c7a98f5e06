"""AWS::ApplicationAutoScaling::* : targets and policies, which have no names of CloudFormation's making."""

from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from localaws.account.session import Clients
from localaws.document import Document
from localaws.ministack.cloudformation.attempts import has_made
from localaws.ministack.cloudformation.provisioner import IncompleteError, Provisioned, Provisioner, call
from localaws.ministack.cloudformation.typed_values import typed

_KEY = ("ServiceNamespace", "ResourceId", "ScalableDimension")


def provisioners(client: Clients) -> Mapping[str, Provisioner]:
    """Return the provisioner of each type."""

    def autoscaling() -> Any:
        return client("application-autoscaling")

    return {
        "AWS::ApplicationAutoScaling::ScalableTarget": _Targets(autoscaling),
        "AWS::ApplicationAutoScaling::ScalingPolicy": _Policies(autoscaling),
    }


class _Targets:
    """ScalableTarget: Ref and Id are resource, dimension and namespace, as CloudFormation's reference has it."""

    def __init__(self, client: Callable[[], Any]) -> None:
        self._client = client

    def create(self, _logical_id: str, properties: Document, _stack_name: str) -> Provisioned:
        _call(self._client(), "RegisterScalableTarget", properties, leave_out=("ScheduledActions",))
        name = "|".join(properties[member] for member in ("ResourceId", "ScalableDimension", "ServiceNamespace"))
        try:
            for action in properties.get("ScheduledActions", ()):
                _call(self._client(), "PutScheduledAction", {**_named(properties), **action})
        except ValueError as error:
            raise IncompleteError(name, str(error)) from error
        return name, {"Id": name}

    def find(self, _logical_id: str, properties: Document, _stack_name: str) -> Provisioned | None:
        resource, dimension, namespace = (properties[name] for name in ("ResourceId", "ScalableDimension", _KEY[0]))
        named = {"ServiceNamespace": namespace, "ResourceIds": [resource], "ScalableDimension": dimension}
        found = self._client().describe_scalable_targets(**named)["ScalableTargets"]
        name = "|".join((resource, dimension, namespace))
        return (name, {"Id": name}) if any(has_made(target["CreationTime"]) for target in found) else None

    def update(
        self, physical_id: str, old: Document, new: Document, stack_name: str, logical_id: str | None = None
    ) -> Provisioned:
        if _named(old) == _named(new):
            kept = {action["ScheduledActionName"] for action in new.get("ScheduledActions", ())}
            for action in old.get("ScheduledActions", ()):
                if action["ScheduledActionName"] not in kept:
                    gone = {"ScheduledActionName": action["ScheduledActionName"]}
                    _call(self._client(), "DeleteScheduledAction", {**_named(old), **gone})
        return self.create(logical_id or physical_id, new, stack_name)

    def delete(self, physical_id: str, _properties: Document) -> None:
        _delete(self._client(), "DeregisterScalableTarget", _key_of(physical_id))


class _Policies:
    """ScalingPolicy: Ref and Arn are the policy's ARN."""

    def __init__(self, client: Callable[[], Any]) -> None:
        self._client = client

    def create(self, _logical_id: str, properties: Document, _stack_name: str) -> Provisioned:
        answer = _call(self._client(), "PutScalingPolicy", _expanded(properties), leave_out=("ScalingTargetId",))
        return answer["PolicyARN"], {"Arn": answer["PolicyARN"]}

    def find(self, _logical_id: str, properties: Document, _stack_name: str) -> Provisioned | None:
        named = _expanded(properties)
        key = {name: named[name] for name in _KEY}
        found = self._client().describe_scaling_policies(**key, PolicyNames=[named["PolicyName"]])["ScalingPolicies"]
        arns = (policy["PolicyARN"] for policy in found if has_made(policy["CreationTime"]))
        return next(((arn, {"Arn": arn}) for arn in arns), None)

    def update(
        self, physical_id: str, _old: Document, new: Document, stack_name: str, logical_id: str | None = None
    ) -> Provisioned:
        return self.create(logical_id or physical_id, new, stack_name)

    def delete(self, _physical_id: str, properties: Document) -> None:
        named = _expanded(properties)
        _delete(self._client(), "DeleteScalingPolicy", {name: named[name] for name in (*_KEY, "PolicyName")})


def _key_of(target_id: str) -> Document:
    resource, dimension, namespace = target_id.split("|")
    return dict(zip(_KEY, (namespace, resource, dimension), strict=True))


def _named(properties: Document) -> Document:
    return {member: properties[member] for member in _KEY}


def _expanded(properties: Document) -> Document:
    """Return a policy's properties with its target named as the API does, not by id."""
    target_id = properties.get("ScalingTargetId")
    return {**properties, **(_key_of(target_id) if target_id else {})}


def _call(client: Any, operation: str, properties: Document, leave_out: tuple[str, ...] = ()) -> Document:
    shape = client.meta.service_model.operation_model(operation).input_shape
    request = {name: value for name, value in properties.items() if name not in leave_out}
    methods = {name: method for method, name in client.meta.method_to_api_mapping.items()}
    return call(getattr(client, methods[operation]), **typed(shape, request))


def _delete(client: Any, operation: str, request: Document) -> None:
    methods = {name: method for method, name in client.meta.method_to_api_mapping.items()}
    try:
        getattr(client, methods[operation])(**request)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ObjectNotFoundException":
            raise ValueError(error.response["Error"]["Message"]) from error

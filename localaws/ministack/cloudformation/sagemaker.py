"""AWS::SageMaker::* : a template's properties become requests, whose shapes are botocore's.

CloudFormation's properties have the names of the API's members, so a row of the table is what a type needs. Values come
as strings where a parameter was referred to; they get the type that the member's shape says.

A change that a type cannot take in place makes a new resource; CloudFormation deletes the old one after all else went
well, and the new one if not. An endpoint is updated in place, by blue/green deployment, and is waited for.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from botocore.exceptions import ClientError
from botocore.model import StructureShape

from localaws.account.session import Clients
from localaws.document import Document
from localaws.ministack.cloudformation.attempts import ATTEMPT, has_made
from localaws.ministack.cloudformation.provisioner import (
    IncompleteError,
    Provisioned,
    call,
    found_again,
    generated_name,
    tell_made,
)
from localaws.ministack.cloudformation.typed_values import typed

_NAME_LENGTH = 63
_WAIT_SECONDS = 3600.0
_POLL_SECONDS = 0.1
_MISSING = ("Could not find", "does not exist")
_UNDER_WAY = ("Creating", "Updating", "SystemUpdating", "RollingBack")


@dataclass(frozen=True)
class Type:
    """A resource type.

    Attributes
    ----------
    noun : str
        Such as ``EndpointConfig``: its operations are CreateEndpointConfig and DeleteEndpointConfig.
    in_place : bool
        Whether UpdateXxx takes changes of everything but the name.
    waits : bool
        Whether it is there only when its status says so.
    ref_is_name : bool
        Whether Ref gives the name, not the ARN.
    """

    noun: str
    in_place: bool = False
    waits: bool = False
    ref_is_name: bool = False


TYPES = {
    "AWS::SageMaker::Model": Type("Model"),
    "AWS::SageMaker::EndpointConfig": Type("EndpointConfig"),
    "AWS::SageMaker::Endpoint": Type("Endpoint", in_place=True, waits=True),
    "AWS::SageMaker::Pipeline": Type("Pipeline", in_place=True, ref_is_name=True),
}


def provisioners(client: Clients) -> Mapping[str, "ResourceProvisioner"]:
    """Return the provisioner of each type."""
    return {name: ResourceProvisioner(type_, lambda: client("sagemaker")) for name, type_ in TYPES.items()}


class ResourceProvisioner:
    """Creates, updates and deletes the resources of one type.

    Parameters
    ----------
    type_ : Type
    client : callable() -> SageMaker client
        Called when it is needed first, in a worker thread.
    """

    def __init__(self, type_: Type, client: Callable[[], Any]) -> None:
        self._type = type_
        self._client = client
        self._name_member = f"{type_.noun}Name"

    def create(self, logical_id: str, properties: Document, stack_name: str) -> Provisioned:
        """Create one, and wait until it is there.

        Raises
        ------
        ValueError
            It cannot be created; the text is the reason in the stack's events. IncompleteError, when it was created,
            but has failed.
        """
        name = self._name(logical_id, properties, stack_name)
        if found_again(self, logical_id, properties, stack_name) is None:
            self._call("Create", {**properties, self._name_member: name, "Tags": _own_tags(properties)})
        provisioned = self.provisioned(name)
        if self._type.waits:
            tell_made(provisioned[0])
            try:
                self._wait(name, None)
            except ValueError as error:
                raise IncompleteError(provisioned[0], str(error)) from error
        return provisioned

    def find(self, logical_id: str, properties: Document, stack_name: str) -> Provisioned | None:
        """Return what this attempt has made before a kill."""
        name = self._name(logical_id, properties, stack_name)
        found = self._describe(name)
        return self.provisioned(name) if found is not None and has_made(found["CreationTime"]) else None

    def update(
        self, physical_id: str, old: Document, new: Document, stack_name: str, logical_id: str | None = None
    ) -> Provisioned:
        """Change one in place, or create another: then the physical id is a new one.

        Raises
        ------
        ValueError
            It cannot be changed; the text is the reason in the stack's events.
        """
        if _without_tags(old) == _without_tags(new):
            return self._with_tags(self.provisioned(_name_of(physical_id)), old, new)
        if not self._type.in_place or old.get(self._name_member) != new.get(self._name_member):
            if new.get(self._name_member) and old.get(self._name_member) == new[self._name_member]:
                raise ValueError(
                    f"CloudFormation cannot update a stack when a custom-named resource requires replacing. Rename"
                    f" {new[self._name_member]} and update the stack again."
                )
            return self.create(logical_id or self._type.noun, new, stack_name)
        name = _name_of(physical_id)
        if not self._is_updated(name, new):
            self._call("Update", {**new, self._name_member: name})
        if self._type.waits:
            self._wait(name, new["EndpointConfigName"])
        return self._with_tags(self.provisioned(name), old, new)

    def delete(self, physical_id: str, _properties: Document) -> None:
        """Delete one, if it is there, and wait until it is gone.

        Raises
        ------
        ValueError
            It cannot be deleted.
        """
        name = _name_of(physical_id)
        deadline = time.monotonic() + _WAIT_SECONDS
        while self._describe(name) is not None:
            try:
                self._operation("Delete")(**{self._name_member: name})
            except ClientError as error:
                # What went since it was described needs no deleting.
                known = "in-progress" in str(error) or _says_missing(error)
                if not known or time.monotonic() > deadline:
                    raise ValueError(error.response["Error"]["Message"]) from error
            if not self._type.waits:
                return
            time.sleep(_POLL_SECONDS)

    def _name(self, logical_id: str, properties: Document, stack_name: str) -> str:
        given: str | None = properties.get(self._name_member)
        return given or generated_name(stack_name, logical_id, _NAME_LENGTH)

    def _is_updated(self, name: str, new: Document) -> bool:
        """Say whether this attempt has updated an endpoint before a kill, once that update has come to its end."""
        attempt = ATTEMPT.get()
        if attempt is None or not attempt.again or not self._type.waits:
            return False
        deadline = time.monotonic() + _WAIT_SECONDS
        while (found := self._describe(name)) is not None and time.monotonic() < deadline:
            if found["EndpointStatus"] not in _UNDER_WAY:
                return bool(found["EndpointConfigName"] == new["EndpointConfigName"])
            time.sleep(_POLL_SECONDS)
        return False

    def _with_tags(self, there: Provisioned, old: Document, new: Document) -> Provisioned:
        """Return what is there, with the tags that are new or have changed, and without the others."""
        arn = there[1][f"{self._type.noun}Arn"]
        before, after = _tag_map(old), _tag_map(new)
        added = [{"Key": key, "Value": value} for key, value in after.items() if before.get(key) != value]
        gone = sorted(before.keys() - after.keys())
        if added:
            call(self._client().add_tags, ResourceArn=arn, Tags=added)
        if gone:
            call(self._client().delete_tags, ResourceArn=arn, TagKeys=gone)
        return there

    def _call(self, verb: str, properties: Document) -> None:
        shape, request = self._shape(verb), _flat(properties)
        members = {name: value for name, value in request.items() if name in shape.members}
        call(self._operation(verb), **typed(shape, members))

    def _shape(self, verb: str) -> StructureShape:
        shape = self._client().meta.service_model.operation_model(f"{verb}{self._type.noun}").input_shape
        return cast(StructureShape, shape)

    def _operation(self, verb: str) -> Any:
        operations = {name: method for method, name in self._client().meta.method_to_api_mapping.items()}
        return getattr(self._client(), operations[f"{verb}{self._type.noun}"])

    def _describe(self, name: str) -> Document | None:
        try:
            found: Document = self._operation("Describe")(**{self._name_member: name})
        except ClientError as error:
            if _says_missing(error):
                return None
            raise ValueError(error.response["Error"]["Message"]) from error
        return found

    def _wait(self, name: str, config_name: str | None) -> None:
        """Wait for the endpoint. InService alone does not mean success: an update may have been rolled back."""
        deadline = time.monotonic() + _WAIT_SECONDS
        while (found := self._describe(name)) is not None and time.monotonic() < deadline:
            status = found["EndpointStatus"]
            if status == "InService" and config_name in (None, found["EndpointConfigName"]):
                return
            if status in ("InService", "Failed", "OutOfService", "UpdateRollbackFailed"):
                raise ValueError(found.get("FailureReason") or f"The endpoint {name} is {status}.")
            time.sleep(_POLL_SECONDS)
        raise ValueError(f"The endpoint {name} did not come into service.")

    def provisioned(self, name: str) -> Provisioned:
        """Return the physical id and the attributes of one that is there.

        Raises
        ------
        ValueError
            It is not.
        """
        found = self._describe(name)
        if found is None:
            raise ValueError(f"{self._type.noun} {name} is gone")
        arn = found[f"{self._type.noun}Arn"]  # in lower case, unlike the name
        attributes = {self._name_member: found[self._name_member], f"{self._type.noun}Arn": arn}
        return (found[self._name_member] if self._type.ref_is_name else arn), attributes


def _flat(properties: Document) -> Document:
    """Return a pipeline's properties as the API has them: in a template, its definition is one level deeper."""
    definition = properties.get("PipelineDefinition")
    if not isinstance(definition, dict):
        return properties
    if "PipelineDefinitionS3Location" in definition:
        place = definition["PipelineDefinitionS3Location"]
        location = {"Bucket": place["Bucket"], "ObjectKey": place["Key"]}
        flat: Document = {"PipelineDefinitionS3Location": location}
    else:
        flat = {"PipelineDefinition": definition["PipelineDefinitionBody"]}
    return {name: value for name, value in properties.items() if name != "PipelineDefinition"} | flat


def _own_tags(properties: Document) -> list[Document]:
    """Return the tags without CloudFormation's own, which no request may have: their keys begin with ``aws:``."""
    return [tag for tag in properties.get("Tags", ()) if not tag["Key"].lower().startswith("aws:")]


def _tag_map(properties: Document) -> dict[str, str]:
    return {tag["Key"]: str(tag["Value"]) for tag in _own_tags(properties)}


def _without_tags(properties: Document) -> Document:
    return {name: value for name, value in properties.items() if name != "Tags"}


def _name_of(physical_id: str) -> str:
    return physical_id.rpartition("/")[2]


def _says_missing(error: ClientError) -> bool:
    """Return whether SageMaker says that what was asked for is not there."""
    said = error.response["Error"]
    return said["Code"] == "ResourceNotFound" or any(each in said["Message"] for each in _MISSING)

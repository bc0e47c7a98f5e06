"""AWS::CodeBuild::Project and ReportGroup: a template's properties are the API's members, in another case."""

from collections.abc import Callable, Mapping
from typing import Any

from botocore.model import ListShape, Shape, StructureShape

from localaws.account.session import Clients
from localaws.document import Document
from localaws.ministack.cloudformation.attempts import has_made
from localaws.ministack.cloudformation.provisioner import Provisioned, Provisioner, call, found_again, generated_name
from localaws.ministack.cloudformation.typed_values import typed

_NAME_LENGTH = 123
_NOT_HERE = ("Triggers", "Visibility", "ResourceAccessRole")


def provisioners(client: Clients) -> Mapping[str, Provisioner]:
    """Return the provisioner of each type."""

    def codebuild() -> Any:
        return client("codebuild")

    return {"AWS::CodeBuild::Project": _Projects(codebuild), "AWS::CodeBuild::ReportGroup": _ReportGroups(codebuild)}


class _Projects:
    """Ref is the name; Arn is an attribute."""

    def __init__(self, client: Callable[[], Any]) -> None:
        self._client = client

    def create(self, logical_id: str, properties: Document, stack_name: str) -> Provisioned:
        if (made := found_again(self, logical_id, properties, stack_name)) is not None:
            return made
        name = properties.get("Name") or generated_name(stack_name, logical_id, _NAME_LENGTH)
        return self._put("create_project", "CreateProject", name, properties)

    def find(self, logical_id: str, properties: Document, stack_name: str) -> Provisioned | None:
        name = properties.get("Name") or generated_name(stack_name, logical_id, _NAME_LENGTH)
        for project in self._client().batch_get_projects(names=[name])["projects"]:
            if has_made(project["created"]):
                return project["name"], {"Arn": project["arn"]}
        return None

    def update(
        self, physical_id: str, old: Document, new: Document, stack_name: str, logical_id: str | None = None
    ) -> Provisioned:
        if old.get("Name") != new.get("Name"):
            return self.create(logical_id or physical_id, new, stack_name)
        return self._put("update_project", "UpdateProject", physical_id, new)

    def delete(self, physical_id: str, _properties: Document) -> None:
        self._client().delete_project(name=physical_id)

    def _put(self, method: str, operation: str, name: str, properties: Document) -> Provisioned:
        client = self._client()
        for member in _NOT_HERE:
            if properties.get(member) not in (None, "PRIVATE"):
                raise ValueError(f"Local AWS does not have {member} of AWS::CodeBuild::Project: leave it out")
        shape = client.meta.service_model.operation_model(operation).input_shape
        request = typed(shape, _members(shape, {**properties, "Name": name}))
        project = call(getattr(client, method), **request)["project"]
        return project["name"], {"Arn": project["arn"]}


class _ReportGroups:
    """Ref and Arn are the group's ARN."""

    def __init__(self, client: Callable[[], Any]) -> None:
        self._client = client

    def create(self, logical_id: str, properties: Document, stack_name: str) -> Provisioned:
        if (made := found_again(self, logical_id, properties, stack_name)) is not None:
            return made
        client = self._client()
        shape = client.meta.service_model.operation_model("CreateReportGroup").input_shape
        given = {name: value for name, value in properties.items() if name != "DeleteReports"}
        given["Name"] = properties.get("Name") or generated_name(stack_name, logical_id, _NAME_LENGTH)
        group = call(client.create_report_group, **typed(shape, _members(shape, given)))["reportGroup"]
        return group["arn"], {"Arn": group["arn"]}

    def find(self, logical_id: str, properties: Document, stack_name: str) -> Provisioned | None:
        client, name = self._client(), properties.get("Name") or generated_name(stack_name, logical_id, _NAME_LENGTH)
        arns = [arn for arn in client.list_report_groups()["reportGroups"] if arn.rpartition("/")[2] == name]
        groups = client.batch_get_report_groups(reportGroupArns=arns)["reportGroups"] if arns else ()
        return next(((each["arn"], {"Arn": each["arn"]}) for each in groups if has_made(each["created"])), None)

    def update(
        self, physical_id: str, old: Document, new: Document, stack_name: str, logical_id: str | None = None
    ) -> Provisioned:
        if any(old.get(name) != new.get(name) for name in ("Name", "Type", "ExportConfig")):
            return self.create(logical_id or physical_id, new, stack_name)
        return physical_id, {"Arn": physical_id}

    def delete(self, physical_id: str, properties: Document) -> None:
        everything = str(properties.get("DeleteReports", False)).lower() == "true"
        call(self._client().delete_report_group, arn=physical_id, deleteReports=everything)


def _members(shape: Shape, value: Any) -> Any:
    """Return a template's value with the names of the API's members."""
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        names = {member.lower(): member for member in shape.members}
        found = {}
        for word, item in value.items():
            name = names.get(word.lower())
            if name is None:
                raise ValueError(f"{shape.name} has no {word}: {', '.join(shape.members)}")
            found[name] = _members(shape.members[name], item)
        return found
    if isinstance(shape, ListShape) and isinstance(value, list):
        return [_members(shape.member, item) for item in value]
    return value

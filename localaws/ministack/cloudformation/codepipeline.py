"""AWS::CodePipeline::Pipeline: the API's declaration, with names that begin with a capital."""

from collections.abc import Callable, Mapping
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

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

_NAME_LENGTH = 100
_NOT_DECLARED = ("ArtifactStores", "DisableInboundStageTransitions", "RestartExecutionOnUpdate", "Tags")


def provisioners(client: Clients) -> Mapping[str, Provisioner]:
    """Return the provisioner of the type."""
    return {"AWS::CodePipeline::Pipeline": _Pipelines(lambda: client("codepipeline"))}


class _Pipelines:
    """Ref is the name, Version an attribute."""

    def __init__(self, client: Callable[[], Any]) -> None:
        self._client = client

    def create(self, logical_id: str, properties: Document, stack_name: str) -> Provisioned:
        name = properties.get("Name") or generated_name(stack_name, logical_id, _NAME_LENGTH)
        tags = [{"key": tag["Key"], "value": tag["Value"]} for tag in properties.get("Tags", ())]
        made = found_again(self, logical_id, properties, stack_name)
        if made is None:
            declaration = self._declaration(name, properties)
            created = call(self._client().create_pipeline, pipeline=declaration, tags=tags)
            made = name, {"Version": str(created["pipeline"]["version"])}
        self._set_transitions(name, {}, properties)
        return made

    def find(self, logical_id: str, properties: Document, stack_name: str) -> Provisioned | None:
        client, name = self._client(), properties.get("Name") or generated_name(stack_name, logical_id, _NAME_LENGTH)
        try:
            found = client.get_pipeline(name=name)
        except client.exceptions.PipelineNotFoundException:
            return None
        return (
            (name, {"Version": str(found["pipeline"]["version"])}) if has_made(found["metadata"]["created"]) else None
        )

    def update(
        self, physical_id: str, old: Document, new: Document, stack_name: str, logical_id: str | None = None
    ) -> Provisioned:
        if new.get("Name") != old.get("Name"):
            return self.create(logical_id or "Pipeline", new, stack_name)
        client = self._client()
        made = call(client.update_pipeline, pipeline=self._declaration(physical_id, new))
        self._set_transitions(physical_id, old, new)
        self._set_tags(physical_id, old, new)
        if str(new.get("RestartExecutionOnUpdate", "false")).lower() == "true":
            call(client.start_pipeline_execution, name=physical_id)
        return physical_id, {"Version": str(made["pipeline"]["version"])}

    def delete(self, physical_id: str, _properties: Document) -> None:
        call(self._client().delete_pipeline, name=physical_id)

    def _declaration(self, name: str, properties: Document) -> Document:
        """Return the PipelineDeclaration of a template's properties."""
        shape = self._client().meta.service_model.shape_for("PipelineDeclaration")
        declared = {key: value for key, value in properties.items() if key not in _NOT_DECLARED}
        stores = {
            each["Region"]: _in_camel_case(shape.members["artifactStore"], each["ArtifactStore"])
            for each in properties.get("ArtifactStores", ())
        }
        declaration = {
            **_in_camel_case(shape, declared),
            "name": name,
            **({"artifactStores": stores} if stores else {}),
        }
        converted: Document = typed(shape, declaration)
        return converted

    def _set_transitions(self, name: str, old: Document, new: Document) -> None:
        try:
            self._change_transitions(name, old, new)
        except ValueError as error:  # such as a stage that the pipeline does not have
            raise IncompleteError(name, str(error)) from error

    def _change_transitions(self, name: str, old: Document, new: Document) -> None:
        before, after = (
            {each["StageName"]: each["Reason"] for each in which.get(_NOT_DECLARED[1], ())} for which in (old, new)
        )
        for stage in before.keys() - after.keys():
            transition = {"pipelineName": name, "stageName": stage, "transitionType": "Inbound"}
            call(self._client().enable_stage_transition, **transition)
        for stage, reason in after.items():
            transition = {"pipelineName": name, "stageName": stage, "transitionType": "Inbound", "reason": reason}
            call(self._client().disable_stage_transition, **transition)

    def _set_tags(self, name: str, old: Document, new: Document) -> None:
        arn = call(self._client().get_pipeline, name=name)["metadata"]["pipelineArn"]
        before, after = ({tag["Key"]: tag["Value"] for tag in which.get("Tags", ())} for which in (old, new))
        gone = sorted(before.keys() - after.keys())
        if gone:
            call(self._client().untag_resource, resourceArn=arn, tagKeys=gone)
        if after:
            tags = [{"key": key, "value": value} for key, value in after.items()]
            call(self._client().tag_resource, resourceArn=arn, tags=tags)


def _in_camel_case(shape: Shape, value: Any) -> Any:
    """Return a value with the API's names of members; keys of maps, such as a configuration's, stay."""
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        names = {f"{name[0].upper()}{name[1:]}": name for name in shape.members}
        unknown = sorted(value.keys() - names.keys())
        if unknown:
            raise ValueError(f"{shape.name} has no {', '.join(unknown)}")
        return {names[name]: _in_camel_case(shape.members[names[name]], item) for name, item in value.items()}
    if isinstance(shape, ListShape) and isinstance(value, list):
        return [_in_camel_case(shape.member, item) for item in value]
    if isinstance(shape, MapShape) and isinstance(value, dict):
        return {key: _in_camel_case(shape.value, item) for key, item in value.items()}
    return str(value).lower() if isinstance(value, bool) and shape.type_name == "string" else value

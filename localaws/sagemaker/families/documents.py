"""Create, Update and Delete of families that are plain documents: experiments, lineage entities, projects.

A row of the table is all that such a family needs. Botocore's model of its requests decides the rest::

    Create      the members of the request are the document; ARN, times and users are added
    Update      a map is merged, `XToRemove` removes keys from the map `X`, any other member is replaced
    Delete      refused while other resources depend on it, as on AWS
"""

import secrets
import string
import time
from collections.abc import Callable
from dataclasses import dataclass

from botocore.model import MapShape

from localaws.document import Document
from localaws.sagemaker.errors import ValidationError
from localaws.sagemaker.families.lookup import find
from localaws.sagemaker.families.table import Family, read_handlers
from localaws.sagemaker.lineage.graph import ASSOCIATION, MEMBERSHIP, artifact_name
from localaws.sagemaker.parts import Handler, Parts
from localaws.sagemaker.service_model import input_shape
from localaws.storage.store import Query, Resource

_NOT_KEPT = ("Tags", "ClientToken")
_PROJECT_ID_CHARACTERS = 12


@dataclass(frozen=True)
class Dependant:
    """Resources that must be deleted before another can: those of a kind whose column is that resource's ARN."""

    kind: str
    column: str
    words: str


@dataclass(frozen=True)
class SimpleFamily(Family):
    """A family whose Create and Update are botocore's shapes.

    Attributes
    ----------
    parent : tuple of str
        The member that names the resource it belongs to, and the kind of that resource; empty if there is none.
    dependants : tuple of Dependant
    complete : callable
        Returns what a new document has beyond the request.
    takes_edges : bool
        Whether its associations are deleted with it, as for a job's trial component, instead of preventing that.
    """

    parent: tuple[str, ...] = ()
    dependants: tuple[Dependant, ...] = ()
    complete: Callable[[Document], Document] = lambda _: {}
    takes_edges: bool = False


def _display_name(noun: str) -> Callable[[Document], Document]:
    return lambda document: {"DisplayName": document.get("DisplayName", document[f"{noun}Name"])}


def _trial_component(document: Document) -> Document:
    return {**_display_name("TrialComponent")(document), "Metrics": []}


def _project(document: Document) -> Document:
    """Return a project's own members. Without Service Catalog nothing is provisioned: it is complete at once."""
    alphabet = string.ascii_lowercase + string.digits
    details = [
        {"CfnTemplateProviderDetail": provider["CfnTemplateProvider"]}
        for provider in document.get("TemplateProviders", [])
    ]
    return {
        "ProjectId": "p-" + "".join(secrets.choice(alphabet) for _ in range(_PROJECT_ID_CHARACTERS)),
        "ProjectStatus": "CreateCompleted",
        "TemplateProviderDetails": details or None,
    }


_ASSOCIATED = (
    Dependant(ASSOCIATION, "source", "associations"),
    Dependant(ASSOCIATION, "destination", "associations"),
)

SIMPLE_FAMILIES = (
    SimpleFamily(
        "Experiment",
        "experiment",
        "Experiments",
        descending=True,
        dependants=(Dependant("experiment-trial", "parent", "trials"),),
        takes_edges=True,
        complete=_display_name("Experiment"),
    ),
    SimpleFamily(
        "Trial",
        "experiment-trial",
        "Trials",
        descending=True,
        parent=("ExperimentName", "experiment"),
        dependants=(Dependant(MEMBERSHIP, "source", "trial components"),),
        complete=_display_name("Trial"),
    ),
    SimpleFamily(
        "TrialComponent",
        "experiment-trial-component",
        "TrialComponents",
        descending=True,
        dependants=(Dependant(MEMBERSHIP, "destination", "trials"),),
        takes_edges=True,
        complete=_trial_component,
    ),
    SimpleFamily("Artifact", "artifact", "Artifacts", descending=True, key="ArtifactArn", dependants=_ASSOCIATED),
    SimpleFamily("Context", "context", "Contexts", descending=True, dependants=_ASSOCIATED),
    SimpleFamily("Action", "action", "Actions", descending=True, dependants=_ASSOCIATED),
    SimpleFamily("Project", "project", "Projects", complete=_project),
)


def handlers() -> dict[str, Handler]:
    """Return the operations of all families in the table by name."""
    found = read_handlers(SIMPLE_FAMILIES)
    for family in SIMPLE_FAMILIES:
        found[f"Create{family.noun}"] = _create(family)
        found[f"Update{family.noun}"] = _update(family)
        found[f"Delete{family.noun}"] = _delete(family)
    return found


def is_referred_to(parts: Parts, dependant: Dependant, arn: str) -> bool:
    """Return whether the resource with this ARN has a dependant."""
    found, _ = parts.store.page(Query(dependant.kind, {f"{dependant.column} = ?": arn}, limit=1))
    return bool(found)


def _create(family: SimpleFamily) -> Handler:
    def create(parts: Parts, request: Document) -> Document:
        with parts.store.transaction():
            resource = new_resource(parts, family, request)
            if not parts.store.add(resource):
                raise ValidationError(
                    f"{family.noun} names must be unique within an AWS account and region."
                    f" {family.noun} with name ({resource.name}) already exists: {resource.arn}"
                )
            parts.tag(resource.arn, request)
        return resource.document

    return create


def new_resource(parts: Parts, family: SimpleFamily, request: Document) -> Resource:
    """Return the resource that a validated Create request is stored as.

    Raises
    ------
    ResourceNotFound
        If the resource that it belongs to does not exist.
    """
    name = request[f"{family.noun}Name"] if family.noun != "Artifact" else artifact_name(request["Source"])
    arn, now = parts.aws.arn(family.kind, name), time.time()
    document = {key: value for key, value in request.items() if key not in _NOT_KEPT} | {
        f"{family.noun}Arn": arn,
        "CreationTime": now,
        "LastModifiedTime": now,
        "CreatedBy": parts.created_by,
        "LastModifiedBy": parts.created_by,
    }
    document |= family.complete(document)
    return Resource(
        family.kind,
        name,
        arn,
        document,
        parent=_parent(parts, family, request),
        created=now,
        source=(request.get("Source") or {}).get("SourceUri", ""),
        type=document.get(f"{family.noun}Type", ""),
    )


def _parent(parts: Parts, family: SimpleFamily, request: Document) -> str:
    if not family.parent:
        return ""
    member, kind = family.parent
    return find(parts, kind, request[member], f"Create{family.noun}").arn


def _update(family: SimpleFamily) -> Handler:
    name = f"Update{family.noun}"

    def update(parts: Parts, request: Document) -> Document:
        resource = find(parts, family.kind, family.identify(request), name)

        def edit(document: Document, _: Document) -> None:
            document.update(changes(name, document, request))
            document.update(LastModifiedTime=time.time(), LastModifiedBy=parts.created_by)

        parts.store.change(resource.arn, edit)
        parts.tag(resource.arn, request)
        return {f"{family.noun}Arn": resource.arn}

    return update


def changes(operation_name: str, document: Document, request: Document) -> Document:
    """Return the members that an Update request sets in a document, according to the request's shape."""
    shape = input_shape(operation_name)
    changed: Document = {}
    for member, value in request.items():
        if member in _NOT_KEPT or value is None or member in shape.required_members:
            continue
        if isinstance(shape.members[member], MapShape):
            changed[member] = {**document.get(member, {}), **value}
        elif not member.endswith("ToRemove"):
            changed[member] = value
    for member in request:
        if member.endswith("ToRemove"):
            name = member.removesuffix("ToRemove")
            kept: Document = changed.get(name) or document.get(name) or {}
            changed[name] = {key: value for key, value in kept.items() if key not in (request[member] or [])}
    return changed


def _delete(family: SimpleFamily) -> Handler:
    name = f"Delete{family.noun}"

    def delete(parts: Parts, request: Document) -> Document:
        with parts.store.transaction():
            resource = find(parts, family.kind, _which(parts, family, request), name)
            for dependant in family.dependants:
                if is_referred_to(parts, dependant, resource.arn):
                    raise ValidationError(f"{resource.arn} still has {dependant.words}: remove them first")
            if family.takes_edges:
                _remove_edges(parts, resource.arn)
            parts.store.remove(resource.arn)
        return {f"{family.noun}Arn": resource.arn}

    return delete


def _remove_edges(parts: Parts, arn: str) -> None:
    for edge in (*parts.store.every(ASSOCIATION, source=arn), *parts.store.every(ASSOCIATION, destination=arn)):
        parts.store.remove(edge.arn)


def _which(parts: Parts, family: SimpleFamily, request: Document) -> str:
    if family.key and family.key not in request:  # DeleteArtifact takes the ARN or the source
        if "Source" not in request:
            raise ValidationError("ArtifactArn or Source is required")
        return parts.aws.arn(family.kind, artifact_name(request["Source"]))
    return family.identify(request)

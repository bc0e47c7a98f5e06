"""The edges of the lineage graph: who contributed to, produced, was derived from or belongs to what.

An association is a resource between two others: its parent is the source's ARN, its name the destination's, its status
the type of the edge. Source and destination make it unique, as on AWS.
"""

import time
from typing import Any

from localaws.sagemaker.control import Control, Handler
from localaws.sagemaker.errors import ResourceNotFound, ValidationError
from localaws.sagemaker.families import page
from localaws.sagemaker.simple_families import ASSOCIATION
from localaws.sagemaker.store import Resource

Document = dict[str, Any]

_NOUNS = {
    "experiment": "Experiment",
    "experiment-trial-component": "TrialComponent",
    "artifact": "Artifact",
    "context": "Context",
    "action": "Action",
}


def handlers() -> dict[str, Handler]:
    """The operations of this module by name."""
    return {
        "AddAssociation": add_association,
        "DeleteAssociation": delete_association,
        "ListAssociations": list_associations,
    }


def add_association(control: Control, request: Document) -> Document:
    """Draw an edge between two entities."""
    source = _entity(control, request["SourceArn"])
    destination = _entity(control, request["DestinationArn"])
    if not associate(control, source, destination, request.get("AssociationType", "")):
        raise ValidationError(f"Association between {source.arn} and {destination.arn} already exists")
    return {"SourceArn": source.arn, "DestinationArn": destination.arn}


def associate(control: Control, source: Resource, destination: Resource, association_type: str) -> bool:
    """Store an edge; False when there is one between the two."""
    now = time.time()
    document = {
        "SourceArn": source.arn,
        "DestinationArn": destination.arn,
        "SourceType": entity_type(source),
        "DestinationType": entity_type(destination),
        "AssociationType": association_type or None,
        "SourceName": _name(source),
        "DestinationName": _name(destination),
        "CreationTime": now,
        "CreatedBy": control.created_by,
    }
    return control.store.add(
        Resource(
            ASSOCIATION,
            destination.arn,
            _key(source.arn, destination.arn),
            document,
            parent=source.arn,
            status=association_type,
            created=now,
        )
    )


def delete_association(control: Control, request: Document) -> Document:
    """Take an edge away."""
    key = _key(request["SourceArn"], request["DestinationArn"])
    if control.store.by_arn(key) is None:
        raise ResourceNotFound(
            f"Association between {request['SourceArn']} and {request['DestinationArn']} does not exist"
        )
    control.store.remove(key)
    return {"SourceArn": request["SourceArn"], "DestinationArn": request["DestinationArn"]}


def list_associations(control: Control, request: Document) -> Document:
    """A page of edges, of one source, destination or type."""
    return page(control, "ListAssociations", ASSOCIATION, request, descending=True)


def entity_type(entity: Resource) -> str:
    """What an entity is: an artifact's own type such as ``DataSet``, a trial component's kind of job, or its noun."""
    noun = _NOUNS[entity.kind]
    kind: str = entity.document.get(f"{noun}Type") or entity.document.get("Source", {}).get("SourceType") or noun
    return kind


def lineage_type(entity: Resource) -> str:
    """``TrialComponent``, ``Artifact``, ``Context`` or ``Action``."""
    return _NOUNS[entity.kind]


def _name(entity: Resource) -> str | None:
    name: str | None = entity.document.get(f"{_NOUNS[entity.kind]}Name")
    return name


def _entity(control: Control, arn: str) -> Resource:
    entity = control.store.by_arn(arn)
    if entity is None or entity.kind not in _NOUNS:
        raise ResourceNotFound(f"Could not find the lineage entity '{arn}'")
    return entity


def _key(source_arn: str, destination_arn: str) -> str:
    """The key of an association, which AWS gives no ARN: no caller sees it."""
    return f"{source_arn} {destination_arn}"

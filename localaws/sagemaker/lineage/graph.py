"""The stored lineage graph: entities, the edges between them, and which components belong to which trials.

Entities are the resources that the API creates. An edge is a resource that leads from one to another: from the source
of an association to its destination, from a trial to its component.
"""

import hashlib
import json
import time
from dataclasses import dataclass
from typing import Any

from localaws.document import Document
from localaws.sagemaker.aws import SageMakerAws
from localaws.storage.store import Resource, Store

ASSOCIATION = "association"
MEMBERSHIP = "trial-membership"
NOUNS = {
    "experiment": "Experiment",
    "experiment-trial-component": "TrialComponent",
    "artifact": "Artifact",
    "context": "Context",
    "action": "Action",
}
"""The kinds of entities that an association may connect, and their nouns in the API."""

IN_COLUMNS_OF_THEIR_OWN = """
UPDATE resource SET source = parent, destination = name, type = status, name = arn, parent = '', status = ''
    WHERE kind IN ('association', 'trial-membership') AND source = '';
UPDATE resource SET source = parent, type = status, parent = '', status = ''
    WHERE kind IN ('experiment-trial-component', 'artifact', 'context', 'action') AND (parent <> '' OR status <> '');
"""
"""Moves the values that files of an earlier version kept in other columns."""

_TEXT_CHARACTERS = 2500


@dataclass(frozen=True)
class Graph:
    """The lineage graph of one local SageMaker."""

    store: Store
    aws: SageMakerAws

    def entity(self, kind: str, name: str, document: Document) -> Resource:
        """Return the entity of this kind and name: the existing one, or a new one with this document."""
        arn = self.aws.arn(kind, name)
        if (found := self.store.by_arn(arn)) is not None:
            return found
        now, source = time.time(), document.get("Source", {})
        full = document | {
            f"{NOUNS[kind]}Arn": arn,
            "CreationTime": now,
            "LastModifiedTime": now,
            "CreatedBy": self.aws.user_context,
            "LastModifiedBy": self.aws.user_context,
        }
        uri = source.get("SourceUri") or source.get("SourceArn") or ""
        own_type = document.get(f"{NOUNS[kind]}Type", "")
        resource = Resource(kind, name, arn, full, created=now, source=uri, type=own_type)
        self.store.add(resource)
        return resource

    def artifact(self, uri: str, artifact_type: str, name: str | None = None) -> Resource:
        """Return the artifact of a URI; there is one per URI, whatever type it was first seen as."""
        source = {"SourceUri": uri}
        document = {"ArtifactName": name, "ArtifactType": artifact_type, "Source": source}
        return self.entity("artifact", artifact_name(source), document)

    def associate(self, source: Resource, destination: Resource, association_type: str) -> bool:
        """Store an edge; return False if there is one between the two already."""
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
            "CreatedBy": self.aws.user_context,
        }
        key = association_key(source.arn, destination.arn)
        edge = Resource(
            ASSOCIATION,
            key,
            key,
            document,
            created=now,
            source=source.arn,
            destination=destination.arn,
            type=association_type,
        )
        return self.store.add(edge)

    def join(self, trial_arn: str, component_arn: str) -> None:
        """Store that a component belongs to a trial."""
        key = membership_key(trial_arn, component_arn)
        self.store.add(Resource(MEMBERSHIP, key, key, {}, source=trial_arn, destination=component_arn))


def entity_type(entity: Resource) -> str:
    """Return an entity's type: an artifact's own such as ``DataSet``, a trial component's kind of job, or its noun."""
    noun = NOUNS[entity.kind]
    own = entity.document.get(f"{noun}Type") or entity.document.get("Source", {}).get("SourceType") or noun
    return str(own).removeprefix("SageMaker")


def artifact_name(source: Document) -> str:
    """Return an artifact's name in its ARN: there is one artifact per source."""
    return hashlib.md5(json.dumps(source, sort_keys=True).encode(), usedforsecurity=False).hexdigest()


def association_key(source_arn: str, destination_arn: str) -> str:
    """Return the key of an association, which has no ARN on AWS: no caller sees it."""
    return f"{source_arn} {destination_arn}"


def membership_key(trial_arn: str, component_arn: str) -> str:
    """Return the key of a membership, which has no ARN on AWS: no caller sees it."""
    return f"{trial_arn} {component_arn}"


def _name(entity: Resource) -> str | None:
    name: str | None = entity.document.get(f"{NOUNS[entity.kind]}Name")
    return name


def parameter(value: Any) -> Document:
    """Return a trial component's parameter: as a number if the value is one."""
    try:
        return {"NumberValue": float(value)}
    except (TypeError, ValueError):
        return {"StringValue": str(value)[:_TEXT_CHARACTERS]}

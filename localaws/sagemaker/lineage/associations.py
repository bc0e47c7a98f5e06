"""The edges of the lineage graph, and queries along them: what contributed to, produced or was derived from what."""

from collections.abc import Iterator

from localaws.document import Document
from localaws.sagemaker.errors import ResourceNotFound, ValidationError
from localaws.sagemaker.families.lookup import page
from localaws.sagemaker.lineage.graph import ASSOCIATION, NOUNS, Graph, association_key, entity_type
from localaws.sagemaker.parts import Handler, Parts
from localaws.sagemaker.service_model import summary
from localaws.storage.store import Resource, decode_token, encode_token

_DEPTH = 10
_VERTICES = 50


def handlers() -> dict[str, Handler]:
    """Return the operations of this module by name."""
    return {
        "AddAssociation": add_association,
        "DeleteAssociation": delete_association,
        "ListAssociations": list_associations,
        "QueryLineage": query_lineage,
    }


def add_association(parts: Parts, request: Document) -> Document:
    """Add an edge between two entities."""
    source = _entity(parts, request["SourceArn"])
    destination = _entity(parts, request["DestinationArn"])
    graph = Graph(parts.store, parts.aws)
    if not graph.associate(source, destination, request.get("AssociationType", "")):
        raise ValidationError(f"Association between {source.arn} and {destination.arn} already exists")
    return {"SourceArn": source.arn, "DestinationArn": destination.arn}


def delete_association(parts: Parts, request: Document) -> Document:
    """Remove an edge."""
    ends = {name: request[name] for name in ("SourceArn", "DestinationArn")}
    key = association_key(*ends.values())
    if parts.store.by_arn(key) is None:
        raise ResourceNotFound(f"Association between {' and '.join(ends.values())} does not exist")
    parts.store.remove(key)
    return ends


def list_associations(parts: Parts, request: Document) -> Document:
    """Return a page of edges, of one source, destination or type."""
    return page(parts, "ListAssociations", ASSOCIATION, request, descending=True)


def query_lineage(parts: Parts, request: Document) -> Document:
    """Return the entities reached from the starts, nearest first, and with the first page all edges between them."""
    starts = [_entity(parts, arn) for arn in request.get("StartArns") or []]
    if not starts:
        raise ValidationError("StartArns is required: a walk through the lineage begins somewhere")
    direction = request.get("Direction") or "Both"
    reached, edges = _walk(parts, starts, direction, request.get("MaxDepth") or _DEPTH)
    filters = request.get("Filters") or {}
    vertices = [entity for entity in reached if _passes(entity, filters)]
    begin = decode_token(request["NextToken"])[1] if request.get("NextToken") else 0
    end = begin + (request.get("MaxResults") or _VERTICES)
    shown = {entity.arn for entity in (*starts, *vertices)}
    kept = [edge for edge in edges if {edge["SourceArn"], edge["DestinationArn"]} <= shown]
    return {
        "Vertices": [
            {"Arn": entity.arn, "Type": entity_type(entity), "LineageType": NOUNS[entity.kind]}
            for entity in vertices[begin:end]
        ],
        "Edges": kept if request.get("IncludeEdges", True) and begin == 0 else [],
        "NextToken": encode_token("vertex", end) if end < len(vertices) else None,
    }


def _walk(parts: Parts, starts: list[Resource], direction: str, depth: int) -> tuple[list[Resource], list[Document]]:
    """Search breadth first from the starts, which are not part of the result."""
    seen = {entity.arn for entity in starts}
    edges: dict[str, Document] = {}
    reached: list[Resource] = []
    border = [entity.arn for entity in starts]
    for _ in range(depth):
        further = []
        for arn in border:
            for other, edge in _neighbours(parts, arn, direction):
                edges[edge.arn] = summary("Edge", edge.document)
                if other not in seen and (entity := parts.store.by_arn(other)) is not None:
                    seen.add(other)
                    reached.append(entity)
                    further.append(other)
        border = further
    return reached, list(edges.values())


def _neighbours(parts: Parts, arn: str, direction: str) -> Iterator[tuple[str, Resource]]:
    if direction in ("Both", "Descendants"):
        for edge in _edges(parts, "source", arn):
            yield edge.destination, edge
    if direction in ("Both", "Ascendants"):
        for edge in _edges(parts, "destination", arn):
            yield edge.source, edge


def _edges(parts: Parts, column: str, arn: str) -> Iterator[Resource]:
    yield from parts.store.every(ASSOCIATION, **{column: arn})


def _passes(entity: Resource, filters: Document) -> bool:
    properties = entity.document.get("Properties") or {}
    return (
        entity_type(entity) in (filters.get("Types") or [entity_type(entity)])
        and NOUNS[entity.kind] in (filters.get("LineageTypes") or NOUNS.values())
        and filters.get("CreatedAfter", 0) <= entity.created <= filters.get("CreatedBefore", entity.created)
        and filters.get("ModifiedAfter", 0) <= entity.modified <= filters.get("ModifiedBefore", entity.modified)
        and all(properties.get(key) == value for key, value in (filters.get("Properties") or {}).items())
    )


def _entity(parts: Parts, arn: str) -> Resource:
    entity = parts.store.by_arn(arn)
    if entity is None or entity.kind not in NOUNS:
        raise ResourceNotFound(f"Could not find the lineage entity '{arn}'")
    return entity

"""Lists of names, ids or ARNs, a page at a time."""

from collections.abc import Callable
from dataclasses import replace

from localaws.document import Document
from localaws.storage.store import Query, Resource, Store

_MOST = 100


def names_page(store: Store, query: Query, request: Document, member: str, name: Callable[[Resource], str]) -> Document:
    """A page of what `name` gives of each resource, and the token of the next."""
    limit = min(int(request.get("maxResults") or _MOST), _MOST)
    resources, token = store.page(replace(query, limit=limit, token=request.get("nextToken")))
    return {member: [name(resource) for resource in resources], "nextToken": token}

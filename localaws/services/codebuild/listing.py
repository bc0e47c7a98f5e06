"""Lists of names, IDs or ARNs, paginated."""

from collections.abc import Callable
from dataclasses import replace

from localaws.document import Document
from localaws.storage.store import Query, Resource, Store

_MOST = 100


def names_page(store: Store, query: Query, request: Document, member: str, name: Callable[[Resource], str]) -> Document:
    """Return a page of `name` applied to each resource, and the token of the next page."""
    limit = min(int(request.get("maxResults") or _MOST), _MOST)
    resources, token = store.page(replace(query, limit=limit, token=request.get("nextToken")))
    return {member: [name(resource) for resource in resources], "nextToken": token}

"""Lists, filtered and paginated."""

from collections.abc import Callable
from dataclasses import replace

from localaws.document import Document
from localaws.storage.store import Query, Resource, Store

_MOST = 50


def page(
    store: Store, query: Query, request: Document, member: str, wanted: Callable[[Resource], bool] = lambda _: True
) -> Document:
    """Return a page of documents under `member`, with the token of the next page.

    As on AWS, a page may hold fewer than MaxResults although there are more: filters apply to each page.
    """
    limit = min(int(request.get("MaxResults") or _MOST), _MOST)
    resources, token = store.page(replace(query, limit=limit, token=request.get("NextToken")))
    return {member: [resource.document for resource in resources if wanted(resource)], "NextToken": token}

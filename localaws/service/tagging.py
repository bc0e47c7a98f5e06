"""Tags of a service's resources: TagResource, UntagResource and ListTagsForResource."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from localaws.api_errors import ApiError
from localaws.document import Document
from localaws.service.service import Handler
from localaws.storage.store import Store


@dataclass(frozen=True)
class Tagging:
    """The three operations.

    Attributes
    ----------
    store : Store
    missing : callable(arn) -> ApiError
        The error for an ARN that no resource has.
    resource, tags, keys : str
        The names of the members in the service's API.
    are_listed : bool
        Whether that API passes tags as a list of {"key": ..., "value": ...} instead of a map.
    """

    store: Store
    missing: Callable[[str], ApiError]
    resource: str = "resourceArn"
    tags: str = "tags"
    keys: str = "tagKeys"
    are_listed: bool = False

    def handlers(self) -> Mapping[str, Handler]:
        """Return the operations by name."""
        return {"TagResource": self._tag, "UntagResource": self._untag, "ListTagsForResource": self._list}

    def _tag(self, request: Document) -> Document:
        given = request[self.tags]
        tags = {tag["key"]: tag["value"] for tag in given} if self.are_listed else given
        self.store.tag(self._arn(request), tags)
        return {}

    def _untag(self, request: Document) -> Document:
        self.store.untag(self._arn(request), request[self.keys])
        return {}

    def _list(self, request: Document) -> Document:
        found = self.store.tags(self._arn(request))
        listed = [{"key": key, "value": value} for key, value in found.items()]
        return {self.tags: listed if self.are_listed else found}

    def _arn(self, request: Document) -> str:
        arn: str = request[self.resource]
        if self.store.by_arn(arn) is None:
            raise self.missing(arn)
        return arn

"""What metric filters and subscription filters have in common: they are of a group, and begin where its events end."""

from dataclasses import dataclass

from localaws.document import Document
from localaws.services.logs.errors import LimitExceeded, ResourceNotFound
from localaws.services.logs.event_file import EventFile
from localaws.services.logs.follower import Follower
from localaws.services.logs.groups import Group
from localaws.storage.store import Resource, Store


@dataclass(frozen=True)
class GroupFilters:
    """The filters of one kind.

    Attributes
    ----------
    kind : str
        Of their resources, such as ``logs/metric-filter``.
    noun : str
        What a sentence calls one.
    most : int
        How many a group may have.
    too_many : str
        What is said of one more.
    store : Store
    file : EventFile
    follower : Follower
    """

    kind: str
    noun: str
    most: int
    too_many: str
    store: Store
    file: EventFile
    follower: Follower

    def put(self, group: Group, name: str, document: Document) -> None:
        """Create or replace a filter; events that came before it are not its own.

        Raises
        ------
        LimitExceeded
        """
        arn = self._arn(group, name)
        with self.store.transaction():
            if self.store.by_arn(arn) is None and len(self.store.every(self.kind, parent=group.arn)) >= self.most:
                raise LimitExceeded(self.too_many)
            self.follower.begin_here()
            self.store.remove(arn)
            internal = {"since": self.file.last_number()}
            self.store.add(Resource(self.kind, name, arn, document, internal, parent=group.arn))
        self.follower.wake()

    def delete(self, group: Group, name: str) -> None:
        """Delete a filter.

        Raises
        ------
        ResourceNotFound
        """
        arn = self._arn(group, name)
        if self.store.by_arn(arn) is None:
            raise ResourceNotFound(f"The specified {self.noun} does not exist.")
        self.store.remove(arn)

    def _arn(self, group: Group, name: str) -> str:
        return f"{group.arn}:{self.kind.removeprefix('logs/')}:{name}"

"""Entries that wait in a store until they are processed: added in the transaction of their cause, then removed."""

import json
from collections.abc import Iterable, Sequence

from localaws.document import Document
from localaws.storage.store import Store

_SCHEMA = "CREATE TABLE IF NOT EXISTS waiting (number INTEGER PRIMARY KEY AUTOINCREMENT, document TEXT NOT NULL)"


class Queue:
    """Documents in the order in which they were added.

    Parameters
    ----------
    store : Store
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        store.define(_SCHEMA)

    def put(self, document: Document) -> None:
        """Add a document; inside a transaction, it exists once the transaction is committed."""
        with self._store.transaction() as connection:
            connection.execute("INSERT INTO waiting (document) VALUES (?)", (json.dumps(document),))

    def first(self, limit: int) -> Sequence[tuple[int, Document]]:
        """Return up to `limit` of the oldest documents, each with its number."""
        rows = self._store.rows("SELECT number, document FROM waiting ORDER BY number LIMIT ?", limit)
        return [(number, json.loads(document)) for number, document in rows]

    def remove(self, numbers: Iterable[int]) -> None:
        """Remove documents that have been processed."""
        with self._store.transaction() as connection:
            connection.executemany("DELETE FROM waiting WHERE number = ?", [(number,) for number in numbers])

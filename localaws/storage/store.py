"""SQLite holds every resource, its status and its tags; what is not written here did not happen.

One table serves all kinds. A resource is a document (the response of its Describe operation), the few columns that
lists are filtered and sorted by, and a second document of what this server must remember but never shows.
WAL mode makes a committed write survive the death of the process at any instant.

Lists are paginated by keyset: the token holds the sort value and the number of the last row shown, so that a page
costs the same at the front and at the back of the list, and rows created meanwhile are neither skipped nor repeated.
"""

import base64
import binascii
import hashlib
import json
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from localaws.api_errors import ValidationError
from localaws.document import Document
from localaws.storage.sqlite_file import connect, transaction

_SCHEMA = """
CREATE TABLE IF NOT EXISTS resource (
    number   INTEGER PRIMARY KEY,
    kind     TEXT NOT NULL,
    name     TEXT NOT NULL,
    arn      TEXT NOT NULL UNIQUE,
    parent   TEXT NOT NULL DEFAULT '',
    status   TEXT NOT NULL DEFAULT '',
    approval TEXT NOT NULL DEFAULT '',
    created  REAL NOT NULL,
    modified REAL NOT NULL,
    document TEXT NOT NULL,
    internal TEXT NOT NULL DEFAULT '{}',
    UNIQUE (kind, parent, name)
);
CREATE INDEX IF NOT EXISTS resource_in_order ON resource (kind, created, number, name, status);
CREATE INDEX IF NOT EXISTS resource_by_parent ON resource (kind, parent, created, number);
CREATE INDEX IF NOT EXISTS resource_of_status ON resource (kind, status, created, number);
CREATE INDEX IF NOT EXISTS resource_of_name ON resource (kind, name, created, number);
CREATE TABLE IF NOT EXISTS tag (
    arn TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (arn, key)
);
CREATE TABLE IF NOT EXISTS token (
    scope   TEXT NOT NULL,
    token   TEXT NOT NULL,
    request TEXT NOT NULL,
    answer  TEXT NOT NULL,
    expires REAL NOT NULL,
    PRIMARY KEY (scope, token)
);
CREATE INDEX IF NOT EXISTS token_by_age ON token (expires);
"""
TOKEN_SECONDS = 30 * 86_400.0
"""How long an idempotency token is kept, unless its service says otherwise."""

_COLUMNS = (
    "number, kind, name, arn, parent, status, approval, created, modified, document, internal,"
    " source, destination, type"
)
# Columns that a file of an earlier version lacks.
_LATER_COLUMNS = ("source", "destination", "type")
_LATER_INDEXES = """
CREATE INDEX IF NOT EXISTS resource_of_source ON resource (kind, source, created, number) WHERE source <> '';
CREATE INDEX IF NOT EXISTS resource_of_destination ON resource (kind, destination) WHERE destination <> '';
CREATE INDEX IF NOT EXISTS resource_of_type ON resource (kind, type, created, number) WHERE type <> '';
"""


@dataclass(frozen=True)
class Resource:
    """One stored resource.

    Attributes
    ----------
    kind : str
        The word that SageMaker's ARNs use, such as ``training-job``.
    document : dict
        The response of Describe; times are seconds since the epoch.
    internal : dict
        What only this server needs, such as the request that created a job.
    parent : str
        The ARN of the group, pipeline or execution that it belongs to, or an empty string.
    status : str
        A status such as a job's ``Completed``, or an empty string.
    source : str
        The URI or ARN that a lineage entity was made from or that an edge starts at; otherwise an empty string.
    destination : str
        The ARN that an edge points to, or an empty string.
    type : str
        The type of a lineage entity or association, such as ``DataSet``, or an empty string.
    """

    kind: str
    name: str
    arn: str
    document: Document
    internal: Document = field(default_factory=dict)
    parent: str = ""
    status: str = ""
    approval: str = ""
    created: float = 0.0
    modified: float = 0.0
    number: int = 0
    source: str = ""
    destination: str = ""
    type: str = ""


@dataclass(frozen=True)
class Query:
    """Which resources of a kind to list, in which order, and from where.

    Attributes
    ----------
    where : mapping of str to value
        SQL conditions with one placeholder each, such as ``{"status = ?": "Failed"}``.
    sort_by : str
        A column, or an SQL expression over one.
    limit : int
        Rows per page.
    """

    kind: str
    where: Mapping[str, Any] = field(default_factory=dict)
    sort_by: str = "created"
    descending: bool = True
    limit: int = 100
    token: str | None = None


class TokenMismatch(Exception):
    """An idempotency token was used before with other parameters."""


class Store:
    """The resources of one server, such as the local SageMaker, in one SQLite file.

    Parameters
    ----------
    path : Path
        The file; created with its folder if absent.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._local = threading.local()
        self._lock = threading.RLock()
        self._connection.executescript(_SCHEMA)
        self._add_later_columns()

    def _add_later_columns(self) -> None:
        there = {row[1] for row in self._connection.execute("PRAGMA table_info(resource)")}
        for name in _LATER_COLUMNS:
            if name not in there:
                self._connection.execute(f"ALTER TABLE resource ADD COLUMN {name} TEXT NOT NULL DEFAULT ''")
        self._connection.executescript(_LATER_INDEXES)

    @property
    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = connect(self._path, shared=False)
            self._local.connection = connection
        return connection

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Run several reads and writes as one transaction. Nests: the outermost one commits."""
        connection = self._connection
        if connection.in_transaction:
            yield connection
            return
        self._local.committed = []
        with self._lock, transaction(connection):
            yield connection
        for callback in self._local.committed:
            callback()

    def after_commit(self, callback: Callable[[], None]) -> None:
        """Call a function once this thread's transaction is committed, or immediately if there is none."""
        if self._connection.in_transaction:
            self._local.committed.append(callback)
        else:
            callback()

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """Return the rows of a query on another module's tables, without a transaction of its own."""
        return self._connection.execute(query, values).fetchall()

    def define(self, schema: str) -> None:
        """Add another module's tables to the file; the statements must change nothing if the tables exist."""
        self._connection.executescript(schema)

    def once(
        self, scope: str, token: str, request: Document, make: Callable[[], Document], seconds: float = TOKEN_SECONDS
    ) -> Document:
        """Carry out a request with an idempotency token once, however often it is repeated or this server killed.

        Parameters
        ----------
        scope : str
            The service and operation that the token belongs to, such as ``codebuild.StartBuild``.
        token : str
        request : dict
            The request's members, without the token.
        make : callable() -> answer
            Carries the request out within this store's transaction: it is both done and remembered, or neither. It
            must not wait for anything; whatever has to start afterwards goes through `after_commit`.
        seconds : float, default=30 days
            How long the token is valid.

        Returns
        -------
        dict
            The answer to this request, or to the first one with the token.

        Raises
        ------
        TokenMismatch
            If the token was used with other members.
        """
        with self.transaction() as connection:
            known = self.answered(scope, token, request)
            if known is not None:
                return known
            answer = make()
            now = time.time()
            connection.execute("DELETE FROM token WHERE expires <= ?", (now,))
            connection.execute(
                "INSERT INTO token (scope, token, request, answer, expires) VALUES (?, ?, ?, ?, ?)",
                (scope, token, _digest(request), json.dumps(answer), now + seconds),
            )
            return answer

    def answered(self, scope: str, token: str, request: Document) -> Document | None:
        """Return the answer to the first request with an idempotency token, or None if there was none yet.

        The parameters and errors are those of `once`.
        """
        row = self._connection.execute(
            "SELECT request, answer FROM token WHERE scope = ? AND token = ? AND expires > ?",
            (scope, token, time.time()),
        ).fetchone()
        if row is None:
            return None
        if row[0] != _digest(request):
            raise TokenMismatch(f"The idempotency token {token} was used with other parameters")
        answer: Document = json.loads(row[1])
        return answer

    def add(self, resource: Resource) -> bool:
        """Store a new resource; return False if one with the same kind, parent and name exists."""
        now = time.time()
        created = resource.created or now
        with self.transaction() as connection:
            cursor = connection.execute(
                "INSERT OR IGNORE INTO resource (kind, name, arn, parent, status, approval, created, modified,"
                " document, internal, source, destination, type) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    resource.kind,
                    resource.name,
                    resource.arn,
                    resource.parent,
                    resource.status,
                    resource.approval,
                    created,
                    resource.modified or created,
                    json.dumps(resource.document),
                    json.dumps(resource.internal),
                    resource.source,
                    resource.destination,
                    resource.type,
                ),
            )
            return cursor.rowcount == 1

    def by_arn(self, arn: str) -> Resource | None:
        """Return the resource with this ARN, or None."""
        return self._one("arn = ?", (arn,))

    def change(self, arn: str, edit: Callable[[Document, Document], Mapping[str, str] | None]) -> Resource | None:
        """Let `edit` change a resource's document and internal document in place, in one transaction.

        Parameters
        ----------
        arn : str
        edit : callable
            Takes both documents; returns new values of the columns ``status`` and ``approval``, or None.

        Returns
        -------
        Resource or None
            The changed resource; None if no resource has this ARN.
        """
        with self.transaction() as connection:
            resource = self.by_arn(arn)
            if resource is None:
                return None
            columns = edit(resource.document, resource.internal) or {}
            connection.execute(
                "UPDATE resource SET document = ?, internal = ?, modified = ?, status = ?, approval = ?"
                " WHERE number = ?",
                (
                    json.dumps(resource.document),
                    json.dumps(resource.internal),
                    resource.document.get("LastModifiedTime", time.time()),
                    columns.get("status", resource.status),
                    columns.get("approval", resource.approval),
                    resource.number,
                ),
            )
            return self.by_arn(arn)

    def remove(self, arn: str) -> None:
        """Delete a resource and its tags."""
        with self.transaction() as connection:
            connection.execute("DELETE FROM resource WHERE arn = ?", (arn,))
            connection.execute("DELETE FROM tag WHERE arn = ?", (arn,))

    def page(self, query: Query) -> tuple[Sequence[Resource], str | None]:
        """Return a page of resources and the token of the next page, None at the end.

        Raises
        ------
        ValidationError
            If this store did not issue the token.
        """
        conditions = ["kind = ?", *query.where]
        values: list[Any] = [query.kind, *query.where.values()]
        if query.token:
            last_value, last_number = decode_token(query.token)
            conditions.append(f"({query.sort_by}, number) {'<' if query.descending else '>'} (?, ?)")
            values += [last_value, last_number]
        direction = "DESC" if query.descending else "ASC"
        order = f"ORDER BY {query.sort_by} {direction}, number {direction}"
        rows = self._connection.execute(
            f"SELECT {_COLUMNS}, {query.sort_by} FROM resource WHERE number IN"  # noqa: S608 - names are the code's own
            # Numbers are found and sorted first, so that only the page's own documents are read or moved.
            f" (SELECT number FROM resource WHERE {' AND '.join(conditions)} {order} LIMIT ?) {order}",
            (*values, query.limit + 1),
        ).fetchall()
        shown = rows[: query.limit]
        token = None if len(rows) <= query.limit else encode_token(shown[-1][-1], shown[-1][0])
        return [_resource(row[:-1]) for row in shown], token

    def every(self, kind: str, **columns: str) -> Sequence[Resource]:
        """Return all resources of a kind whose columns have these values, oldest first."""
        where = {f"{name} = ?": value for name, value in columns.items()}
        resources, _ = self.page(Query(kind, where, descending=False, limit=10**9))
        return resources

    def tags(self, arn: str) -> dict[str, str]:
        """Return the tags of a resource, sorted by key."""
        return dict(self._connection.execute("SELECT key, value FROM tag WHERE arn = ? ORDER BY key", (arn,)))

    def tags_of_kind(self, kind: str) -> dict[str, dict[str, str]]:
        """Return the tags of all resources of a kind, by ARN."""
        found: dict[str, dict[str, str]] = {}
        rows = self._connection.execute(
            "SELECT tag.arn, key, value FROM tag JOIN resource USING (arn) WHERE kind = ? ORDER BY key", (kind,)
        )
        for arn, key, value in rows:
            found.setdefault(arn, {})[key] = value
        return found

    def tag(self, arn: str, tags: Mapping[str, str]) -> None:
        """Add tags to a resource; a tag with the same key is replaced."""
        with self.transaction() as connection:
            connection.executemany(
                "INSERT OR REPLACE INTO tag (arn, key, value) VALUES (?, ?, ?)",
                [(arn, key, value) for key, value in tags.items()],
            )

    def untag(self, arn: str, keys: Sequence[str]) -> None:
        """Remove tags from a resource."""
        with self.transaction() as connection:
            connection.executemany("DELETE FROM tag WHERE arn = ? AND key = ?", [(arn, key) for key in keys])

    def _one(self, condition: str, values: tuple[str, ...]) -> Resource | None:
        row = self._connection.execute(
            f"SELECT {_COLUMNS} FROM resource WHERE {condition}",  # noqa: S608 - the condition is the code's own
            values,
        ).fetchone()
        return _resource(row) if row else None


def _resource(row: tuple[Any, ...]) -> Resource:
    """Return a row's resource; by position and without parsing what is empty, since a page has up to 100."""
    number, kind, name, arn, parent, status, approval, created, modified, document, internal, *ends = row
    hidden = {} if internal == "{}" else json.loads(internal)
    return Resource(
        kind, name, arn, json.loads(document), hidden, parent, status, approval, created, modified, number, *ends
    )


def _digest(request: Document) -> str:
    return hashlib.sha256(json.dumps(request, sort_keys=True).encode()).hexdigest()


def encode_token(value: Any, number: int) -> str:
    """Return the token of the page after the row with this sort value and number."""
    return base64.urlsafe_b64encode(json.dumps([value, number]).encode()).decode()


def decode_token(token: str) -> tuple[Any, int]:
    """Return the sort value and the number that a token was made from.

    Raises
    ------
    ValidationError
        If the token was not issued by a store.
    """
    try:
        value, number = json.loads(base64.urlsafe_b64decode(token))
        return value, int(number)
    except (binascii.Error, ValueError, TypeError) as error:
        raise ValidationError(f"Invalid NextToken '{token[:80]}': pass the one that the last page returned") from error

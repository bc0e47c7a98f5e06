"""Log groups."""

import re
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from localaws.api_errors import UnsupportedOperation, ValidationError
from localaws.document import Document
from localaws.service.context import Context
from localaws.services.logs.errors import (
    InvalidParameter,
    LimitExceeded,
    ResourceAlreadyExists,
    ResourceNotFound,
)
from localaws.services.logs.event_file import EventFile
from localaws.storage.store import Query, Resource, decode_token

KIND = "logs/log-group"
DAY_MILLISECONDS = 86_400_000
_MOST = 50
_MOST_TAGS = 50
# PutRetentionPolicy in the API Reference.
_RETENTIONS = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653)
_KEY_ARN = re.compile(r"arn:aws[\w-]*:kms:[\w-]+:\d{12}:(key|alias)/.+")


@dataclass(frozen=True)
class Group:
    """A log group.

    Attributes
    ----------
    key : str
        What its streams are kept under; a group that is made anew under the same name has another one.
    """

    name: str
    arn: str
    key: str
    document: Mapping[str, Any]

    @property
    def retention_days(self) -> int | None:
        """Return after how many days its events vanish; None for never."""
        return self.document.get("retentionInDays")

    def horizon(self, now: int) -> int:
        """Return the time, in milliseconds, before which its events have vanished."""
        return now - self.retention_days * DAY_MILLISECONDS if self.retention_days else 0


def milliseconds() -> int:
    """Return the time in milliseconds since the epoch."""
    return int(time.time() * 1000)


class Groups:
    """The log groups of an account.

    Parameters
    ----------
    context : Context
    file : EventFile
    """

    def __init__(self, context: Context, file: EventFile) -> None:
        self._context, self._store, self._file = context, context.store, file

    def create(self, request: Document) -> Document:
        """Create a group (CreateLogGroup)."""
        name = request["logGroupName"]
        if name.startswith("aws/"):
            raise InvalidParameter("Log groups starting with aws/ are reserved for AWS.")
        if request.get("kmsKeyId"):
            _check_key(request["kmsKeyId"])
        tags = request.get("tags", {})
        _check_tags(tags)
        arn = self.arn(name)
        document = {
            "logGroupName": name,
            "creationTime": milliseconds(),
            "arn": f"{arn}:*",
            "logGroupArn": arn,
            "logGroupClass": request.get("logGroupClass", "STANDARD"),
            "deletionProtectionEnabled": request.get("deletionProtectionEnabled", False),
            "kmsKeyId": request.get("kmsKeyId"),
        }
        internal = {"key": uuid.uuid4().hex}
        with self._store.transaction():
            if not self._store.add(Resource(KIND, name, arn, document, internal)):
                raise ResourceAlreadyExists("The specified log group already exists")
            self._store.tag(arn, tags)
        return {}

    def delete(self, request: Document) -> Document:
        """Delete a group with all that belongs to it (DeleteLogGroup)."""
        group = self.get(request["logGroupName"])
        if group.document.get("deletionProtectionEnabled"):
            raise ValidationError(f"Log group {group.name} has deletion protection enabled: disable it first.")
        with self._store.transaction() as connection:
            for (arn,) in connection.execute("SELECT arn FROM resource WHERE parent = ?", (group.arn,)).fetchall():
                self._store.remove(arn)
            self._store.remove(group.arn)
        # A kill before this leaves streams of no group, which the sweeper finds.
        self._file.remove_streams(group.key)
        return {}

    def describe(self, request: Document) -> Document:
        """Return a page of groups, ordered by name (DescribeLogGroups)."""
        for member in ("accountIdentifiers", "includeLinkedAccounts"):
            if request.get(member):
                raise UnsupportedOperation(f"{member} of DescribeLogGroups is not supported by local AWS")
        prefix, pattern = request.get("logGroupNamePrefix"), request.get("logGroupNamePattern")
        if prefix and pattern:
            raise InvalidParameter("Both logGroupNamePrefix and logGroupNamePattern are given: give one of them.")
        where: dict[str, Any] = {}
        if prefix:
            where = {"name >= ?": prefix, "name < ?": f"{prefix}\U0010ffff"}
        elif pattern:
            where = {"instr(name, ?) > 0": pattern}
        if request.get("logGroupIdentifiers"):
            names = [self.name_of(identifier) for identifier in request["logGroupIdentifiers"]]
            where |= {"instr(?, char(10) || name || char(10)) > 0": "\n" + "\n".join(names) + "\n"}
        if request.get("logGroupClass"):
            where |= {"json_extract(document, '$.logGroupClass') = ?": request["logGroupClass"]}
        query = Query(KIND, where, "name", descending=False, limit=request.get("limit") or _MOST)
        found, token = self._store.page(_continued(query, request))
        return {"logGroups": [self._shown(each) for each in found], "nextToken": token}

    def get(self, identifier: str) -> Group:
        """Return a group by its name or its ARN.

        Raises
        ------
        ResourceNotFound
        """
        found = self._store.by_arn(self.arn(self.name_of(identifier)))
        if found is None:
            raise ResourceNotFound("The specified log group does not exist.")
        return _group(found)

    def of_request(self, request: Document) -> Group:
        """Return the group that a request names by ``logGroupName`` or by ``logGroupIdentifier``."""
        given = [request[member] for member in ("logGroupName", "logGroupIdentifier") if request.get(member)]
        if len(given) != 1:
            raise InvalidParameter("Exactly one of logGroupName and logGroupIdentifier has to be given.")
        return self.get(given[0])

    def every(self) -> list[Group]:
        """Return all groups."""
        return [_group(found) for found in self._store.every(KIND)]

    def arn(self, name: str) -> str:
        """Return the ARN of a group of this account."""
        return self._context.arn("logs", f"log-group:{name}")

    def name_of(self, identifier: str) -> str:
        """Return the name in a name or an ARN.

        Raises
        ------
        ResourceNotFound
            The ARN is another account's.
        """
        if not identifier.startswith("arn:"):
            return identifier
        beginning, own = self.arn(""), identifier.removesuffix(":*")
        if not own.startswith(beginning):
            raise ResourceNotFound(f"The specified log group does not exist: {identifier}")
        return own.removeprefix(beginning)

    def put_retention(self, request: Document) -> Document:
        """Say after how many days events vanish (PutRetentionPolicy)."""
        days = request["retentionInDays"]
        if days not in _RETENTIONS:
            allowed = ", ".join(map(str, _RETENTIONS))
            raise InvalidParameter(f"Invalid retention value {days}. Valid values are: [{allowed}]")
        return self._edit(request["logGroupName"], retentionInDays=days)

    def delete_retention(self, request: Document) -> Document:
        """Have events stay (DeleteRetentionPolicy)."""
        return self._edit(request["logGroupName"], retentionInDays=None)

    def put_deletion_protection(self, request: Document) -> Document:
        """Protect a group against deletion, or no longer (PutLogGroupDeletionProtection)."""
        enabled = request["deletionProtectionEnabled"]
        return self._edit(request["logGroupIdentifier"], deletionProtectionEnabled=enabled)

    def associate_key(self, request: Document) -> Document:
        """Name a KMS key (AssociateKmsKey)."""
        _check_key(request["kmsKeyId"])
        return self._edit(self._keyed(request).name, kmsKeyId=request["kmsKeyId"])

    def disassociate_key(self, request: Document) -> Document:
        """Name no KMS key any more (DisassociateKmsKey)."""
        return self._edit(self._keyed(request).name, kmsKeyId=None)

    def tag(self, request: Document) -> Document:
        """Add tags by the group's name (TagLogGroup)."""
        return self._tag(self.get(request["logGroupName"]), request["tags"])

    def untag(self, request: Document) -> Document:
        """Remove tags by the group's name (UntagLogGroup)."""
        self._store.untag(self.get(request["logGroupName"]).arn, request["tags"])
        return {}

    def tags(self, request: Document) -> Document:
        """Return tags by the group's name (ListTagsLogGroup)."""
        return {"tags": self._store.tags(self.get(request["logGroupName"]).arn)}

    def tag_resource(self, request: Document) -> Document:
        """Add tags (TagResource)."""
        return self._tag(self._tagged(request), request["tags"])

    def untag_resource(self, request: Document) -> Document:
        """Remove tags (UntagResource)."""
        self._store.untag(self._tagged(request).arn, request["tagKeys"])
        return {}

    def tags_of_resource(self, request: Document) -> Document:
        """Return tags (ListTagsForResource)."""
        return {"tags": self._store.tags(self._tagged(request).arn)}

    def _tag(self, group: Group, tags: Mapping[str, str]) -> Document:
        _check_tags({**self._store.tags(group.arn), **tags})
        self._store.tag(group.arn, tags)
        return {}

    def _tagged(self, request: Document) -> Group:
        """Return the group of an ARN without ``:*``, as AWS wants it here."""
        arn: str = request["resourceArn"]
        if not arn.startswith(self.arn("")) or arn.endswith(":*"):
            raise InvalidParameter(f"ResourceArn {arn} is not valid: {self.arn('NAME')} is a log group's.")
        return self.get(arn)

    def _keyed(self, request: Document) -> Group:
        identifier = request.get("resourceIdentifier")
        if identifier and ":query-result:" in identifier:
            raise UnsupportedOperation("Keys of query results are not supported by local AWS")
        return self.get(identifier) if identifier else self.of_request(request)

    def _edit(self, identifier: str, **members: Any) -> Document:
        group = self.get(identifier)

        def edit(document: Document, _internal: Document) -> None:
            document.update(members)

        self._store.change(group.arn, edit)
        return {}

    def _shown(self, found: Resource) -> Document:
        group = _group(found)
        filters = self._store.rows(
            "SELECT count(*) FROM resource WHERE kind = 'logs/metric-filter' AND parent = ?", group.arn
        )
        stored = {"storedBytes": self._file.bytes_of(group.key), "metricFilterCount": filters[0][0]}
        return {name: value for name, value in {**group.document, **stored}.items() if value is not None}


def _group(found: Resource) -> Group:
    return Group(found.name, found.arn, found.internal["key"], found.document)


def _continued(query: Query, request: Document) -> Query:
    if not request.get("nextToken"):
        return query
    check_token(request["nextToken"])
    return Query(query.kind, query.where, query.sort_by, query.descending, query.limit, request["nextToken"])


def check_token(token: str) -> None:
    """Refuse a token of a list that was not issued here, in the service's words."""
    try:
        decode_token(token)
    except Exception as error:
        raise InvalidParameter("The specified nextToken is invalid.") from error


def _check_key(arn: str) -> None:
    if not _KEY_ARN.fullmatch(arn):
        raise InvalidParameter(f"The specified KMS key '{arn}' is not the ARN of a key.")


def _check_tags(tags: Mapping[str, str]) -> None:
    if len(tags) > _MOST_TAGS:
        raise LimitExceeded(f"A log group has at most {_MOST_TAGS} tags; this would be {len(tags)}.")

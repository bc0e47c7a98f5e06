"""Log streams."""

from typing import Any

from localaws.document import Document
from localaws.services.logs.errors import InvalidParameter, ResourceAlreadyExists, ResourceNotFound
from localaws.services.logs.event_file import EventFile, Stream
from localaws.services.logs.groups import Group, Groups, check_token, milliseconds
from localaws.storage.store import decode_token, encode_token

_MOST = 50
_LAST_NAME = "\U0010ffff"


class Streams:
    """The log streams of an account.

    Parameters
    ----------
    groups : Groups
    file : EventFile
    """

    def __init__(self, groups: Groups, file: EventFile) -> None:
        self._groups, self._file = groups, file

    def create(self, request: Document) -> Document:
        """Create a stream (CreateLogStream)."""
        group = self._groups.get(request["logGroupName"])
        if not self._file.create_stream(group.key, request["logStreamName"], milliseconds()):
            raise ResourceAlreadyExists("The specified log stream already exists")
        return {}

    def delete(self, request: Document) -> Document:
        """Delete a stream with its events (DeleteLogStream)."""
        group = self._groups.get(request["logGroupName"])
        if not self._file.remove_streams(group.key, request["logStreamName"]):
            raise ResourceNotFound("The specified log stream does not exist.")
        return {}

    def describe(self, request: Document) -> Document:
        """Return a page of a group's streams, ordered by name or by their last event (DescribeLogStreams)."""
        group = self._groups.of_request(request)
        by_time, prefix = request.get("orderBy") == "LastEventTime", request.get("logStreamNamePrefix")
        if by_time and prefix:
            raise InvalidParameter("Cannot order by LastEventTime with a logStreamNamePrefix.")
        column, limit = ("ifnull(last, 0)" if by_time else "name"), request.get("limit") or _MOST
        direction, beyond = ("DESC", "<") if request.get("descending") else ("ASC", ">")
        conditions = ["owner = ?"]
        values: list[Any] = [group.key]
        if prefix:
            conditions.append("name >= ? AND name < ?")
            values += [prefix, f"{prefix}{_LAST_NAME}"]
        if token := request.get("nextToken"):
            check_token(token)
            conditions.append(f"({column}, number) {beyond} (?, ?)")
            values += decode_token(token)
        order = f"ORDER BY {column} {direction}, number {direction} LIMIT ?"
        found = self._file.streams(f"{' AND '.join(conditions)} {order}", *values, limit + 1)
        shown, after = found[:limit], None
        if len(found) > limit:
            after = encode_token(shown[-1].last or 0 if by_time else shown[-1].name, shown[-1].number)
        return {"logStreams": [_document(group, each) for each in shown], "nextToken": after}

    def get(self, group: Group, name: str) -> Stream:
        """Return a group's stream of a name.

        Raises
        ------
        ResourceNotFound
        """
        found = self._file.stream(group.key, name)
        if found is None:
            raise ResourceNotFound("The specified log stream does not exist.")
        return found


def _document(group: Group, stream: Stream) -> Document:
    document = {
        "logStreamName": stream.name,
        "creationTime": stream.created,
        "firstEventTimestamp": stream.first,
        "lastEventTimestamp": stream.last,
        "lastIngestionTime": stream.ingested,
        "uploadSequenceToken": str(stream.number),
        "arn": f"{group.arn}:log-stream:{stream.name}",
        # AWS has not said since 2019 how much a stream holds.
        "storedBytes": 0,
    }
    return {name: value for name, value in document.items() if value is not None}

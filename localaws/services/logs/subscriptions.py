"""Subscription filters: events that match a pattern are sent to a Lambda function, at least once.

A function gets them as AWS sends them: JSON, compressed with gzip, in base64. A function that is not there, or refuses,
loses them, with a line in the server's log; one that cannot be reached gets them later.
"""

import base64
import gzip
import json
import logging
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from botocore.exceptions import ClientError

from localaws.api_errors import UnsupportedOperation
from localaws.document import Document
from localaws.service.context import Context
from localaws.services.logs.errors import InvalidParameter
from localaws.services.logs.event_file import Event, EventFile
from localaws.services.logs.filtering import event_id
from localaws.services.logs.follower import Follower
from localaws.services.logs.group_filters import GroupFilters
from localaws.services.logs.groups import KIND as GROUP_KIND
from localaws.services.logs.groups import Group, Groups, milliseconds
from localaws.services.logs.patterns.pattern import Pattern, parse
from localaws.storage.store import Query, Resource

logger = logging.getLogger(__name__)

KIND = "logs/subscription-filter"
_MOST = 50
_MOST_OF_GROUP = 2
# An asynchronous invocation takes 1 MB since 2025, 256 kB in all regions before: messages of a call, before gzip.
_MOST_BYTES = 200_000
_SERVER_ERROR, _THROTTLED = 500, 429


class Subscriptions:
    """The subscription filters of an account.

    Parameters
    ----------
    context : Context
    groups : Groups
    file : EventFile
    """

    def __init__(self, context: Context, groups: Groups, file: EventFile) -> None:
        self._context, self._store, self._groups, self._file = context, context.store, groups, file
        self.follower = Follower("subscription filters", context.store, file, self._owners, self._react)
        self._filters = GroupFilters(
            KIND, "subscription filter", _MOST_OF_GROUP, "Resource limit exceeded.", context.store, file, self.follower
        )

    def put(self, request: Document) -> Document:
        """Create or replace a filter (PutSubscriptionFilter)."""
        for member in ("applyOnTransformedLogs", "fieldSelectionCriteria", "emitSystemFields"):
            if request.get(member):
                raise UnsupportedOperation(f"{member} of PutSubscriptionFilter is not supported by local AWS")
        group = self._groups.get(request["logGroupName"])
        parse(request["filterPattern"])
        self._check_destination(group, request["destinationArn"])
        members = ("filterName", "filterPattern", "destinationArn", "roleArn", "logGroupName")
        document = {name: request[name] for name in members if request.get(name) is not None}
        document |= {"distribution": request.get("distribution", "ByLogStream"), "creationTime": milliseconds()}
        self._filters.put(group, request["filterName"], document)
        return {}

    def delete(self, request: Document) -> Document:
        """Delete a filter (DeleteSubscriptionFilter)."""
        self._filters.delete(self._groups.get(request["logGroupName"]), request["filterName"])
        return {}

    def describe(self, request: Document) -> Document:
        """Return a page of a group's filters (DescribeSubscriptionFilters)."""
        group = self._groups.get(request["logGroupName"])
        where: dict[str, Any] = {"parent = ?": group.arn}
        if prefix := request.get("filterNamePrefix"):
            where |= {"name >= ?": prefix, "name < ?": f"{prefix}\U0010ffff"}
        limit, token = request.get("limit") or _MOST, request.get("nextToken")
        found, after = self._store.page(Query(KIND, where, "name", descending=False, limit=limit, token=token))
        return {"subscriptionFilters": [each.document for each in found], "nextToken": after}

    def _check_destination(self, group: Group, arn: str) -> None:
        if ":function:" not in arn or not arn.startswith("arn:aws:lambda:"):
            raise UnsupportedOperation(f"The destination {arn} is not supported by local AWS: Lambda functions are")
        function = arn.partition(":function:")[2].partition(":")[0]
        if group.name == f"/aws/lambda/{function}":
            raise UnsupportedOperation(f"{function} would be called for each line that it logs, without end")
        try:
            self._context.aws.client("lambda").get_function_configuration(FunctionName=arn)
        except ClientError as error:
            raise InvalidParameter(
                "Could not execute the lambda function. Make sure you have given CloudWatch Logs permission to execute"
                f" your function. ({error.response['Error']['Message']})"
            ) from error

    def _owners(self) -> Sequence[str]:
        rows = self._store.rows(
            "SELECT json_extract(internal, '$.key') FROM resource WHERE kind = ? AND arn IN"
            " (SELECT parent FROM resource WHERE kind = ?)",
            GROUP_KIND,
            KIND,
        )
        return [row[0] for row in rows]

    def _react(self, events: Mapping[int, Sequence[Event]]) -> Any:
        """Send new events; nothing is stored with them."""
        by_owner = {group.key: group for group in self._groups.every()}
        for number, new in events.items():
            for stream in self._file.streams("number = ?", number):
                group = by_owner.get(stream.owner)
                for each in self._store.every(KIND, parent=group.arn) if group else ():
                    self._send(each, stream.name, new)
        return lambda: None

    def _send(self, subscription: Resource, stream: str, events: Sequence[Event]) -> None:
        pattern, since = _pattern(subscription.document["filterPattern"]), subscription.internal["since"]
        wanted = [event for event in events if event.number > since and pattern.matches(event.message)]
        function = subscription.document["destinationArn"]
        for part in _parts(wanted):
            payload = self._payload(subscription, stream, part)
            try:
                self._context.aws.client("lambda").invoke(
                    FunctionName=function, InvocationType="Event", Payload=payload
                )
            except ClientError as error:
                status = error.response["ResponseMetadata"]["HTTPStatusCode"]
                if status >= _SERVER_ERROR or status == _THROTTLED:
                    raise
                logger.warning("%s log events for %s were lost: %s", len(part), function, error)

    def _payload(self, subscription: Resource, stream: str, events: Sequence[Event]) -> bytes:
        data = {
            "messageType": "DATA_MESSAGE",
            "owner": self._context.aws.account_id,
            "logGroup": subscription.document["logGroupName"],
            "logStream": stream,
            "subscriptionFilters": [subscription.name],
            "logEvents": [
                {"id": event_id(event), "timestamp": event.timestamp, "message": event.message} for event in events
            ],
        }
        packed = base64.b64encode(gzip.compress(json.dumps(data).encode(), compresslevel=1)).decode()
        return json.dumps({"awslogs": {"data": packed}}).encode()


@lru_cache(maxsize=1_000)
def _pattern(text: str) -> Pattern:
    return parse(text)


def _parts(events: Sequence[Event]) -> list[list[Event]]:
    """Return events in parts that an invocation takes."""
    parts: list[list[Event]] = []
    size = 0
    for event in events:
        if not parts or size + event.size > _MOST_BYTES:
            parts.append([])
            size = 0
        parts[-1].append(event)
        size += event.size
    return parts

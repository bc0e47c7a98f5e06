"""Queries: StartQuery answers at once, a thread of a pool reads the events, GetQueryResults shows what it found."""

import base64
import binascii
import logging
import threading
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

from localaws.api_errors import ApiError, UnsupportedOperation
from localaws.document import Document
from localaws.service.context import Context
from localaws.services.logs.errors import InvalidParameter, ResourceNotFound
from localaws.services.logs.event_file import Event, EventFile
from localaws.services.logs.filtering import streams_of
from localaws.services.logs.groups import Group, Groups, milliseconds
from localaws.services.logs.insights.commands import Query, TooMuchError
from localaws.services.logs.insights.fields import Row, text
from localaws.services.logs.insights.language import parse
from localaws.services.logs.reading import MOST_EVENTS, after, merged_page, span
from localaws.storage.store import Query as StoreQuery
from localaws.storage.store import Resource

logger = logging.getLogger(__name__)

KIND = "logs/query"
_AT_ONCE = 2
_MOST_KEPT = 100
_MOST_GROUPS = 50
_SAMPLE = 1_000
_MINUTE_MILLISECONDS = 60_000


class _StoppedError(Exception):
    """The query was stopped."""


@dataclass
class _Run:
    """A query that runs."""

    group_names: Sequence[str]
    start: int
    end: int
    stopped: threading.Event
    scanned: int = 0
    bytes: int = 0
    matched: int = 0

    def note_match(self) -> None:
        """Count an event that the query's filters let through."""
        self.matched += 1


class Queries:
    """The queries of an account.

    Parameters
    ----------
    context : Context
    groups : Groups
    file : EventFile
    """

    def __init__(self, context: Context, groups: Groups, file: EventFile) -> None:
        self._context, self._store, self._groups, self._file = context, context.store, groups, file
        self._pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="logs query")
        self._running: dict[str, _Run] = {}

    def recover(self) -> None:
        """End the queries of the last server: their thread is gone."""
        for found in self._store.every(KIND):
            if found.document["status"] in ("Scheduled", "Running") and found.name not in self._running:
                self._end(found.name, "Failed")

    def close(self) -> None:
        """Stop what runs."""
        for run in list(self._running.values()):
            run.stopped.set()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def start(self, request: Document) -> Document:
        """Begin a query (StartQuery)."""
        if request.get("queryLanguage", "CWLI") != "CWLI":
            raise UnsupportedOperation(f"queryLanguage {request['queryLanguage']} is not supported by local AWS")
        query = parse(request["queryString"], request.get("limit"))
        names = self._names(request)
        if request["endTime"] < request["startTime"]:
            raise InvalidParameter("End time should not be before start time.")
        query_id = str(uuid.uuid4())
        document = {
            "queryId": query_id,
            "queryString": request["queryString"],
            "status": "Scheduled",
            "createTime": milliseconds(),
            "logGroupName": names[0],
            "queryLanguage": "CWLI",
        }
        with self._store.transaction():
            self._store.add(Resource(KIND, query_id, self._arn(query_id), document))
            for old in self._store.every(KIND)[:-_MOST_KEPT]:
                self._store.remove(old.arn)
        run = _Run(
            names, _in_milliseconds(request["startTime"]), _in_milliseconds(request["endTime"]), threading.Event()
        )
        self._running[query_id] = run
        self._pool.submit(self._run, query_id, query, run)
        return {"queryId": query_id}

    def results(self, request: Document) -> Document:
        """Return what a query has found (GetQueryResults)."""
        found = self._get(request["queryId"])
        return {"status": found.document["status"], "queryLanguage": "CWLI", **found.internal}

    def stop(self, request: Document) -> Document:
        """Stop a query (StopQuery)."""
        query_id = request["queryId"]
        if self._get(query_id).document["status"] not in ("Scheduled", "Running"):
            raise InvalidParameter(f"Query {query_id} is not running: it has ended.")
        run = self._running.get(query_id)
        if run is not None:
            run.stopped.set()
        self._end(query_id, "Cancelled")
        return {"success": True}

    def describe(self, request: Document) -> Document:
        """Return a page of queries, the latest first (DescribeQueries)."""
        where: dict[str, Any] = {}
        for member, name in (
            ("logGroupName", "logGroupName"),
            ("status", "status"),
            ("queryLanguage", "queryLanguage"),
        ):
            if request.get(member):
                where[f"json_extract(document, '$.{name}') = ?"] = request[member]
        limit, token = request.get("maxResults") or _MOST_KEPT, request.get("nextToken")
        found, next_token = self._store.page(StoreQuery(KIND, where, limit=limit, token=token))
        return {"queries": [each.document for each in found], "nextToken": next_token}

    def record(self, request: Document) -> Document:
        """Return all fields of an event (GetLogRecord)."""
        try:
            number = int(base64.urlsafe_b64decode(request["logRecordPointer"]))
        except (ValueError, binascii.Error):
            number = 0
        event = self._file.event(number)
        streams = self._file.streams("number = ?", event.stream) if event is not None else []
        group = next((each for each in self._groups.every() if streams and each.key == streams[0].owner), None)
        if event is None or group is None:
            raise InvalidParameter("Invalid logRecordPointer provided.")
        found = self._row(event, streams[0].name, group)
        return {"logRecord": {name: text(found.get(name)) for name in found.names()}}

    def fields(self, request: Document) -> Document:
        """Return the fields of a group's latest events, and in how many of them they are (GetLogGroupFields)."""
        group, at = self._groups.of_request(request), request.get("time")
        now, width = milliseconds(), 15 * _MINUTE_MILLISECONDS
        start = now - width if at is None else _in_milliseconds(at) - width // 2
        end = now + _MINUTE_MILLISECONDS if at is None else start + width
        streams = streams_of(self._file, group, start, end)
        wanted = replace(span(start, end), newest_first=True)
        found = merged_page(self._file, streams, wanted, _SAMPLE, lambda _: True).events
        counts = Counter(name for event in found for name in set(self._row(event, "s", group).names()))
        shares = [{"name": name, "percent": 100 * count // len(found)} for name, count in counts.most_common()]
        return {"logGroupFields": shares}

    def _names(self, request: Document) -> Sequence[str]:
        given = [name for name in ("logGroupName", "logGroupNames", "logGroupIdentifiers") if request.get(name)]
        if len(given) != 1:
            raise InvalidParameter(
                "Exactly one of logGroupName, logGroupNames and logGroupIdentifiers has to be given."
            )
        named = request[given[0]]
        names = [named] if isinstance(named, str) else named
        if len(names) > _MOST_GROUPS:
            raise InvalidParameter(f"A query reads at most {_MOST_GROUPS} log groups.")
        return [self._groups.get(name).name for name in names]

    def _run(self, query_id: str, query: Query, run: _Run) -> None:
        try:
            self._change(query_id, "Running")
            shown = [*query.shown, "@ptr"] if query.has_records else query.shown
            found = [
                [
                    {"field": name, "value": text(value)}
                    for name in dict.fromkeys(shown)
                    if (value := each.get(name)) is not None
                ]
                for each in query.run(self._rows(run), run.note_match)
            ]
            statistics = {
                "recordsMatched": float(run.matched),
                "recordsScanned": float(run.scanned),
                "bytesScanned": float(run.bytes),
            }
            self._end(query_id, "Complete", {"results": found, "statistics": statistics})
        except _StoppedError:
            self._end(query_id, "Cancelled")
        except (TooMuchError, ApiError) as error:
            logger.warning("Query %s failed: %s", query_id, error)
            self._end(query_id, "Failed")
        except Exception:
            logger.exception("Query %s failed", query_id)
            self._end(query_id, "Failed")
        finally:
            self._running.pop(query_id, None)

    def _rows(self, run: _Run) -> Iterator[Row]:
        """Yield the rows of all events of a query, the latest first."""
        groups = [self._groups.get(name) for name in run.group_names]
        by_key, now = {group.key: group for group in groups}, milliseconds()
        start = max(run.start, min(group.horizon(now) for group in groups))
        # The end is inclusive.
        wanted = replace(span(start, run.end + 1), newest_first=True)
        streams = [each for group in groups for each in streams_of(self._file, group, start, run.end)]
        by_number = {stream.number: stream for stream in streams}
        horizons = {group.key: group.horizon(now) for group in groups}
        while True:
            found = merged_page(self._file, streams, wanted, MOST_EVENTS, lambda _: True)
            for event in found.events:
                stream = by_number[event.stream]
                if event.timestamp >= horizons[stream.owner]:
                    run.scanned += 1
                    run.bytes += event.size
                    yield self._row(event, stream.name, by_key[stream.owner])
            if run.stopped.is_set():
                raise _StoppedError
            if found.last is None:
                return
            wanted = after(wanted, found.last)

    def _row(self, event: Event, stream: str, group: Group) -> Row:
        return Row({"@logStream": stream, "@log": f"{self._context.aws.account_id}:{group.name}"}, event)

    def _get(self, query_id: str) -> Resource:
        found = self._store.by_arn(self._arn(query_id))
        if found is None:
            raise ResourceNotFound(f"The specified query does not exist: {query_id}")
        return found

    def _arn(self, query_id: str) -> str:
        return self._context.arn("logs", f"query:{query_id}")

    def _change(self, query_id: str, status: str, results: Document | None = None) -> None:
        def edit(document: Document, internal: Document) -> None:
            if document["status"] in ("Scheduled", "Running"):
                document["status"] = status
                internal.update(results or {"results": []})

        self._store.change(self._arn(query_id), edit)

    def _end(self, query_id: str, status: str, results: Document | None = None) -> None:
        self._change(query_id, status, results)


def _in_milliseconds(moment: int) -> int:
    """Return a time of StartQuery: seconds, or milliseconds, as AWS takes both."""
    return moment if moment > 10**11 else moment * 1000

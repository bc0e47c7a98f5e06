"""Logs that are streams of CloudWatch Logs: of SageMaker's jobs and endpoints, builds and functions."""

import heapq
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from localaws.command.logs.log import Clients, Entry, Kind, Log, asked

_IN_PROGRESS = ("InProgress", "Stopping")


class Streams:
    """The streams of a group whose names begin alike, read together in the order of time.

    Parameters
    ----------
    logs : client of CloudWatch Logs
    group, prefix : str
    since : datetime or None
    with_names : bool
        Whether a line begins with its stream's name, without the prefix, when there are several.
    """

    def __init__(self, logs: Any, group: str, prefix: str, since: datetime | None, with_names: bool = True) -> None:
        self._logs, self._group, self._prefix, self._with_names = logs, group, prefix, with_names
        self._start = {} if since is None else {"startTime": int(since.timestamp() * 1000)}
        self._tokens: dict[str, str] = {}

    def new_lines(self) -> Iterator[str]:
        """Yield the lines since the last call."""
        streams = self._streams()
        named = self._with_names and len(streams) > 1
        events = heapq.merge(*(self._events(stream) for stream in streams), key=lambda event: event[1]["timestamp"])
        for stream, event in events:
            place = f"{stream.removeprefix(self._prefix)}  " if named else ""
            yield f"{place}{str(event['message']).rstrip()}"

    def _events(self, stream: str) -> Iterator[tuple[str, Any]]:
        place = {"logGroupName": self._group, "logStreamName": stream, "startFromHead": True, **self._start}
        while True:
            after = {"nextToken": self._tokens[stream]} if stream in self._tokens else {}
            answer = asked(self._logs.get_log_events, **place, **after)
            if answer is None:  # it has been deleted
                return
            yield from ((stream, event) for event in answer["events"])
            if self._tokens.get(stream) == answer["nextForwardToken"]:
                return
            self._tokens[stream] = answer["nextForwardToken"]

    def _streams(self) -> list[str]:
        find = self._logs.get_paginator("describe_log_streams").paginate
        prefix = {"logStreamNamePrefix": self._prefix} if self._prefix else {}
        pages = asked(lambda: list(find(logGroupName=self._group, **prefix)))
        return sorted(stream["logStreamName"] for page in pages or () for stream in page["logStreams"])


def job_kind(noun: str, operation: str, service: str = "sagemaker") -> Kind:
    """Return a kind of jobs with an API and a log group as SageMaker's: ``Training``, ``training``."""

    def described(clients: Clients, name: str) -> Any:
        describe = getattr(clients(service), f"describe_{operation}_job")
        return asked(describe, **{f"{noun}JobName": name})

    def find(clients: Clients, name: str, since: datetime | None) -> Log | None:
        job = described(clients, name)
        if job is None:
            return None
        own = job[f"{noun}JobName"]
        streams = Streams(clients("logs"), f"/aws/{service}/{noun}Jobs", f"{own}/", since)
        return Log(own, streams.new_lines, lambda: _has_ended(described(clients, own), f"{noun}JobStatus"))

    def latest(clients: Clients, most: int) -> Iterator[Entry]:
        answer = getattr(clients(service), f"list_{operation}_jobs")(
            SortBy="CreationTime", SortOrder="Descending", MaxResults=most
        )
        for job in answer[f"{noun}JobSummaries"]:
            yield Entry(job["CreationTime"], job[f"{noun}JobStatus"], job[f"{noun}JobName"])

    return Kind(operation, find, latest)


def _has_ended(description: Mapping[str, Any] | None, member: str) -> bool:
    return description is None or description[member] not in _IN_PROGRESS


def find_build(clients: Clients, name: str, since: datetime | None) -> Log | None:
    """Find a build of CodeBuild by its id, or the latest of a project by the project's name."""
    build = _build(clients, name)
    if build is None:
        return None
    place, own = build.get("logs", {}), build["id"]
    new_lines = (
        Streams(clients("logs"), place["groupName"], place["streamName"], since).new_lines
        if "groupName" in place
        else lambda: ()
    )
    return Log(own, new_lines, lambda: (_build(clients, own) or {"buildComplete": True})["buildComplete"])


def _build(clients: Clients, name: str) -> Any:
    codebuild = clients("codebuild")
    if ":" not in name:
        answer = asked(codebuild.list_builds_for_project, projectName=name, sortOrder="DESCENDING")
        if not answer or not answer["ids"]:
            return None
        name = answer["ids"][0]
    found = asked(codebuild.batch_get_builds, ids=[name])
    return next(iter(found["builds"] if found else ()), None)


def latest_builds(clients: Clients, most: int) -> Iterator[Entry]:
    """Yield the latest builds."""
    ids = clients("codebuild").list_builds(sortOrder="DESCENDING")["ids"][:most]
    for build in clients("codebuild").batch_get_builds(ids=ids)["builds"] if ids else ():
        yield Entry(build["startTime"], build["buildStatus"], build["id"])


def find_function(clients: Clients, name: str, since: datetime | None) -> Log | None:
    """Find a function of Lambda; its log is never over."""
    config = asked(clients("lambda").get_function_configuration, FunctionName=name)
    if config is None:
        return None
    own = config["FunctionName"]
    group = config.get("LoggingConfig", {}).get("LogGroup") or f"/aws/lambda/{own}"
    return Log(own, Streams(clients("logs"), group, "", since, with_names=False).new_lines, lambda: False)


def latest_functions(clients: Clients, most: int) -> list[Entry]:
    """Return the functions that were changed last."""
    pages = clients("lambda").get_paginator("list_functions").paginate()
    functions = [function for page in pages for function in page["Functions"]]
    functions.sort(key=lambda function: str(function["LastModified"]), reverse=True)
    return [
        Entry(datetime.fromisoformat(each["LastModified"]), each.get("State", "Active"), each["FunctionName"])
        for each in functions[:most]
    ]


def find_endpoint(clients: Clients, name: str, since: datetime | None) -> Log | None:
    """Find an endpoint of SageMaker, or a variant of it; the log of one that is deleted is over."""
    endpoint, _, variant = name.partition("/")
    describe = clients("sagemaker").describe_endpoint
    found = asked(describe, EndpointName=endpoint)
    if found is None:
        return None
    own = found["EndpointName"]
    variants = {each["VariantName"] for each in found.get("ProductionVariants", ())}
    if variant and variant not in variants:
        return None
    group, prefix = f"/aws/sagemaker/Endpoints/{own}", f"{variant}/" if variant else ""
    streams = Streams(clients("logs"), group, prefix, since)
    return Log(name, streams.new_lines, lambda: asked(describe, EndpointName=own) is None)


def latest_endpoints(clients: Clients, most: int) -> Iterator[Entry]:
    """Yield the latest endpoints."""
    answer = clients("sagemaker").list_endpoints(SortBy="CreationTime", SortOrder="Descending", MaxResults=most)
    for endpoint in answer["Endpoints"]:
        yield Entry(endpoint["CreationTime"], endpoint["EndpointStatus"], endpoint["EndpointName"])

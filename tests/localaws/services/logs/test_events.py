"""Events: what is written, what is read, page by page, and what vanishes."""

import random
from typing import Any

import pytest

from localaws.api_errors import ApiError
from localaws.services.logs.event_file import EventFile
from localaws.services.logs.reading import merged_page, span
from tests.localaws.services.logs.conftest import LogsBench, Start, now

HOUR = 3_600_000
DAY = 24 * HOUR


def refused(logs: LogsBench, operation: str, **request: Any) -> str:
    with pytest.raises(ApiError) as error:
        logs.call(operation, **request)
    return f"{error.value.code}: {error.value.message}"


def put(logs: LogsBench, *timestamps: int, message: str = "m") -> dict[str, Any]:
    events = [{"timestamp": at, "message": message} for at in timestamps]
    return logs.call("PutLogEvents", logGroupName="g", logStreamName="s", logEvents=events)


def test_groups_and_streams_have_awss_words(logs: LogsBench) -> None:
    there = {"logGroupName": "g", "logStreamName": "s"}
    gone = {"logGroupName": "gone", "logStreamName": "s"}
    exists, missing = (
        "ResourceAlreadyExistsException: The specified log",
        "ResourceNotFoundException: The specified log",
    )
    assert refused(logs, "CreateLogGroup", logGroupName="g") == f"{exists} group already exists"
    assert refused(logs, "CreateLogStream", **there) == f"{exists} stream already exists"
    for operation in ("CreateLogStream", "GetLogEvents", "DeleteLogStream"):
        assert refused(logs, operation, **gone) == f"{missing} group does not exist."
    assert refused(logs, "GetLogEvents", **{**there, "logStreamName": "x"}) == f"{missing} stream does not exist."
    assert refused(logs, "CreateLogGroup", logGroupName="aws/x").startswith("InvalidParameterException")
    assert refused(logs, "PutRetentionPolicy", logGroupName="g", retentionInDays=2).startswith("InvalidParameter")
    assert refused(logs, "StartLiveTail", logGroupIdentifiers=["g"]).startswith("UnsupportedOperation: StartLiveTail")


def test_a_batch_has_awss_limits(logs: LogsBench) -> None:
    at = now() - DAY
    assert "chronological order" in refused_events(logs, [(at + 1, "b"), (at, "a")])
    assert "cannot span more than 24 hours" in refused_events(logs, [(at - DAY, "a"), (at + 1, "b")])
    assert "1048577 bytes exceeds limit of 1048576" in refused_events(logs, [(at, "x" * (1_048_576 - 25))])
    assert "length less than or equal to 10000" in refused_events(logs, [(at, "x")] * 10_001)
    assert "length greater than or equal to 1" in refused_events(logs, [(at, "")])
    put(logs, at, message="ä" * ((1_048_576 - 26) // 2))
    put(logs, *[at] * 10_000)


def refused_events(logs: LogsBench, events: list[tuple[int, str]]) -> str:
    found = [{"timestamp": at, "message": message} for at, message in events]
    return refused(logs, "PutLogEvents", logGroupName="g", logStreamName="s", logEvents=found)


def test_what_is_too_old_or_too_new_is_left_out_and_said(logs: LogsBench) -> None:
    at = now()
    assert "rejectedLogEventsInfo" not in put(logs, at)
    assert put(logs, at - 15 * DAY, at, at + 3 * HOUR)["rejectedLogEventsInfo"] == {
        "tooOldLogEventEndIndex": 1,
        "tooNewLogEventStartIndex": 2,
    }
    assert put(logs, at + 3 * HOUR)["rejectedLogEventsInfo"] == {"tooNewLogEventStartIndex": 0}
    logs.call("PutRetentionPolicy", logGroupName="g", retentionInDays=3)
    assert put(logs, at - 4 * DAY, at)["rejectedLogEventsInfo"] == {"expiredLogEventEndIndex": 1}
    assert len(logs.found()) == 3


def test_get_log_events_turns_pages_both_ways(logs: LogsBench) -> None:
    logs.write([str(number) for number in range(10)])

    def page(**more: Any) -> tuple[list[str], str, str]:
        answer = logs.call("GetLogEvents", logGroupName="g", logStreamName="s", **more)
        messages = [event["message"] for event in answer["events"]]
        return messages, answer["nextForwardToken"], answer["nextBackwardToken"]

    messages, forward, backward = page(limit=4)
    assert messages == ["6", "7", "8", "9"]
    assert page(nextToken=forward)[:2] == ([], forward)  # the end: the token that was given
    assert page(nextToken=backward, limit=4)[0] == ["2", "3", "4", "5"]
    messages, forward, backward = page(startFromHead=True, limit=4)
    assert messages == ["0", "1", "2", "3"]
    assert page(nextToken=backward)[::2] == ([], backward)
    logs.write(["later"], at=now())
    assert page(nextToken=forward)[0] == ["4", "5", "6", "7", "8", "9", "later"]
    assert "nextToken is invalid" in refused(
        logs, "GetLogEvents", logGroupName="g", logStreamName="s", nextToken="f/nonsense"
    )


def test_a_page_ends_at_a_megabyte(logs: LogsBench) -> None:
    for _ in range(3):
        logs.write(["x" * 600_000])
    first = logs.call("FilterLogEvents", logGroupName="g")
    assert len(first["events"]) == 1
    assert len(logs.found()) == 3
    assert len(logs.call("GetLogEvents", logGroupName="g", logStreamName="s")["events"]) == 1


def test_the_ends_of_a_time_range(logs: LogsBench) -> None:
    """GetLogEvents leaves the end out, FilterLogEvents does not."""
    at = logs.write(["0", "1", "2", "3"])
    times = {"startTime": at + 1, "endTime": at + 2}
    events = logs.call("GetLogEvents", logGroupName="g", logStreamName="s", **times)["events"]
    assert [event["message"] for event in events] == ["1"]
    assert logs.found(**times) == ["1", "2"]


@pytest.mark.parametrize("newest_first", [False, True])
@pytest.mark.parametrize("limit", [1, 7, 10_000])
def test_streams_are_merged_by_time_whatever_the_pages(logs: LogsBench, newest_first: bool, limit: int) -> None:
    choose = random.Random(limit)
    at, expected = now() - HOUR, []
    for stream in ("s", "t", "u"):
        if stream == "u":
            logs.call("CreateLogStream", logGroupName="g", logStreamName="u")
        for _ in range(4):
            moments = sorted(choose.randrange(100) for _ in range(5))
            events = [{"timestamp": at + moment, "message": f"{stream}{moment}"} for moment in moments]
            expected += [(moment, len(expected) + number, f"{stream}{moment}") for number, moment in enumerate(moments)]
            logs.call("PutLogEvents", logGroupName="g", logStreamName=stream, logEvents=events)
    order = [message for *_, message in sorted(expected, reverse=newest_first)]
    assert logs.found(limit=limit, startFromHead=not newest_first) == order
    wanted = [message for message in order if message[0] in "tu"]
    assert logs.found(limit=limit, startFromHead=not newest_first, logStreamNames=["t", "u"]) == wanted
    assert logs.found(logStreamNamePrefix="u") == [m for *_, m in sorted(expected) if m[0] == "u"]


def test_a_search_that_takes_long_is_many_pages(logs: LogsBench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each ends when its time is over, and the next goes on behind it: no call is slow, and nothing is left out."""
    monkeypatch.setattr("localaws.services.logs.reading._BLOCK_ROWS", 50)
    monkeypatch.setattr("localaws.services.logs.reading._LEAST_BLOCK_ROWS", 50)
    for part in range(5):
        logs.write([f"{part} {number}" for number in range(100)] + ["rare"])
    file: EventFile = logs.service._filtering._file
    streams, wanted = file.streams("name = 's'"), span(0, None)
    found, pages = [], 0
    while True:
        page = merged_page(file, streams, wanted, 100, lambda event: event.message == "rare", seconds=0)
        found += page.events
        pages += 1
        if page.last is None:
            break
        wanted = type(wanted)(page.last, wanted.end)
    assert (len(found), pages) == (5, pages)
    assert pages > 5


def test_what_is_past_its_retention_vanishes_and_is_deleted(logs: LogsBench) -> None:
    logs.write(["old"], at=now() - 2 * DAY)
    logs.write(["new"])
    logs.call("PutRetentionPolicy", logGroupName="g", retentionInDays=1)
    assert logs.found() == ["new"]
    events = logs.call("GetLogEvents", logGroupName="g", logStreamName="s", startFromHead=True)["events"]
    assert [event["message"] for event in events] == ["new"]
    logs.service._sweeper.sweep()
    assert rows(logs) == 1
    logs.call("DeleteRetentionPolicy", logGroupName="g")
    assert logs.found() == ["new"]
    [group] = logs.call("DescribeLogGroups")["logGroups"]
    assert group["storedBytes"] == len("new") + 26


def test_deleted_groups_and_streams_leave_nothing(logs: LogsBench) -> None:
    logs.write(["a"] * 5_000)
    logs.write(["b"], stream="t")
    logs.call("DeleteLogStream", logGroupName="g", logStreamName="s")
    assert logs.found() == ["b"]
    logs.service._sweeper.sweep()
    assert rows(logs) == 1
    logs.call("DeleteLogGroup", logGroupName="g")
    logs.call("CreateLogGroup", logGroupName="g")
    assert logs.found() == []
    assert logs.call("DescribeLogStreams", logGroupName="g")["logStreams"] == []
    logs.service._sweeper.sweep()
    assert rows(logs) == 0


def test_a_kill_between_group_and_streams_leaves_nothing_either(logs: LogsBench) -> None:
    logs.write(["a"])
    group = logs.service._groups.get("g")
    logs.context.store.remove(group.arn)
    logs.service._sweeper.sweep()
    assert rows(logs) == 0


def test_more_than_the_limit_is_not_kept(logs: LogsBench, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(4):
        logs.write(["x" * 1_000_000])
    logs.write(["last"])
    sweeper = logs.service._sweeper
    file = sweeper._file
    file.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    before = file.path.stat().st_size
    sweeper._most_bytes = 2_500_000
    monkeypatch.setattr("localaws.services.logs.sweeper._STEP_ROWS", 1)
    sweeper.sweep()
    assert rows(logs) == 3
    assert logs.found()[-1] == "last"
    file.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    assert file.path.stat().st_size < before


def rows(logs: LogsBench) -> int:
    file: EventFile = logs.service._filtering._file
    return int(file.connection.execute("SELECT count(*) FROM event").fetchone()[0])


def test_events_are_there_after_a_restart(start: Start) -> None:
    before = start()
    before.call("CreateLogGroup", logGroupName="g")
    before.call("CreateLogStream", logGroupName="g", logStreamName="s")
    before.write(["kept"])
    assert start().found() == ["kept"]


def test_lists_are_paginated_and_ordered(logs: LogsBench) -> None:
    for name in ("/a/1", "/a/2", "/b/1"):
        logs.call("CreateLogGroup", logGroupName=name)
    first = logs.call("DescribeLogGroups", limit=2)
    rest = logs.call("DescribeLogGroups", nextToken=first["nextToken"])
    names = [group["logGroupName"] for group in first["logGroups"] + rest["logGroups"]]
    assert names == ["/a/1", "/a/2", "/b/1", "g"]
    assert "nextToken" not in rest
    for request, wanted in (
        ({"logGroupNamePrefix": "/a"}, ["/a/1", "/a/2"]),
        ({"logGroupNamePattern": "/1"}, ["/a/1", "/b/1"]),
        ({"logGroupIdentifiers": ["g", "/b/1"]}, ["/b/1", "g"]),
    ):
        found = logs.call("DescribeLogGroups", **request)["logGroups"]
        assert [group["logGroupName"] for group in found] == wanted
    logs.write(["t"], stream="t", at=now() - HOUR)
    logs.write(["s"])
    for request, wanted in (
        ({}, ["s", "t"]),
        ({"descending": True}, ["t", "s"]),
        ({"orderBy": "LastEventTime"}, ["t", "s"]),
        ({"orderBy": "LastEventTime", "descending": True}, ["s", "t"]),
        ({"logStreamNamePrefix": "t"}, ["t"]),
    ):
        names, token = [], {}
        while True:
            page = logs.call("DescribeLogStreams", logGroupName="g", limit=1, **request, **token)
            names += [stream["logStreamName"] for stream in page["logStreams"]]
            if "nextToken" not in page:
                break
            token = {"nextToken": page["nextToken"]}
        assert names == wanted
    both = {"orderBy": "LastEventTime", "logStreamNamePrefix": "t"}
    assert "Cannot order by LastEventTime" in refused(logs, "DescribeLogStreams", logGroupName="g", **both)


def test_a_group_is_named_by_its_arn_too(logs: LogsBench) -> None:
    logs.write(["m"])
    arn = "arn:aws:logs:us-east-1:000000000000:log-group:g"
    for identifier in ("g", arn):
        assert len(logs.call("FilterLogEvents", logGroupIdentifier=identifier)["events"]) == 1
    assert "regular expression" in refused(logs, "FilterLogEvents", logGroupIdentifier=f"{arn}:*")
    assert "does not exist" in refused(logs, "FilterLogEvents", logGroupIdentifier=arn.replace("0" * 12, "1" * 12))
    assert "Exactly one" in refused(logs, "FilterLogEvents", logGroupName="g", logGroupIdentifier="g")


def test_tags_and_policies_come_and_go(logs: LogsBench) -> None:
    arn = "arn:aws:logs:us-east-1:000000000000:log-group:g"
    logs.call("TagResource", resourceArn=arn, tags={"a": "1", "b": "2"})
    logs.call("UntagResource", resourceArn=arn, tagKeys=["a"])
    assert logs.call("ListTagsForResource", resourceArn=arn) == {"tags": {"b": "2"}}
    assert logs.call("ListTagsLogGroup", logGroupName="g") == {"tags": {"b": "2"}}
    assert "not valid" in refused(logs, "TagResource", resourceArn=arn.replace("log-group", "other"), tags={"a": "1"})
    policy = '{"Version": "2012-10-17", "Statement": []}'
    logs.call("PutResourcePolicy", policyName="p", policyDocument=policy)
    [found] = logs.call("DescribeResourcePolicies")["resourcePolicies"]
    assert (found["policyName"], found["policyDocument"], found["policyScope"]) == ("p", policy, "ACCOUNT")
    logs.call("DeleteResourcePolicy", policyName="p")
    assert "ResourceNotFound" in refused(logs, "DeleteResourcePolicy", policyName="p")
    logs.call("PutLogGroupDeletionProtection", logGroupIdentifier="g", deletionProtectionEnabled=True)
    assert "deletion protection" in refused(logs, "DeleteLogGroup", logGroupName="g")


def test_an_append_costs_the_same_however_much_there_is(logs: LogsBench) -> None:
    """A batch behind 200,000 events touches as few pages of the file as one behind 10,000."""
    file: EventFile = logs.service._filtering._file

    def pages() -> int:
        before = file.connection.execute("PRAGMA page_count").fetchone()[0]
        logs.write(["x" * 50] * 10_000)
        return int(file.connection.execute("PRAGMA page_count").fetchone()[0]) - before

    first = pages()
    for _ in range(10):
        logs.write(["x" * 50] * 10_000)
    assert pages() < 1.2 * first

"""Queries of Logs Insights."""

import json
import time
from typing import Any

import pytest

from localaws.api_errors import ApiError
from tests.conftest import until
from tests.localaws.services.logs.conftest import LogsBench, Start

MESSAGES = [
    *(
        json.dumps({"level": "ERROR" if number % 5 == 0 else "INFO", "ms": number, "a": {"b": [7]}})
        for number in range(10)
    ),
    "code=42 GET /x 404",
    "REPORT RequestId: 1-2\tDuration: 12.5 ms\tBilled Duration: 13 ms\tMemory Size: 128 MB\tMax Memory Used: 60 MB",
]


def ask(logs: LogsBench, query: str, **more: Any) -> dict[str, Any]:
    times = {"startTime": int(time.time()) - 600, "endTime": int(time.time()) + 60}
    query_id = logs.call("StartQuery", **{"logGroupName": "g", **times, "queryString": query, **more})["queryId"]
    answer: dict[str, Any] = {}

    def is_done() -> bool:
        answer.update(logs.call("GetQueryResults", queryId=query_id))
        return answer["status"] not in ("Scheduled", "Running")

    until(is_done)
    return answer


def rows(logs: LogsBench, query: str, **more: Any) -> list[dict[str, str]]:
    answer = ask(logs, query, **more)
    assert answer["status"] == "Complete"
    return [{item["field"]: item["value"] for item in row if item["field"] != "@ptr"} for row in answer["results"]]


PARSED = [{"code": "42", "verb": "GET", "rest": "/x 404"}]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("filter level = 'ERROR' | stats count(*) as n", [{"n": "2"}]),
        (
            "filter ispresent(level) | stats max(ms) as m, min(ms) as l by level | sort level",
            [{"level": "ERROR", "m": "5", "l": "0"}, {"level": "INFO", "m": "9", "l": "1"}],
        ),
        (
            "stats sum(ms) as s, avg(ms) as a, pct(ms, 90) as p, median(ms) as h, count_distinct(level) as d",
            [{"s": "45", "a": "4.5", "p": "8", "h": "4", "d": "2"}],
        ),
        ("filter ms > 6 and ms <= 8 | fields ms | sort ms", [{"ms": "7"}, {"ms": "8"}]),
        ("filter ms in [1, 3] | fields ms * 2 + 1 as d | sort d desc", [{"d": "7"}, {"d": "3"}]),
        ("filter ispresent(ms) and not (ms < 9) | display concat(level, '-', ms) as c", [{"c": "INFO-9"}]),
        ("filter @message like 'GET' | parse 'code=* * *' as code, verb, rest | display code, verb, rest", PARSED),
        (
            "filter @message like /code=\\d+/ | parse @message /code=(?<code>\\d+) (?<verb>\\w+) (?<rest>.*)/"
            " | display code, verb, rest",
            PARSED,
        ),
        ("filter a.b.0 = 7 | stats count(*) as n", [{"n": "10"}]),
        (
            "filter @type = 'REPORT' | display @duration, @maxMemoryUsed",
            [{"@duration": "12.5", "@maxMemoryUsed": "60000000"}],
        ),
        ("dedup level | filter ispresent(level) | display level", [{"level": "INFO"}, {"level": "ERROR"}]),
        ("fields strlen(level) as n # a comment\n| filter n = 5 | stats count() as c", [{"c": "2"}]),
        (
            "filter ms =~ /^[89]$/ or level not like 'NF' and ms = 5 | sort ms | display ms",
            [{"ms": "5"}, {"ms": "8"}, {"ms": "9"}],
        ),
        ("stats earliest(ms) as e, latest(ms) as l, sortsLast(level) as s", [{"e": "0", "l": "9", "s": "INFO"}]),
        (
            "filter ms = 1 | display coalesce(x, level) as c, toupper(substr(level, 1)) as u",
            [{"c": "INFO", "u": "NFO"}],
        ),
    ],
)
def test_queries(logs: LogsBench, query: str, expected: list[dict[str, str]]) -> None:
    logs.write(MESSAGES)
    assert rows(logs, query) == expected


def test_time_is_cut_into_bins(logs: LogsBench) -> None:
    at = logs.write(["m"])
    minute = time.strftime("%Y-%m-%d %H:%M:00.000", time.gmtime(at // 1000))
    assert rows(logs, "stats count(*) by bin(1m)") == [{"bin(1m)": minute, "count(*)": "1"}]


def test_without_commands_that_say_otherwise_the_latest_come_first(logs: LogsBench) -> None:
    logs.write(["one", "two", "three"])
    answer = ask(logs, "fields @message | limit 2")
    found = [{item["field"]: item["value"] for item in row} for row in answer["results"]]
    assert [row["@message"] for row in found] == ["three", "two"]
    record = logs.call("GetLogRecord", logRecordPointer=found[0]["@ptr"])["logRecord"]
    assert (record["@message"], record["@logStream"]) == ("three", "s")
    assert set(rows(logs, "limit 1")[0]) == {"@timestamp", "@message"}
    statistics = ask(logs, "filter @message = 'two' | stats count(*)")["statistics"]
    assert (statistics["recordsMatched"], statistics["recordsScanned"]) == (1.0, 3.0)


@pytest.mark.parametrize(
    "query",
    ["nonsense |||", "fields", "filter level =", "stats avg()", "stats level", "limit x", "filter f(1) = 1", "sort a |",
     "parse 'a*' as a, b", "filter a like /(/", "stats count(*) by bin(5x)", "fields a b"],
)  # fmt: skip
def test_what_is_no_query_is_malformed(logs: LogsBench, query: str) -> None:
    with pytest.raises(ApiError) as error:
        ask(logs, query)
    assert error.value.code == "MalformedQueryException"


@pytest.mark.parametrize("query", ["pattern @message", "diff", "sort ms | stats count(*)", "fields a | anomaly"])
def test_what_local_aws_lacks_is_refused(logs: LogsBench, query: str) -> None:
    with pytest.raises(ApiError) as error:
        ask(logs, query)
    assert error.value.code == "UnsupportedOperation"


def test_a_query_that_a_kill_has_ended_has_failed(start: Start) -> None:
    before = start()
    before.call("CreateLogGroup", logGroupName="g")
    done = ask(before, "limit 1")
    query_id = before.call("DescribeQueries")["queries"][0]["queryId"]
    resource = before.service._queries._get(query_id)

    def begin_again(document: dict[str, Any], _internal: dict[str, Any]) -> None:
        document["status"] = "Running"

    before.context.store.change(resource.arn, begin_again)
    after = start()
    after.service._queries.recover()
    assert done["status"] == "Complete"
    assert after.call("GetQueryResults", queryId=query_id)["status"] == "Failed"


def test_the_fields_of_a_group_are_found(logs: LogsBench) -> None:
    logs.write(MESSAGES)
    shares = {
        field["name"]: field["percent"] for field in logs.call("GetLogGroupFields", logGroupName="g")["logGroupFields"]
    }
    assert shares["@message"] == 100
    assert shares["level"] == 83
    assert "a.b.0" in shares

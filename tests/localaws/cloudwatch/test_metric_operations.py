"""The operations on metric data: what they answer, what they refuse, in the words of CloudWatch's own model."""

import asyncio
import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from botocore.parsers import create_parser
from botocore.serialize import create_serializer

from localaws.ministack.cloudwatch.data.metric import Scope
from localaws.ministack.cloudwatch.data.operations import MetricOperations
from localaws.ministack.cloudwatch.data.recorder import Recorder
from localaws.ministack.cloudwatch.data.store import MetricStore
from localaws.ministack.cloudwatch.data.wire import Request, service_model

MINE = Scope("000000000000", "us-east-1")
NOW = time.time()
MINUTE = NOW // 60 * 60 - 600
PROTOCOLS = ("query", "json", "smithy-rpc-v2-cbor")


class Refused(Exception):
    """CloudWatch's code and words."""


class CloudWatch:
    """CloudWatch as botocore speaks with it, without a server between."""

    def __init__(self, path: Path, protocol: str) -> None:
        self._operations = MetricOperations(Recorder(MetricStore(path)))
        self._protocol = protocol

    def call(self, operation: str, scope: Scope = MINE, **members: Any) -> Any:
        """Return the parsed answer."""
        model = service_model().operation_model(operation)
        written = create_serializer(self._protocol, include_validation=False).serialize_to_request(members, model)
        body = written["body"]
        if isinstance(body, dict):
            body = urlencode(body).encode()
        headers = {name.lower(): value for name, value in written["headers"].items()}
        return self.send(operation, Request(written["url_path"], headers, body, {}), scope)

    def send(self, operation: str, request: Request, scope: Scope = MINE) -> Any:
        """Send a request as it is."""
        answer = asyncio.run(self._operations.answer(scope, request))
        assert answer is not None
        status, headers, body = answer
        shape = service_model().operation_model(operation).output_shape
        lower = {name.lower(): value for name, value in headers.items()}
        parsed = create_parser(self._protocol).parse({"status_code": status, "headers": lower, "body": body}, shape)
        if status >= 300:
            raise Refused(f"{parsed['Error']['Code']}: {parsed['Error']['Message']}")
        return parsed

    def put(self, *data: dict[str, Any], namespace: str = "N", **members: Any) -> None:
        """Put data, whose name is M unless they say another."""
        documents = [{"MetricName": "M", "Timestamp": MINUTE, **datum} for datum in data]
        self.call("PutMetricData", Namespace=namespace, MetricData=documents, **members)

    def data(self, *queries: dict[str, Any], **members: Any) -> Any:
        """Return GetMetricData's answer for the ten minutes from MINUTE on."""
        times = {"StartTime": MINUTE, "EndTime": MINUTE + 600, "ScanBy": "TimestampAscending"}
        return self.call("GetMetricData", MetricDataQueries=list(queries), **{**times, **members})

    def statistics(self, *names: str, **members: Any) -> list[dict[str, Any]]:
        """Return GetMetricStatistics' datapoints for the ten minutes from MINUTE on."""
        times = {"StartTime": MINUTE, "EndTime": MINUTE + 600, "Period": 60}
        asked = {"Namespace": "N", "MetricName": "M", "Statistics": list(names), **times, **members}
        asked = {name: value for name, value in asked.items() if value != []}
        found: list[dict[str, Any]] = self.call("GetMetricStatistics", **asked)["Datapoints"]
        return found


@pytest.fixture
def cloudwatch(tmp_path: Path) -> CloudWatch:
    return CloudWatch(tmp_path / "metrics.sqlite", "json")


def stat(name: str = "m", statistic: str = "Sum", period: int = 60, **members: Any) -> dict[str, Any]:
    metric = {"Namespace": "N", "MetricName": members.pop("metric", "M")}
    unit = {"Unit": members.pop("unit")} if "unit" in members else {}
    return {"Id": name, "MetricStat": {"Metric": metric, "Period": period, "Stat": statistic, **unit}, **members}


def values(answer: Any) -> dict[str, list[float]]:
    return {result["Id"]: result["Values"] for result in answer["MetricDataResults"]}


def expression(text: str, name: str = "e", **members: Any) -> dict[str, Any]:
    return {"Id": name, "Expression": text, **members}


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_every_protocol_of_cloudwatch_says_the_same(tmp_path: Path, protocol: str) -> None:
    cloudwatch = CloudWatch(tmp_path / "m.sqlite", protocol)
    dimensions = [{"Name": "A <&>", "Value": "a"}, {"Name": "B", "Value": "b"}]
    cloudwatch.put(
        {"Values": [1.0, 2.5], "Counts": [2.0, 1.0], "Unit": "Seconds", "Dimensions": dimensions},
        {"StatisticValues": {"SampleCount": 2, "Sum": 3, "Minimum": 1, "Maximum": 2}, "MetricName": "Set"},
        {"Value": 7, "MetricName": "One", "StorageResolution": 1},
    )
    metrics = cloudwatch.call("ListMetrics", Namespace="N")["Metrics"]
    assert [(each["MetricName"], each["Dimensions"]) for each in metrics] == [
        ("M", dimensions),
        ("One", []),
        ("Set", []),
    ]
    [point] = cloudwatch.statistics("Sum", "Average", Dimensions=dimensions)
    assert point.pop("Timestamp").timestamp() == MINUTE
    assert point == {"Sum": 4.5, "Average": 1.5, "Unit": "Seconds"}
    [point] = cloudwatch.statistics(Dimensions=dimensions, ExtendedStatistics=["p50", "tm90"], Statistics=[])
    assert point["ExtendedStatistics"]["p50"] == 1.0
    [result] = cloudwatch.data(stat(metric="One", statistic="Maximum"))["MetricDataResults"]
    assert [each.timestamp() for each in result["Timestamps"]] == [MINUTE]
    assert (result["Values"], result["Label"], result["StatusCode"]) == ([7.0], "One", "Complete")
    with pytest.raises(
        Refused, match=r"InvalidParameterValue: The value nan for parameter MetricData\.member\.1\.Value"
    ):
        cloudwatch.put({"Value": math.nan})
    with pytest.raises(Refused, match="InvalidNextToken"):
        cloudwatch.data(stat(), NextToken="x")


@pytest.mark.parametrize(
    ("datum", "code", "words"),
    [
        ({"Value": math.inf}, "InvalidParameterValue", "inf for parameter MetricData.member.1.Value"),
        ({"Value": 2.0**361}, "InvalidParameterValue", "MetricData.member.1.Value is invalid"),
        ({"Values": [1.0, math.nan]}, "InvalidParameterValue", "MetricData.member.1.Values.member.2"),
        ({"Values": [1.0, 2.0], "Counts": [1.0]}, "InvalidParameterValue", "must be of the same size"),
        ({"Values": [1.0], "Counts": [-1.0]}, "InvalidParameterValue", "MetricData.member.1.Counts.member.1"),
        ({"Values": [float(n) for n in range(151)]}, "InvalidParameterValue", "size greater than 150"),
        ({"Values": []}, "MissingParameter", "must not be empty"),
        ({"Value": 1, "Counts": [1.0]}, "InvalidParameterCombination", "Counts goes with"),
        ({}, "MissingParameter", "At least one of the parameters MetricData.member.1.Value"),
        ({"Value": 1, "Values": [1.0]}, "InvalidParameterCombination", "mutually exclusive"),
        (
            {"Value": 1, "StatisticValues": {"SampleCount": 1, "Sum": 1, "Minimum": 1, "Maximum": 1}},
            "InvalidParameterCombination",
            "mutually exclusive",
        ),
        ({"StatisticValues": {"SampleCount": 1, "Sum": 1, "Minimum": 1}}, "ValidationError", "maximum"),
        (
            {"StatisticValues": {"SampleCount": 1, "Sum": 1, "Minimum": 2, "Maximum": 1}},
            "InvalidParameterCombination",
            "greater than",
        ),
        ({"Value": 1, "Timestamp": NOW - 14 * 86_400 - 60}, "InvalidParameterValue", "within the past two weeks"),
        ({"Value": 1, "Timestamp": NOW + 24 * 3600}, "InvalidParameterValue", "more than two hours in the future"),
        ({"Value": 1, "StorageResolution": 30}, "InvalidParameterValue", "StorageResolution"),
        ({"Value": 1, "Unit": "Furlongs"}, "ValidationError", "enum value set"),
        ({"Value": 1, "MetricName": ""}, "ValidationError", "metricName"),
        ({"Value": 1, "Dimensions": [{"Name": "A", "Value": "a"}] * 2}, "InvalidParameterValue", "duplicate"),
        ({"Value": 1, "Dimensions": [{"Name": ":A", "Value": "a"}]}, "InvalidParameterValue", "':A' = 'a'"),
        ({"Value": 1, "Dimensions": [{"Name": "A", "Value": " "}]}, "InvalidParameterValue", "printable ASCII"),
        (
            {"Value": 1, "Dimensions": [{"Name": f"A{n}", "Value": "a"} for n in range(31)]},
            "ValidationError",
            "less than or equal to 30",
        ),
    ],
)
def test_what_put_metric_data_refuses_and_then_keeps_nothing_of(
    cloudwatch: CloudWatch, datum: dict[str, Any], code: str, words: str
) -> None:
    with pytest.raises(Refused) as refused:
        cloudwatch.put(datum, {"Value": 1, "MetricName": "Good"})
    assert str(refused.value).startswith(f"{code}: ")
    assert words in str(refused.value)
    assert cloudwatch.call("ListMetrics")["Metrics"] == []


def test_the_limits_of_a_request(cloudwatch: CloudWatch) -> None:
    cloudwatch.put(*({"Value": 1},) * 1000)
    with pytest.raises(Refused, match="InvalidParameterValue: The collection MetricData must not have a size greater"):
        cloudwatch.put(*({"Value": 1},) * 1001)
    with pytest.raises(Refused, match="MissingParameter"):
        cloudwatch.put()
    with pytest.raises(Refused, match="Local AWS keeps no entities"):
        cloudwatch.put({"Value": 1}, EntityMetricData=[])
    with pytest.raises(Refused, match=r"ValidationError.*namespace"):
        cloudwatch.put({"Value": 1}, namespace=":N")
    large = {"content-length": str((1 << 20) + 1), "x-amz-target": "G.PutMetricData", "content-type": "json"}
    with pytest.raises(Refused, match="RequestEntityTooLarge"):
        cloudwatch.send("PutMetricData", Request("/", large, b"{}", {}))
    for body, words in (
        (b"{", "The body cannot be read"),
        (b"[]", "The body is no structure"),
        (b'{"Namespace": "N", "MetricData": [{"MetricName": "M", "Values": ["1"]}]}', "converted to a double"),
        (b'{"Namespace": "N", "MetricData": [{"MetricName": "M", "Values": 1}]}', "converted to a list"),
        (b'{"Namespace": "N", "MetricData": [{"MetricName": "M", "Value": 1, "Timestamp": "noon"}]}', "is no time"),
        (b'{"Namespace": "N", "MetricData": [{"MetricName": "M", "Value": 1, "Timestamp": []}]}', "to a timestamp"),
        (b'{"Namespace": "N", "MetricData": {}}', "converted to a list"),
        (b'{"Namespace": "N", "MetricData": [1]}', "converted to a structure"),
    ):
        with pytest.raises(Refused, match=f"SerializationException: .*{words}"):
            cloudwatch.send("PutMetricData", Request("/", {**large, "content-length": "1"}, body, {}))
    assert cloudwatch.statistics("SampleCount")[0]["SampleCount"] == 1000


def test_another_account_and_another_region_have_their_own(cloudwatch: CloudWatch) -> None:
    cloudwatch.put({"Value": 1})
    for scope in (Scope("111111111111", MINE.region), Scope(MINE.account_id, "eu-west-1")):
        assert cloudwatch.call("ListMetrics", scope)["Metrics"] == []


def test_statistics_are_of_periods_from_the_start_time_on(cloudwatch: CloudWatch) -> None:
    cloudwatch.put(*({"Value": 1, "Timestamp": MINUTE + at} for at in (0, 59, 60, 119, 120, 179)))
    # The start is rounded down to the minute, the end is exclusive.
    found = cloudwatch.statistics("Sum", StartTime=MINUTE + 65.5, EndTime=MINUTE + 179, Period=120)
    assert [(each["Timestamp"].timestamp(), each["Sum"]) for each in found] == [(MINUTE + 60, 3)]
    assert cloudwatch.statistics("Sum", StartTime=MINUTE + 180) == []


def test_what_get_metric_statistics_refuses(cloudwatch: CloudWatch) -> None:
    for members, words in (
        ({"Statistics": []}, "MissingParameter: One of the parameters Statistics and Extended"),
        ({"ExtendedStatistics": ["p99"]}, "InvalidParameterCombination: .*mutually exclusive"),
        ({"Statistics": ["Median"]}, "ValidationError: .*enum value set"),
        ({"Statistics": [], "ExtendedStatistics": ["p101"]}, "InvalidParameterValue: The value p101 is no statistic"),
        ({"Statistics": [], "ExtendedStatistics": ["Sum"]}, "InvalidParameterValue: .*use Statistics"),
        ({"Period": 7}, "InvalidParameterValue: The parameter Period must be"),
        ({"Period": 90}, "InvalidParameterValue: The parameter Period must be"),
        ({"EndTime": MINUTE}, "InvalidParameterValue: The parameter StartTime must be less"),
        ({"EndTime": MINUTE + 60 * 1441}, "InvalidParameterCombination: You have requested up to 1,441 datapoints"),
    ):
        with pytest.raises(Refused, match=words):
            cloudwatch.statistics(**{"Statistics": ["Sum"], **members})


def test_units_are_told_apart_or_taken_together(cloudwatch: CloudWatch) -> None:
    cloudwatch.put({"Value": 1, "Unit": "Seconds"}, {"Value": 2, "Unit": "Bytes"})
    found = cloudwatch.statistics("Sum")
    assert sorted((each["Unit"], each["Sum"]) for each in found) == [("Bytes", 2), ("Seconds", 1)]
    assert [each["Sum"] for each in cloudwatch.statistics("Sum", Unit="Bytes")] == [2]
    assert values(cloudwatch.data(stat(), stat("s", unit="Seconds"), stat("c", unit="Count"))) == {
        "m": [3],
        "s": [1],
        "c": [],
    }


def test_the_order_of_datapoints(cloudwatch: CloudWatch) -> None:
    cloudwatch.put(*({"Value": n, "Timestamp": MINUTE + 60 * n} for n in range(3)))
    assert values(cloudwatch.data(stat()))["m"] == [0, 1, 2]
    assert values(cloudwatch.data(stat(), ScanBy="TimestampDescending"))["m"] == [2, 1, 0]


def pages(cloudwatch: CloudWatch, *queries: dict[str, Any], **members: Any) -> Iterator[Any]:
    token: dict[str, str] = {}
    while True:
        answer = cloudwatch.data(*queries, **members, **token)
        yield answer
        if "NextToken" not in answer:
            return
        token = {"NextToken": answer["NextToken"]}


def test_datapoints_come_in_pages(cloudwatch: CloudWatch) -> None:
    cloudwatch.put(*({"Value": n, "Timestamp": MINUTE + 60 * n} for n in range(5)))
    queries = (stat("a"), stat("none", metric="No"), expression("a * 2"), stat("b", ReturnData=False))
    whole = values(cloudwatch.data(*queries))
    assert whole == {"a": [0, 1, 2, 3, 4], "none": [], "e": [0, 2, 4, 6, 8]}
    for most in (1, 2, 5, 7, 10):
        found: dict[str, list[float]] = {}
        for page in pages(cloudwatch, *queries, MaxDatapoints=most):
            assert sum(len(each["Values"]) for each in page["MetricDataResults"]) <= most
            for result in page["MetricDataResults"]:
                found.setdefault(result["Id"], []).extend(result["Values"])
        assert found == whole
    first = cloudwatch.data(*queries, MaxDatapoints=3)
    assert first["MetricDataResults"][0]["StatusCode"] == "PartialData"
    with pytest.raises(Refused, match="InvalidNextToken: The token is another request's"):
        cloudwatch.data(stat("other"), NextToken=first["NextToken"])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("m1 + m2", [11, None, None]),
        ("m1 / (m1 - 1)", [None, 2, 1.5]),
        ("FILL(m2, 0)", [10] + [0] * 9),
        ("SUM(METRICS())", [11, 2, 3]),
        ("IF(m1 > 2, m1, 0)", [0, 0, 3]),
        ("2 * other", [2, 4, 6]),
    ],
)
def test_expressions_are_worked_out_for_each_period(
    cloudwatch: CloudWatch, text: str, expected: list[float | None]
) -> None:
    cloudwatch.put(*({"Value": n + 1, "Timestamp": MINUTE + 60 * n} for n in range(3)))
    cloudwatch.put({"Value": 10, "MetricName": "Other"})
    hidden = {"ReturnData": False}
    queries = [stat("m1", **hidden), stat("m2", metric="Other", **hidden), expression("m1", "other", **hidden)]
    [result] = cloudwatch.data(*queries, expression(text, Label="Mine"))["MetricDataResults"]
    assert result["Label"] == "Mine"
    found = {each.timestamp(): value for each, value in zip(result["Timestamps"], result["Values"], strict=True)}
    assert found == {MINUTE + 60 * n: value for n, value in enumerate(expected) if value is not None}


@pytest.mark.parametrize(
    ("queries", "words"),
    [
        ([], "MetricDataQueries must have a size from 1 to 500"),
        ([stat(f"m{n}") for n in range(501)], "MetricDataQueries must have a size from 1 to 500"),
        ([stat("M")], "not matching the expected pattern"),
        ([stat(), stat()], "not unique: m"),
        ([{"Id": "m"}], "Exactly one of the parameters"),
        ([{**stat(), **expression("1", "m")}], "Exactly one of the parameters"),
        ([stat(AccountId="111111111111")], "another account's"),
        ([stat(Label="max ${MAX}")], "no dynamic labels"),
        ([stat(statistic="Median")], "The value Median is no statistic"),
        ([stat(period=45)], "must be 1, 5, 10, 20, 30 or a multiple of 60: 45"),
        ([{"Id": "m", "MetricStat": {"Metric": {"Namespace": "N"}, "Period": 60, "Stat": "Sum"}}], "MetricName is req"),
        ([expression("SEARCH('{N}', 'Sum', 60)")], "function SEARCH is not supported"),
        ([expression("SELECT AVG(M) FROM N")], "Metrics Insights queries are not supported"),
        ([stat(), expression("m +")], "Error in expression 'e'.*cannot be read"),
        ([stat(), expression("RATE(m)")], "function RATE is not supported"),
        ([stat(), expression("IF(m < 0, nowhere, m)"), stat("x")], None),
        ([stat(), expression("(" * 1000 + "m" + ")" * 1000)], "cannot be read|too deeply"),
        ([stat(), expression("-" * 2000 + "m")], "cannot be read|too deeply"),
        ([stat(), expression("f"), expression("e", "f")], "no metric"),
    ],
)
def test_what_get_metric_data_refuses(cloudwatch: CloudWatch, queries: list[dict[str, Any]], words: str | None) -> None:
    if words is None:
        assert values(cloudwatch.data(*queries))["e"] == []
        return
    with pytest.raises(Refused, match=f"ValidationError: .*(?:{words})"):
        cloudwatch.data(*queries)


def test_a_number_beyond_all_is_no_value(cloudwatch: CloudWatch) -> None:
    cloudwatch.put({"Value": 10}, {"Value": -8, "MetricName": "Negative"})
    queries = [stat("m"), stat("n", metric="Negative")]
    for text in ("m ^ 400", "n ^ 0.5", "m ^ 300 * m ^ 300", "m / 0"):
        assert values(cloudwatch.data(*queries, expression(text)))["e"] == []


def test_fill_does_not_fill_a_year(cloudwatch: CloudWatch) -> None:
    queries = (stat("m"), expression("FILL(m, 0)"))
    with pytest.raises(Refused, match=r"would fill .* periods"):
        cloudwatch.data(*queries, StartTime=MINUTE - 365 * 86_400)


def test_list_metrics_filters_and_pages(cloudwatch: CloudWatch) -> None:
    def named(**dimensions: str) -> list[dict[str, str]]:
        return [{"Name": name, "Value": value} for name, value in dimensions.items()]

    cloudwatch.put(*({"Value": 1, "MetricName": f"M{n:04}"} for n in range(600)))
    cloudwatch.put(*({"Value": 1, "MetricName": f"M{n:04}"} for n in range(600, 1100)))
    first = cloudwatch.call("ListMetrics", Namespace="N")
    second = cloudwatch.call("ListMetrics", Namespace="N", NextToken=first["NextToken"])
    third = cloudwatch.call("ListMetrics", Namespace="N", NextToken=second["NextToken"])
    assert "NextToken" not in third
    listed = [each["MetricName"] for page in (first, second, third) for each in page["Metrics"]]
    assert listed == [f"M{n:04}" for n in range(1100)]
    cloudwatch.put(
        {"Value": 1, "Dimensions": named(A="a", B="b")}, {"Value": 1, "Dimensions": named(A="x")}, namespace="D"
    )
    cloudwatch.put(
        {"Value": 1, "Dimensions": named(A="a"), "Unit": "Bytes", "Timestamp": NOW - 4 * 3600}, namespace="D"
    )

    def found(**members: Any) -> list[dict[str, str]]:
        answer = cloudwatch.call("ListMetrics", Namespace="D", **members)
        return [{each["Name"]: each["Value"] for each in metric["Dimensions"]} for metric in answer["Metrics"]]

    assert found() == [{"A": "a", "B": "b"}, {"A": "a"}, {"A": "x"}]
    assert found(Dimensions=named(A="a")) == [{"A": "a", "B": "b"}, {"A": "a"}]
    assert found(Dimensions=[{"Name": "B"}]) == [{"A": "a", "B": "b"}]
    assert found(Dimensions=named(B="a")) == []
    assert found(MetricName="m") == []
    assert found(RecentlyActive="PT3H") == [{"A": "a", "B": "b"}, {"A": "x"}]
    for members in ({"NextToken": "nonsense"}, {"IncludeLinkedAccounts": True}, {"OwningAccount": "111111111111"}):
        with pytest.raises(Refused, match="InvalidParameterValue"):
            found(**members)


def test_what_is_no_operation_on_metric_data_is_left_to_ministack(cloudwatch: CloudWatch) -> None:
    operations = MetricOperations.__new__(MetricOperations)
    for request in (
        Request("/", {"x-amz-target": "GraniteServiceVersion20100801.PutMetricAlarm"}, b"{}", {}),
        Request("/service/GraniteServiceVersion20100801/operation/DescribeAlarms", {}, b"", {}),
        Request("/", {}, b"Action=ListDashboards", {}),
        Request("/", {}, b"", {}),
    ):
        assert asyncio.run(operations.answer(MINE, request)) is None

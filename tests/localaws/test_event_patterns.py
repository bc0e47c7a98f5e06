"""Event patterns, operator by operator: "Comparison operators for use in event patterns" in the EventBridge guide."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.conftest import LocalAws

EVENT = {
    "id": "1",
    "version": "0",
    "account": "000000000000",
    "time": "2026-01-31T12:00:00Z",
    "region": "us-east-1",
    "source": "aws.sagemaker",
    "detail-type": "Test",
    "resources": ["arn:aws:sagemaker:us-east-1:000000000000:pipeline/p", "other"],
    "detail": {
        "status": "Failed",
        "group": "waste",
        "count": 5,
        "ratio": 0.25,
        "empty": "",
        "nothing": None,
        "flag": True,
        "ip": "10.0.0.77",
        "file": "input/data.csv",
        "nested": {"a": {"b": "c"}, "d": "e"},
        "list": ["x", "y"],
    },
}


def detail(**members: Any) -> dict[str, Any]:
    return {"detail": members}


@pytest.mark.parametrize(
    ("pattern", "matches"),
    [
        ({"source": ["aws.sagemaker"], "detail-type": ["Test"]}, True),
        ({"source": ["aws.s3"]}, False),
        (detail(status=["Failed", "Stopped"]), True),
        (detail(status=["failed"]), False),
        (detail(count=[5]), True),
        (detail(count=[5.0]), True),
        (detail(count=["5"]), False),
        (detail(flag=[True]), True),
        (detail(nothing=[None]), True),
        (detail(empty=[""]), True),
        (detail(list=["y"]), True),
        (detail(list=["z"]), False),
        ({"resources": [{"prefix": "arn:aws:sagemaker"}]}, True),
        (detail(file=[{"prefix": "input/"}]), True),
        (detail(file=[{"prefix": "output/"}]), False),
        (detail(file=[{"suffix": ".csv"}]), True),
        (detail(file=[{"suffix": ".CSV"}]), False),
        (detail(file=[{"suffix": {"equals-ignore-case": ".CSV"}}]), True),
        (detail(file=[{"prefix": {"equals-ignore-case": "INPUT/"}}]), True),
        (detail(status=[{"equals-ignore-case": "FAILED"}]), True),
        (detail(status=[{"anything-but": "Failed"}]), False),
        (detail(status=[{"anything-but": ["Succeeded", "Stopped"]}]), True),
        (detail(count=[{"anything-but": [4, 6]}]), True),
        (detail(file=[{"anything-but": {"prefix": "input/"}}]), False),
        (detail(file=[{"anything-but": {"suffix": ".json"}}]), True),
        (detail(status=[{"anything-but": {"equals-ignore-case": "FAILED"}}]), False),
        (detail(file=[{"anything-but": {"wildcard": "*.csv"}}]), False),
        (detail(count=[{"numeric": [">", 0, "<=", 5]}]), True),
        (detail(count=[{"numeric": [">", 5]}]), False),
        (detail(ratio=[{"numeric": ["=", 0.25]}]), True),
        (detail(status=[{"numeric": [">", 0]}]), False),
        (detail(ip=[{"cidr": "10.0.0.0/24"}]), True),
        (detail(ip=[{"cidr": "10.0.1.0/24"}]), False),
        (detail(status=[{"exists": True}]), True),
        (detail(status=[{"exists": False}]), False),
        (detail(missing=[{"exists": False}]), True),
        (detail(file=[{"wildcard": "*/data.*"}]), True),
        (detail(file=[{"wildcard": "data*"}]), False),
        (detail(nested={"a": {"b": ["c"]}}), True),
        (detail(nested={"a": {"b": ["c"]}, "d": ["x"]}), False),
        ({"detail": {"$or": [{"status": ["Succeeded"]}, {"count": [{"numeric": [">", 4]}]}]}}, True),
        ({"detail": {"$or": [{"status": ["Succeeded"]}, {"count": [1]}]}}, False),
        ({"source": ["aws.s3"], "detail": {"$or": [{"status": ["Failed"]}, {"count": [1]}]}}, False),
        (detail(status=[{"prefix": "Succ"}, "Failed"]), True),
    ],
)
def test_what_a_pattern_matches(local_aws: LocalAws, pattern: dict[str, Any], matches: bool) -> None:
    answer = local_aws.client("events").test_event_pattern(EventPattern=json.dumps(pattern), Event=json.dumps(EVENT))
    assert answer["Result"] is matches


@pytest.mark.parametrize(
    "pattern",
    [
        {"source": "aws.s3"},
        {"source": []},
        detail(count=[{"numeric": [">"]}]),
        detail(count=[{"numeric": ["!", 3]}]),
        detail(status=[{"begins": "F"}]),
        detail(ip=[{"cidr": "10.0.0.0/99"}]),
        detail(status=[{"exists": "yes"}]),
    ],
)
def test_a_pattern_that_is_none_is_refused(local_aws: LocalAws, pattern: dict[str, Any]) -> None:
    events = local_aws.client("events")
    with pytest.raises(ClientError, match="InvalidEventPatternException"):
        events.put_rule(Name="no-rule", EventPattern=json.dumps(pattern))

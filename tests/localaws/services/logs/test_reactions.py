"""What comes of events, and who writes them: metric filters, subscriptions, functions, stacks."""

import json
import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localaws.ministack.logs.writer import Destination, LogWriter, batches
from tests.conftest import LocalAws, until
from tests.localaws.services.logs.conftest import LogsBench, now
from tests.localaws.stacks import Stacks, function
from tests.localaws.stacks import unique as unique_stack


@pytest.fixture
def group(local_aws: LocalAws) -> str:
    """A log group with a stream ``s``."""
    name, logs = f"reactions-{uuid.uuid4().hex[:12]}", local_aws.client("logs")
    logs.create_log_group(logGroupName=name)
    logs.create_log_stream(logGroupName=name, logStreamName="s")
    return name


def write(local_aws: LocalAws, group: str, *messages: str) -> None:
    events = [{"timestamp": now(), "message": message} for message in messages]
    local_aws.client("logs").put_log_events(logGroupName=group, logStreamName="s", logEvents=events)


def messages_of(local_aws: LocalAws, group: str) -> list[str]:
    logs = local_aws.client("logs")
    try:
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group)
        return [event["message"] for page in pages for event in page["events"]]
    except logs.exceptions.ResourceNotFoundException:
        return []


def sums(local_aws: LocalAws, namespace: str, metric: str, **dimensions: str) -> float:
    named = [{"Name": name, "Value": value} for name, value in dimensions.items()]
    data = local_aws.client("cloudwatch").get_metric_statistics(
        Namespace=namespace,
        MetricName=metric,
        Dimensions=named,
        StartTime=time.time() - 3600,
        EndTime=time.time() + 3600,
        Period=60,
        Statistics=["Sum"],
    )["Datapoints"]
    return float(sum(point["Sum"] for point in data))


def test_metric_filters_publish_what_matches_from_then_on(local_aws: LocalAws, group: str) -> None:
    logs = local_aws.client("logs")
    write(local_aws, group, "ERROR before")

    def put(name: str, pattern: str, value: str, **more: Any) -> None:
        transformation = {"metricName": name, "metricNamespace": group, "metricValue": value, **more}
        logs.put_metric_filter(
            logGroupName=group, filterName=name, filterPattern=pattern, metricTransformations=[transformation]
        )

    put("errors", "ERROR", "1", defaultValue=0)
    put("latency", "{ $.ms > 0 }", "$.ms", dimensions={"Route": "$.route"})
    objects = [json.dumps({"ms": ms, "route": "/a"}) for ms in (1.5, 2, 2)]
    write(local_aws, group, "ERROR one", "fine", "ERROR two", *objects, json.dumps({"ms": 9}))
    until(lambda: sums(local_aws, group, "errors") == 2)
    until(lambda: sums(local_aws, group, "latency", Route="/a") == 5.5)
    found = logs.describe_metric_filters(metricName="errors", metricNamespace=group)["metricFilters"]
    assert [each["filterName"] for each in found] == ["errors"]
    [described] = logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]
    assert described["metricFilterCount"] == 2
    logs.delete_metric_filter(logGroupName=group, filterName="errors")
    with pytest.raises(ClientError, match="metric filter does not exist"):
        logs.delete_metric_filter(logGroupName=group, filterName="errors")


def test_a_metric_filter_can_be_tried(local_aws: LocalAws) -> None:
    tried = local_aws.client("logs").test_metric_filter(
        filterPattern="[ip, status = 4*]", logEventMessages=["1.1.1.1 404", "1.1.1.1 200"]
    )["matches"]
    assert tried == [
        {"eventNumber": 1, "eventMessage": "1.1.1.1 404", "extractedValues": {"$ip": "1.1.1.1", "$status": "404"}}
    ]


def test_what_came_while_nobody_was_there_is_counted_after_the_restart(logs: LogsBench) -> None:
    """The follower's position is stored with what it did: nothing is left out, nothing counted twice."""
    transformation = {"metricName": "m", "metricNamespace": "n", "metricValue": "1"}
    logs.call(
        "PutMetricFilter", logGroupName="g", filterName="f", filterPattern="x", metricTransformations=[transformation]
    )
    logs.write(["x", "y", "x"])
    follower = logs.service._metric_filters.follower
    for _ in range(3):
        follower.step()
    waiting = logs.context.store.rows("SELECT document FROM waiting")
    counts = [datum["Counts"] for (text,) in waiting for datum in json.loads(text)["metrics"]["MetricData"]]
    assert sum(sum(each) for each in counts) == 2


READER = """
import base64, gzip, json, os, boto3
def handler(event, context):
    data = json.loads(gzip.decompress(base64.b64decode(event["awslogs"]["data"])))
    boto3.client("s3").put_object(Bucket=os.environ["BUCKET"], Key="found", Body=json.dumps(data).encode())
"""


@pytest.fixture
def reader(local_aws: LocalAws, group: str) -> Iterator[dict[str, str]]:
    """A function that keeps what it is sent in a bucket."""
    local_aws.client("s3").create_bucket(Bucket=group)
    stacks, name = Stacks(local_aws), unique_stack()
    properties = function(name, Code={"ZipFile": READER}, Timeout=30, Environment={"Variables": {"BUCKET": group}})
    assert stacks.make(name, {"Function": properties}) == "CREATE_COMPLETE", stacks.reasons(name)
    arn = local_aws.client("lambda").get_function_configuration(FunctionName=name)["FunctionArn"]
    yield {"name": name, "arn": arn}
    stacks.delete(name)


def test_subscriptions_send_what_matches_to_a_function(local_aws: LocalAws, group: str, reader: dict[str, str]) -> None:
    logs, s3 = local_aws.client("logs"), local_aws.client("s3")
    wanted = {"logGroupName": group, "filterName": "f", "filterPattern": "ERROR"}
    logs.put_subscription_filter(**wanted, destinationArn=reader["arn"])
    write(local_aws, group, "fine", "ERROR one")
    until(lambda: s3.list_objects_v2(Bucket=group).get("Contents"))
    found = json.loads(s3.get_object(Bucket=group, Key="found")["Body"].read())
    assert (found["messageType"], found["logGroup"], found["logStream"]) == ("DATA_MESSAGE", group, "s")
    assert [event["message"] for event in found["logEvents"]] == ["ERROR one"]
    # The function's own lines are there as well, in its group.
    until(lambda: any("REPORT RequestId" in line for line in messages_of(local_aws, f"/aws/lambda/{reader['name']}")))
    for arn, code in (
        (reader["arn"] + "x", "InvalidParameterException"),
        ("arn:aws:kinesis:us-east-1:000000000000:stream/s", "UnsupportedOperation"),
    ):
        with pytest.raises(ClientError) as refused:
            logs.put_subscription_filter(**wanted, destinationArn=arn)
        assert refused.value.response["Error"]["Code"] == code
    with pytest.raises(ClientError, match="without end"):
        logs.put_subscription_filter(
            **{**wanted, "logGroupName": f"/aws/lambda/{reader['name']}"}, destinationArn=reader["arn"]
        )


def test_a_stack_makes_changes_and_deletes_what_belongs_to_logs(local_aws: LocalAws) -> None:
    stacks, name, logs = Stacks(local_aws), unique_stack(), local_aws.client("logs")

    def resources(days: str, pattern: str, **tags: str) -> dict[str, Any]:
        listed = [{"Key": key, "Value": value} for key, value in tags.items()]
        transformation = {"MetricName": "m", "MetricNamespace": name, "MetricValue": "1", "DefaultValue": "0"}
        return {
            "Group": {
                "Type": "AWS::Logs::LogGroup",
                "Properties": {"LogGroupName": f"/{name}", "RetentionInDays": days, "Tags": listed},
            },
            "Stream": {"Type": "AWS::Logs::LogStream", "Properties": {"LogGroupName": {"Ref": "Group"}}},
            "Filter": {
                "Type": "AWS::Logs::MetricFilter",
                "Properties": {
                    "LogGroupName": {"Ref": "Group"},
                    "FilterPattern": pattern,
                    "MetricTransformations": [transformation],
                },
            },
            "Policy": {
                "Type": "AWS::Logs::ResourcePolicy",
                "Properties": {"PolicyName": name, "PolicyDocument": json.dumps({"Statement": []})},
            },
        }

    assert stacks.make(name, resources("7", "ERROR", a="1", b="2")) == "CREATE_COMPLETE", stacks.reasons(name)
    [found] = logs.describe_log_groups(logGroupNamePrefix=f"/{name}")["logGroups"]
    assert (found["retentionInDays"], found["metricFilterCount"]) == (7, 1)
    assert stacks.make(name, resources("30", "WARN", b="3"), update=True) == "UPDATE_COMPLETE", stacks.reasons(name)
    [found] = logs.describe_log_groups(logGroupNamePrefix=f"/{name}")["logGroups"]
    assert found["retentionInDays"] == 30
    tags = logs.list_tags_for_resource(resourceArn=found["logGroupArn"])["tags"]
    assert {key: value for key, value in tags.items() if key in ("a", "b")} == {"b": "3"}
    [metric_filter] = logs.describe_metric_filters(logGroupName=f"/{name}")["metricFilters"]
    assert metric_filter["filterPattern"] == "WARN"
    stacks.delete(name)
    assert logs.describe_log_groups(logGroupNamePrefix=f"/{name}")["logGroups"] == []
    assert name not in [each["policyName"] for each in logs.describe_resource_policies()["resourcePolicies"]]


def test_the_writer_makes_what_is_missing_only_where_it_may(local_aws: LocalAws) -> None:
    name = f"writer-{uuid.uuid4().hex[:12]}"
    writer = LogWriter(lambda _: local_aws.client("logs"))
    writer.put(Destination("0" * 12, f"{name}-no", "s"), [(now(), "lost")])
    writer.put(Destination("0" * 12, name, "s", makes_group=True), [(now(), "two"), (now() - 5, "one")])
    until(lambda: messages_of(local_aws, name))
    writer.close()
    assert messages_of(local_aws, name) == ["one", "two"]
    assert messages_of(local_aws, f"{name}-no") == []


def test_the_writer_keeps_to_the_limits_of_a_call() -> None:
    assert [len(batch) for batch in batches([(0, "x")] * 10_001)] == [10_000, 1]
    assert [len(batch) for batch in batches([(0, "x" * 600_000)] * 3)] == [1, 1, 1]
    [[(_, cut)]] = batches([(0, "ä" * 1_000_000)])
    assert len(cut.encode()) == 1_048_576 - 26

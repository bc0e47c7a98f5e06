"""What functions, queues and rules tell CloudWatch: real ones, then the rules of counting."""

import io
import json
import time
import uuid
import zipfile
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from localaws.metrics.meter import Meter
from localaws.ministack.awslambda.metrics import LAMBDA, Function
from localaws.ministack.sqs.metrics import SQS, Message, QueueMetrics
from tests.conftest import LocalAws
from tests.localaws.measured import PUBLISHED, Measured, until_counted
from tests.localaws.queues import new_queue

ACCOUNT = "us-east-1:000000000000"
ROLE = "arn:aws:iam::000000000000:role/f"
CODE = """
import time
def f(event, context):
    time.sleep(event.get("seconds", 0))
    if event.get("bad") or "Records" in event:
        raise ValueError("bad")
"""


@pytest.fixture(scope="module")
def functions(local_aws: LocalAws) -> Any:
    """Lambda's client, which tries nothing again."""
    return local_aws.client("lambda", config=Config(retries={"total_max_attempts": 1}))


@pytest.fixture(scope="module")
def sqs(local_aws: LocalAws) -> Any:
    return local_aws.client("sqs")


@pytest.fixture(scope="module")
def events(local_aws: LocalAws) -> Any:
    return local_aws.client("events")


def new_function(functions: Any, **members: Any) -> str:
    """Make a function that fails when it is told to, or is given a queue's messages."""
    name, packed = f"measured-{uuid.uuid4().hex[:8]}", io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("f.py", CODE)
    code = {"ZipFile": packed.getvalue()}
    functions.create_function(FunctionName=name, Runtime="python3.12", Handler="f.f", Role=ROLE, Code=code, **members)
    return name


def invoke(functions: Any, name: str, **members: Any) -> None:
    event = {key: members.pop(key) for key in ("bad", "seconds") if key in members}
    functions.invoke(FunctionName=name, Payload=json.dumps(event), **members)


def test_hook_invocations_are_counted_with_their_errors(local_aws: LocalAws, functions: Any) -> None:
    """`count_invocations`."""
    name = new_function(functions)
    invoke(functions, name, seconds=0.1)
    invoke(functions, name, bad=True)
    invoke(functions, name)
    found = Measured(local_aws, "AWS/Lambda", FunctionName=name)
    until_counted(lambda: found.sum("Invocations") == 3)
    assert (found.sum("Errors"), found.sum("Throttles"), found.maximum("ConcurrentExecutions")) == (1, 0, 1)
    assert 100 <= (found.maximum("Duration") or 0) < 10_000
    assert [found.unit(metric) for metric in ("Invocations", "Duration")] == ["Count", "Milliseconds"]


def test_hook_a_metric_without_dimensions_is_one_of_its_own(local_aws: LocalAws) -> None:
    """`answer_metric_data`."""
    namespace = f"Apart/{uuid.uuid4().hex}"
    data = [
        {"MetricName": "M", "Value": 1},
        {"MetricName": "M", "Value": 2, "Dimensions": [{"Name": "D", "Value": "d"}]},
    ]
    local_aws.client("cloudwatch").put_metric_data(Namespace=namespace, MetricData=data)
    assert Measured(local_aws, namespace).sum("M") == 1
    assert Measured(local_aws, namespace, D="d").sum("M") == 2


def test_all_functions_are_counted_together(local_aws: LocalAws, functions: Any) -> None:
    every = Measured(local_aws, "AWS/Lambda")
    before = every.sum("Invocations")
    name = new_function(functions)
    for _ in range(3):
        invoke(functions, name)
    until_counted(lambda: every.sum("Invocations") >= before + 3)
    assert (every.maximum("ConcurrentExecutions") or 0) >= 1


def test_an_alias_and_its_version_are_counted_by_themselves(local_aws: LocalAws, functions: Any) -> None:
    name = new_function(functions)
    version = functions.publish_version(FunctionName=name)["Version"]
    functions.create_alias(FunctionName=name, Name="live", FunctionVersion=version)
    invoke(functions, name)
    invoke(functions, name, Qualifier="live", bad=True)
    invoke(functions, name, Qualifier=version)
    dimensions = {"FunctionName": name}
    until_counted(lambda: Measured(local_aws, "AWS/Lambda", **dimensions).sum("Invocations") == 3)
    for resource, invocations, errors in ((f"{name}:live", 1, 1), (f"{name}:{version}", 1, 0)):
        found = Measured(local_aws, "AWS/Lambda", **dimensions, Resource=resource)
        assert (found.sum("Invocations"), found.sum("Errors")) == (invocations, errors)
    executed = Measured(local_aws, "AWS/Lambda", **dimensions, Resource=f"{name}:live", ExecutedVersion=version)
    assert executed.sum("Errors") == 1


def test_too_many_at_once_are_throttles_and_no_invocations(local_aws: LocalAws, functions: Any) -> None:
    name = new_function(functions)
    functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    with pytest.raises(ClientError, match="TooManyRequests"):
        invoke(functions, name)
    functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=2)
    with ThreadPoolExecutor(2) as callers:
        list(callers.map(lambda _: invoke(functions, name, seconds=0.5), range(2)))
    found = Measured(local_aws, "AWS/Lambda", FunctionName=name)
    until_counted(lambda: found.sum("Invocations") == 2)
    assert (found.sum("Throttles"), found.sum("Errors"), found.maximum("ConcurrentExecutions")) == (1, 0, 2)


@pytest.mark.parametrize("has_queue", [False, True])
def test_hook_events_that_are_given_up_are_counted(local_aws: LocalAws, functions: Any, has_queue: bool) -> None:
    """`count_asynchronous_events`: with a dead-letter queue and without."""
    url, arn = new_queue(local_aws, "given-up")
    name = new_function(functions, **({"DeadLetterConfig": {"TargetArn": arn}} if has_queue else {}))
    functions.put_function_event_invoke_config(FunctionName=name, MaximumRetryAttempts=0)
    invoke(functions, name, bad=True, InvocationType="Event")
    invoke(functions, name, InvocationType="Event")
    found = Measured(local_aws, "AWS/Lambda", FunctionName=name)
    until_counted(lambda: found.sum("AsyncEventsDropped") == 1 and found.sum("Invocations") == 2)
    assert (found.sum("AsyncEventsReceived"), found.sum("Invocations"), found.sum("Errors")) == (2, 2, 1)
    assert found.sum("DeadLetterErrors") == 0
    sent = Measured(local_aws, "AWS/SQS", QueueName=url.rpartition("/")[2])
    until_counted(lambda: sent.sum("NumberOfMessagesSent") == has_queue)


@pytest.mark.parametrize(
    ("place", "metric"), [("queue", "DeadLetterErrors"), ("destination", "DestinationDeliveryFailures")]
)
def test_a_dead_letter_queue_that_is_gone_is_counted(
    local_aws: LocalAws, functions: Any, sqs: Any, place: str, metric: str
) -> None:
    url, arn = new_queue(local_aws, "gone")
    name = new_function(functions, **({"DeadLetterConfig": {"TargetArn": arn}} if place == "queue" else {}))
    destination = {"DestinationConfig": {"OnFailure": {"Destination": arn}}} if place == "destination" else {}
    functions.put_function_event_invoke_config(FunctionName=name, MaximumRetryAttempts=0, **destination)
    sqs.delete_queue(QueueUrl=url)
    invoke(functions, name, bad=True, InvocationType="Event")
    found = Measured(local_aws, "AWS/Lambda", FunctionName=name)
    until_counted(lambda: found.sum(metric) == 1)
    assert found.sum("AsyncEventsDropped") == 1
    assert found.sum("DeadLetterErrors") + found.sum("DestinationDeliveryFailures") == 1


def test_hook_messages_are_counted_on_their_way(local_aws: LocalAws, sqs: Any) -> None:
    """`count_messages`."""
    url, arn = new_queue(local_aws, "measured")
    topic = local_aws.client("sns").create_topic(Name=url.rpartition("/")[2])["TopicArn"]
    local_aws.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    sqs.send_message(QueueUrl=url, MessageBody="four")
    sqs.send_message(QueueUrl=url, MessageBody="later", DelaySeconds=900)
    local_aws.client("sns").publish(TopicArn=topic, Message="m")  # comes without a request to the queue
    found = Measured(local_aws, "AWS/SQS", QueueName=url.rpartition("/")[2])
    until_counted(lambda: found.maximum("ApproximateNumberOfMessagesVisible") == 2)
    until_counted(lambda: found.maximum("ApproximateNumberOfMessagesDelayed") == 1)
    assert found.sum("NumberOfMessagesSent") == 3
    assert found.sum("NumberOfMessagesReceived") == 0
    handles = []
    while received := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        handles += [message["ReceiptHandle"] for message in received]
    until_counted(lambda: found.maximum("ApproximateNumberOfMessagesNotVisible") == 2)
    sqs.delete_message(QueueUrl=url, ReceiptHandle=handles[0])
    entries = [{"Id": "1", "ReceiptHandle": handles[1]}, {"Id": "2", "ReceiptHandle": "none"}]
    sqs.delete_message_batch(QueueUrl=url, Entries=entries)
    until_counted(lambda: found.sum("NumberOfMessagesDeleted") == 2)
    assert (found.sum("NumberOfMessagesReceived"), found.sum("NumberOfEmptyReceives")) == (2, 1)
    assert [found.unit(m) for m in ("SentMessageSize", "ApproximateAgeOfOldestMessage")] == ["Bytes", "Seconds"]


def test_what_a_function_reads_is_counted_and_a_dead_letter_is_not_sent(
    local_aws: LocalAws, functions: Any, sqs: Any
) -> None:
    (url, arn), (dead_url, dead) = new_queue(local_aws, "read"), new_queue(local_aws, "dead")
    policy = {"deadLetterTargetArn": dead, "maxReceiveCount": 1}
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "0", "RedrivePolicy": json.dumps(policy)})
    name = new_function(functions)
    functions.create_event_source_mapping(FunctionName=name, EventSourceArn=arn)
    sqs.send_message(QueueUrl=url, MessageBody="m")
    queue, letters = (Measured(local_aws, "AWS/SQS", QueueName=each.rpartition("/")[2]) for each in (url, dead_url))
    until_counted(lambda: letters.maximum("ApproximateNumberOfMessagesVisible") == 1)
    until_counted(lambda: Measured(local_aws, "AWS/Lambda", FunctionName=name).sum("Errors") == 1)
    assert (queue.sum("NumberOfMessagesReceived"), queue.sum("NumberOfMessagesSent")) == (1, 1)
    assert letters.sum("NumberOfMessagesSent") == 0


def test_hook_events_are_counted_on_their_way(local_aws: LocalAws, events: Any) -> None:
    """`deliver_events`: two targets of a rule, one of which cannot be reached."""
    name = f"measured-{uuid.uuid4().hex[:8]}"
    (_, queue), (_, dead) = new_queue(local_aws, name), new_queue(local_aws, "buried")
    bus = events.create_event_bus(Name=name)["EventBusArn"].rpartition("/")[2]
    missing = {"Id": "m", "Arn": f"arn:aws:sqs:{ACCOUNT}:no-such-queue"}
    targets = [{"Id": "q", "Arn": queue}, {**missing, "DeadLetterConfig": {"Arn": dead}}]
    for place in ({}, {"EventBusName": bus}):
        events.put_rule(Name=name, EventPattern=json.dumps({"source": [name]}), **place)
        events.put_targets(Rule=name, Targets=targets, **place)
        events.put_events(Entries=[{"Source": name, "DetailType": "Test", "Detail": "{}", **place}])
    for dimensions in ({"RuleName": name}, {"RuleName": name, "EventBusName": bus}):
        found = Measured(local_aws, "AWS/Events", **dimensions)
        until_counted(lambda found=found: found.sum("InvocationsSentToDlq") == 1)
        until_counted(lambda found=found: found.sum("SuccessfulInvocationAttempts") == 1)
        assert found.sum("TriggeredRules") == 1
        assert (found.sum("Invocations"), found.sum("InvocationAttempts"), found.sum("FailedInvocations")) == (2, 2, 1)
        assert found.sum("RetryInvocationAttempts") == 0
    assert Measured(local_aws, "AWS/Events").sum("MatchedEvents") >= 2


def test_a_dead_letter_queue_of_a_rule_that_is_gone_is_counted(local_aws: LocalAws, events: Any) -> None:
    name = f"measured-{uuid.uuid4().hex[:8]}"
    events.put_rule(Name=name, EventPattern=json.dumps({"source": [name]}))
    gone = {"Arn": f"arn:aws:sqs:{ACCOUNT}:no-such-queue"}
    events.put_targets(Rule=name, Targets=[{"Id": "q", **gone, "DeadLetterConfig": gone}])
    events.put_events(Entries=[{"Source": name, "DetailType": "Test", "Detail": "{}"}])
    found = Measured(local_aws, "AWS/Events", RuleName=name)
    until_counted(lambda: found.sum("InvocationsFailedToBeSentToDlq") == 1)


def test_nothing_is_published_that_is_in_no_table(local_aws: LocalAws) -> None:
    cloudwatch = local_aws.client("cloudwatch")
    for name, namespace in PUBLISHED.items():
        for page in cloudwatch.get_paginator("list_metrics").paginate(Namespace=name):
            for metric in page["Metrics"]:
                dimensions = [dimension["Name"] for dimension in metric["Dimensions"]]
                assert namespace.publishes(metric["MetricName"], dimensions), metric


# The rules of counting, without a server.


def test_what_is_in_no_table_cannot_be_counted() -> None:
    meter = Meter()
    with pytest.raises(LookupError, match=r"AWS/Lambda has no metric Error by \['FunctionName'\]"):
        meter.add(LAMBDA, (("FunctionName", "f"),), {"Error": 1})
    with pytest.raises(LookupError, match=r"no metric Errors by \['Function'\]"):
        meter.add(LAMBDA, (("Function", "f"),), {"Errors": 1})


def test_values_are_taken_once_and_with_their_counts() -> None:
    meter = Meter()
    for value in (1.0, 0.0, 1.0):
        meter.add(LAMBDA, (("FunctionName", "f"),), {"Errors": value})
    [(namespace, datum)] = meter.take()
    assert (namespace, datum["MetricName"], datum["Unit"]) == ("AWS/Lambda", "Errors", "Count")
    assert dict(zip(datum["Values"], datum["Counts"], strict=True)) == {0.0: 1.0, 1.0: 2.0}
    assert meter.take() == []


def test_many_values_are_rounded_until_they_are_few() -> None:
    meter = Meter(most_values=40)
    for number in range(1_000):
        meter.add(LAMBDA, (), {"Duration": 3 + number / 997})
    [(_, datum)] = meter.take()
    assert 10 <= len(datum["Values"]) <= 40
    assert (sum(datum["Counts"]), min(datum["Values"]), max(datum["Values"])) == (1_000, 3.0, 4.0)


def test_counting_costs_an_invocation_microseconds() -> None:
    meter, function = Meter(), Function("f", "", "$LATEST")
    values, began = {"Invocations": 1.0, "Errors": 0.0, "Throttles": 0.0, "Duration": 3.25}, time.thread_time()
    for _ in range(10_000):
        for dimensions in function.dimensions:
            meter.add(LAMBDA, dimensions, values)
    assert time.thread_time() - began < 1.0  # a function's own call takes 0.7 ms and more
    assert len(meter.take()) == 8


class Queues:
    """Two queues that are looked at, with a clock of the test's own."""

    def __init__(self, scale: float = 1.0) -> None:
        self.meter = Meter()
        self.held: dict[str, list[Message]] = {"q": [], "dead": []}
        self.metrics = QueueMetrics(self.meter, lambda: [*self.held.items()], scale)
        self.start = time.time()

    def look(self, after: float) -> dict[tuple[str, str], float]:
        """Look so many seconds after the start; the sums of what was counted since."""
        self.metrics.look(self.start + after)
        return {
            (datum["Dimensions"][0]["Value"], datum["MetricName"].removeprefix("ApproximateNumberOf")): sum(
                value * count for value, count in zip(datum["Values"], datum["Counts"], strict=True)
            )
            for namespace, datum in self.meter.take()
            if namespace == SQS.name
        }

    def message(self, after: float = 0.0, receive_count: int = 0, visible_after: float = 0.0) -> Message:
        return Message("m", "four", self.start + after, self.start + visible_after, receive_count)


def test_gauges_are_told_when_they_change_and_twice_a_minute() -> None:
    queues = Queues()
    assert queues.look(1) == {("q", "MessagesVisible"): 0, ("dead", "MessagesVisible"): 0}
    assert queues.look(2) == {}
    queues.held["q"] = [queues.message(after=2.5)]
    found = queues.look(3)
    assert found.pop(("q", "ApproximateAgeOfOldestMessage")) == 0
    assert found == {("q", "MessagesVisible"): 1, ("q", "NumberOfMessagesSent"): 1, ("q", "SentMessageSize"): 4}
    assert queues.look(4) == {}
    assert ("dead", "MessagesVisible") in queues.look(31.5)
    assert queues.look(33.5)[("q", "ApproximateAgeOfOldestMessage")] == 31


def test_with_a_time_scale_gauges_are_told_more_often() -> None:
    queues = Queues(scale=0.1)
    queues.look(1)
    assert queues.look(2) == {}
    assert ("q", "MessagesVisible") in queues.look(4.5)
    assert queues.look(6 * 360 + 60) == {}  # six hours are shorter, too


def test_a_queue_that_is_not_used_falls_silent_after_six_hours() -> None:
    queues = Queues()
    queues.look(1)
    assert queues.look(6 * 3600 - 60) != {}
    assert queues.look(6 * 3600 + 60) == {}
    queues.held["q"] = [queues.message(after=6 * 3600 + 61)]
    assert queues.look(6 * 3600 + 62)[("q", "MessagesVisible")] == 1


def test_a_message_is_as_old_as_it_is_in_the_queue_and_moved_not_sent() -> None:
    queues = Queues()
    queues.held["q"] = [queues.message(after=0.5)]
    queues.look(1)
    queues.held = {"q": [], "dead": [queues.message(after=0.5, receive_count=5)]}
    assert queues.look(100)[("dead", "ApproximateAgeOfOldestMessage")] == 0
    found = queues.look(140)
    assert found[("dead", "ApproximateAgeOfOldestMessage")] == 40
    assert ("dead", "NumberOfMessagesSent") not in found


def test_messages_in_flight_and_delayed_are_told_apart() -> None:
    queues = Queues()
    queues.held["q"] = [queues.message(visible_after=60)]
    assert queues.look(1)[("q", "MessagesDelayed")] == 1
    queues.held["q"] = [queues.message(visible_after=60, receive_count=1)]
    assert queues.look(2)[("q", "MessagesNotVisible")] == 1


def test_what_an_earlier_process_has_counted_is_not_counted_again() -> None:
    queues = Queues()
    queues.held["q"] = [queues.message(after=-10)]
    assert queues.look(1) == {
        ("q", "MessagesVisible"): 1,
        ("q", "ApproximateAgeOfOldestMessage"): 11,
        ("dead", "MessagesVisible"): 0,
    }

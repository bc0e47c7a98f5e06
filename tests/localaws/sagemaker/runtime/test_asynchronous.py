"""InvokeEndpointAsync: from S3 to S3, with notifications, and over a kill -9."""

import json
import os
import signal

import pytest
from botocore.exceptions import ClientError

from tests.conftest import until
from tests.localaws.sagemaker.conftest import bench_of, unique
from tests.localaws.sagemaker.hosting.conftest import Endpoints
from tests.localaws.sagemaker.runtime.observed import Watch


class Asynchronous:
    """An endpoint with a queue, and what comes out of it."""

    def __init__(self, endpoints: Endpoints, **members):
        self.bench, self.runtime = endpoints.bench, endpoints.runtime
        output = {"S3OutputPath": f"s3://{self.bench.bucket}/out", "S3FailurePath": f"s3://{self.bench.bucket}/failed"}
        config = {"OutputConfig": output | members.pop("OutputConfig", {}), **members}
        variant = endpoints.variant(endpoints.model("1"))
        self.name = endpoints.create(endpoints.config(variant, AsyncInferenceConfig=config))

    def invoke(self, body, **members):
        location = self.bench.put(unique("in"), json.dumps(body))
        return self.runtime.invoke_endpoint_async(
            EndpointName=self.name, InputLocation=location, ContentType="application/json", **members
        )

    def read(self, location):
        until(lambda: location.partition(self.bench.bucket + "/")[2] in self.bench.keys(""))
        return self.bench.read(location)


def topic_with_queue(local_aws):
    """A topic, and a function that gives what was published to it."""
    sns, sqs = local_aws.client("sns"), local_aws.client("sqs")
    topic = sns.create_topic(Name=unique("topic"))["TopicArn"]
    url = sqs.create_queue(QueueName=unique("queue"))["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)

    def receive():
        found = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=10).get("Messages", [])
        return json.loads(json.loads(found[0]["Body"])["Message"])

    return topic, receive


def test_the_answer_is_put_where_it_was_promised(endpoints, local_aws):
    queue = Asynchronous(endpoints)
    accepted = queue.invoke("x", InferenceId="inference-1")
    assert (accepted["ResponseMetadata"]["HTTPStatusCode"], accepted["InferenceId"]) == (202, "inference-1")
    assert json.loads(queue.read(accepted["OutputLocation"]))["version"] == "1"
    named = queue.invoke("x", S3OutputPathExtension="today", Filename="answer.json")
    assert named["OutputLocation"] == f"s3://{queue.bench.bucket}/out/today/answer.json"
    queue.read(named["OutputLocation"])
    upper = queue.name.upper()  # names of endpoints are the same in any case
    inline = queue.runtime.invoke_endpoint_async(EndpointName=upper, Body=b'"x"', ContentType="application/json")
    queue.read(inline["OutputLocation"])
    watch = Watch(local_aws, queue.name)
    until(lambda: watch.statistic("InvocationsProcessed", "Sum") == 3)
    assert watch.statistic("ModelLatency", "SampleCount") == 3
    assert watch.statistic("Invocations", "Sum") == 0


def test_an_input_is_of_its_objects_type_where_the_caller_names_none(endpoints):
    """SDK v2's AsyncPredictor gives the type to the object only."""
    queue = Asynchronous(endpoints)
    key = unique("in")
    queue.bench.s3.put_object(Bucket=queue.bench.bucket, Key=key, Body=b'"x"', ContentType="text/csv")
    for named, seen in (({}, "text/csv"), ({"ContentType": "application/json"}, "application/json")):
        accepted = queue.runtime.invoke_endpoint_async(
            EndpointName=queue.name, InputLocation=f"s3://{queue.bench.bucket}/{key}", **named
        )
        assert json.loads(queue.read(accepted["OutputLocation"]))["content_type"] == seen


def test_failures_are_kept_and_both_topics_are_told(endpoints, local_aws):
    (good, told), (bad, warned) = topic_with_queue(local_aws), topic_with_queue(local_aws)
    notify = {"NotificationConfig": {"SuccessTopic": good, "ErrorTopic": bad}}
    queue = Asynchronous(endpoints, OutputConfig=notify)
    accepted = queue.invoke("x", InferenceId="good")
    message = told()
    assert (message["invocationStatus"], message["inferenceId"], message["eventName"]) == (
        "Completed",
        "good",
        "InferenceResult",
    )
    assert message["responseParameters"]["outputLocation"] == accepted["OutputLocation"]
    assert message["requestParameters"]["endpointName"] == queue.name
    accepted = queue.invoke("fail", InferenceId="bad")
    message = warned()
    assert (message["invocationStatus"], message["inferenceId"]) == ("Failed", "bad")
    assert "Received server error (500) from primary" in message["failureReason"]
    assert b"The model failed" in queue.read(accepted["FailureLocation"])
    missing = f"s3://{queue.bench.bucket}/not-there"
    queue.runtime.invoke_endpoint_async(EndpointName=queue.name, InputLocation=missing)
    assert "Failed to download the input" in warned()["failureReason"]


def test_as_many_run_at_once_as_the_configuration_says(endpoints, local_aws):
    queue = Asynchronous(endpoints, ClientConfig={"MaxConcurrentInvocationsPerInstance": 1})
    accepted = [queue.invoke(0.4) for _ in range(4)]
    cloudwatch = Watch(local_aws, queue.name, variant_name=None)
    until(lambda: cloudwatch.statistic("ApproximateBacklogSize", "Maximum") >= 2)
    for one in accepted:
        queue.read(one["OutputLocation"])
    until(lambda: cloudwatch.statistic("ApproximateBacklogSize", "Minimum") == 0)
    assert Watch(local_aws, queue.name).statistic("ModelLatency", "Maximum") < 800_000


@pytest.mark.parametrize(
    ("members", "sentence"),
    [
        ({}, "either InputLocation or Body"),
        ({"InputLocation": "https://bucket/key"}, "is not an S3 URI"),
        ({"InputLocation": "s3://bucket/key", "EndpointName": "none"}, "Endpoint none of account"),
    ],
)
def test_what_cannot_be_carried_out_is_refused_at_once(endpoints, members, sentence):
    queue = Asynchronous(endpoints)
    with pytest.raises(ClientError, match=sentence) as error:
        queue.runtime.invoke_endpoint_async(**{"EndpointName": queue.name} | members)
    assert error.value.response["Error"]["Code"] == "ValidationError"


def test_each_kind_of_endpoint_has_its_own_way_in(endpoints):
    queue, other = Asynchronous(endpoints), endpoints.serve("1")
    with pytest.raises(ClientError, match="InvokeEndpointAsync"):
        endpoints.invoke(queue.name)
    with pytest.raises(ClientError, match="InvokeEndpointAsync"):
        queue.runtime.invoke_endpoint_with_response_stream(EndpointName=queue.name, Body=b"1")
    with pytest.raises(ClientError, match="is not asynchronous"):
        queue.runtime.invoke_endpoint_async(EndpointName=other, InputLocation="s3://bucket/key")


def test_without_an_instance_requests_wait_for_one(endpoints, local_aws):
    """AWS's guide "Autoscale an asynchronous endpoint": MinCapacity 0."""
    queue, scaling = Asynchronous(endpoints), local_aws.client("application-autoscaling")
    target = {
        "ServiceNamespace": "sagemaker",
        "ResourceId": f"endpoint/{queue.name}/variant/AllTraffic",
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
    }
    scaling.register_scalable_target(**target, MinCapacity=0, MaxCapacity=0)
    described = endpoints.bench.sagemaker.describe_endpoint
    until(lambda: described(EndpointName=queue.name)["ProductionVariants"][0]["CurrentInstanceCount"] == 0)
    accepted = queue.invoke("x")
    scaling.register_scalable_target(**target, MinCapacity=1, MaxCapacity=1)
    assert json.loads(queue.read(accepted["OutputLocation"]))["version"] == "1"
    synchronous = {**target, "ResourceId": f"endpoint/{endpoints.serve('1')}/variant/AllTraffic"}
    with pytest.raises(ClientError, match="at least 1 instance, not 0"):
        scaling.register_scalable_target(**synchronous, MinCapacity=0, MaxCapacity=1)


def test_after_kill_nine_what_was_accepted_is_answered(own_local_aws):
    aws = own_local_aws()
    queue = Asynchronous(
        Endpoints(bench_of(aws), aws.client("sagemaker-runtime")),
        ClientConfig={"MaxConcurrentInvocationsPerInstance": 1},
    )
    accepted = [queue.invoke(0.5) for _ in range(5)]
    queue.read(accepted[0]["OutputLocation"])
    for pid in aws.pids().values():
        os.kill(pid, signal.SIGKILL)

    again = own_local_aws()
    queue.bench = type(queue.bench)(
        again.client("sagemaker"), again.client("s3"), again.client("logs"), queue.bench.bucket
    )
    assert queue.bench.keys("out/") != []
    for one in accepted:
        assert json.loads(queue.read(one["OutputLocation"]))["version"] == "1"

"""S3's events on the event bus, in the shape that the S3 User Guide shows ("EventBridge event message structure")."""

import io
import json
import uuid
from typing import Any

import pytest
from boto3.s3.transfer import TransferConfig

from tests.conftest import LocalAws
from tests.localaws.queues import messages, new_queue

MEBIBYTE = 1 << 20


class Heard:
    """A bucket whose events go to a queue."""

    def __init__(self, local_aws: LocalAws, bucket: str) -> None:
        self._local_aws, self.bucket, self.s3 = local_aws, bucket, local_aws.client("s3")
        self._url, arn = new_queue(local_aws, "objects")
        events = local_aws.client("events")
        pattern = {"source": ["aws.s3"], "detail": {"bucket": {"name": [bucket]}}}
        events.put_rule(Name=bucket, EventPattern=json.dumps(pattern))
        events.put_targets(Rule=bucket, Targets=[{"Id": "q", "Arn": arn}])

    def next(self) -> dict[str, Any]:
        """The next event."""
        [message] = messages(self._local_aws, self._url, 1)
        found: dict[str, Any] = json.loads(message["Body"])
        return found


@pytest.fixture
def heard(local_aws: LocalAws) -> Heard:
    bucket, s3 = f"heard-{uuid.uuid4().hex[:8]}", local_aws.client("s3")
    s3.create_bucket(Bucket=bucket)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={"EventBridgeConfiguration": {}})
    return Heard(local_aws, bucket)


def test_an_object_is_announced_by_how_it_came(heard: Heard) -> None:
    key = "batchdata/input/a file+1.csv"
    put = heard.s3.put_object(Bucket=heard.bucket, Key=key, Body=b"1,2\n")
    event = heard.next()
    assert (event["detail-type"], event["resources"]) == ("Object Created", [f"arn:aws:s3:::{heard.bucket}"])
    detail = event["detail"]
    assert detail["object"].pop("sequencer")
    assert detail["object"] == {
        "key": key,
        "size": 4,
        "etag": put["ETag"].strip('"'),
        "version-id": put["VersionId"],
    }
    assert set(detail) == {"version", "bucket", "object", "request-id", "requester", "source-ip-address", "reason"}
    assert (detail["version"], detail["reason"]) == ("0", "PutObject")

    heard.s3.copy_object(Bucket=heard.bucket, Key="copied", CopySource={"Bucket": heard.bucket, "Key": key})
    detail = heard.next()["detail"]
    assert (detail["reason"], detail["object"]["key"], detail["object"]["size"]) == ("CopyObject", "copied", 4)

    config = TransferConfig(multipart_threshold=5 * MEBIBYTE, multipart_chunksize=5 * MEBIBYTE)
    heard.s3.upload_fileobj(io.BytesIO(bytes(6 * MEBIBYTE)), heard.bucket, "large", Config=config)
    detail = heard.next()["detail"]
    assert (detail["reason"], detail["object"]["size"]) == ("CompleteMultipartUpload", 6 * MEBIBYTE)

    marker = heard.s3.delete_object(Bucket=heard.bucket, Key="copied")
    event = heard.next()
    assert event["detail-type"] == "Object Deleted"
    detail = event["detail"]
    assert (detail["deletion-type"], detail["object"]["version-id"]) == ("Delete Marker Created", marker["VersionId"])


def test_a_stacks_bucket_announces_too(local_aws: LocalAws) -> None:
    notification = {"EventBridgeConfiguration": {"EventBridgeEnabled": True}}
    bucket = {"Type": "AWS::S3::Bucket", "Properties": {"NotificationConfiguration": notification}}
    stacks, name = local_aws.client("cloudformation"), f"heard-{uuid.uuid4().hex[:8]}"
    stacks.create_stack(StackName=name, TemplateBody=json.dumps({"Resources": {"Bucket": bucket}}))
    stacks.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1})
    resource = stacks.describe_stack_resource(StackName=name, LogicalResourceId="Bucket")["StackResourceDetail"]
    heard = Heard(local_aws, resource["PhysicalResourceId"])
    heard.s3.put_object(Bucket=heard.bucket, Key="k", Body=b"")
    assert heard.next()["detail"]["object"]["key"] == "k"

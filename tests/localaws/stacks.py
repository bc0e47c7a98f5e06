"""Stacks of tests, and resources for them."""

import json
import time
import uuid
from typing import Any

from tests.conftest import LocalAws

Document = dict[str, Any]
ROLE = "arn:aws:iam::000000000000:role/any"


def unique() -> str:
    return f"exact-{uuid.uuid4().hex[:12]}"


class Stacks:
    """Stacks of tests."""

    def __init__(self, aws: LocalAws) -> None:
        self.client = aws.client("cloudformation")

    def make(self, name: str, resources: Document, *, update: bool = False, **request: Any) -> str:
        """Create or update a stack; its status in the end."""
        operation = self.client.update_stack if update else self.client.create_stack
        body = json.dumps({"Resources": resources})
        operation(StackName=name, TemplateBody=body, Capabilities=["CAPABILITY_NAMED_IAM"], **request)
        return self.end(name)

    def end(self, name: str) -> str:
        deadline = time.monotonic() + 60
        while True:
            [stack] = self.client.describe_stacks(StackName=name)["Stacks"]
            if not stack["StackStatus"].endswith("IN_PROGRESS"):
                return str(stack["StackStatus"])
            assert time.monotonic() < deadline, stack
            time.sleep(0.05)

    def delete(self, name: str, status: str = "DELETE_COMPLETE") -> None:
        [stack] = self.client.describe_stacks(StackName=name)["Stacks"]
        self.client.delete_stack(StackName=name)
        assert self.end(stack["StackId"]) == status, self.reasons(stack["StackId"])

    def reasons(self, name: str) -> str:
        events = self.client.describe_stack_events(StackName=name)["StackEvents"]
        return " ".join(event.get("ResourceStatusReason", "") for event in events)


def bucket(name: str, **properties: Any) -> Document:
    return {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": name, **properties}}


def function(name: str, **properties: Any) -> Document:
    code = {"ZipFile": "def handler(event, context):\n    return 1\n"}
    own = {"FunctionName": name, "Runtime": "python3.12", "Handler": "index.handler", "Role": ROLE, "Code": code}
    return {"Type": "AWS::Lambda::Function", "Properties": {**own, **properties}}


def nested(local_aws: LocalAws, name: str, resources: Document) -> Document:
    """A stack in a stack, whose template is in a bucket of that name."""
    s3 = local_aws.client("s3")
    s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=name, Key="inner.yml", Body=json.dumps({"Resources": resources}).encode())
    url = f"https://{name}.s3.us-east-1.amazonaws.com/inner.yml"
    return {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": url}}


def n_queues(local_aws: LocalAws, name: str) -> int:
    return len(local_aws.client("sqs").list_queues(QueueNamePrefix=name).get("QueueUrls", []))

"""The stack of automation.yml on the real local AWS, with what stands around it in a project."""

import json
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from deploy import artifacts, stages
from tests.conftest import LocalAws

TEMPLATE = stages.FOLDER / "templates" / "automation.yml"
CODE = stages.FOLDER / "functions" / "automation"
# Long enough for several files to be put, short enough to be waited for.
QUIET_SECONDS = 2


@dataclass(frozen=True)
class Automation:
    """A project with its automation.

    Attributes
    ----------
    aws : LocalAws
    name : str
        Of the project, its model package group and its buckets.
    outputs : dict of str to str
        Of the stack.
    inbox : str
        URL of a queue to which the topic delivers what people are told.
    """

    aws: LocalAws
    name: str
    outputs: dict[str, str]
    inbox: str

    def mails(self) -> list[dict[str, str]]:
        """The mails that have come since it was asked last."""
        sqs, found = self.aws.client("sqs"), []
        while messages := sqs.receive_message(QueueUrl=self.inbox, MaxNumberOfMessages=10).get("Messages"):
            found += [json.loads(message["Body"]) for message in messages]
            for message in messages:
                sqs.delete_message(QueueUrl=self.inbox, ReceiptHandle=message["ReceiptHandle"])
        return found

    def mail(self, subject: str, seconds: float = 30) -> dict[str, str]:
        """The first mail with this in its subject; others are thrown away."""
        deadline = time.monotonic() + seconds
        while True:
            for mail in self.mails():
                if subject in mail["Subject"]:
                    return mail
            assert time.monotonic() < deadline, f"no mail with {subject!r} in its subject"
            time.sleep(0.05)

    def log(self, function: str) -> list[dict[str, Any]]:
        """What a function has said of its messages."""
        pages = self.aws.client("logs").get_paginator("filter_log_events")
        lines = [
            event["message"]
            for page in pages.paginate(logGroupName=f"/aws/lambda/{self.name}-{function}")
            for event in page["events"]
        ]
        return [json.loads(line) for line in lines if line.startswith("{")]

    def wait_for_log(self, function: str, wanted: Callable[[dict[str, Any]], bool], count: int = 1) -> list[Any]:
        """Wait until a function has said such a thing so often."""
        deadline = time.monotonic() + 30
        while len(found := [entry for entry in self.log(function) if wanted(entry)]) < count:
            assert time.monotonic() < deadline, self.log(function)
            time.sleep(0.1)
        return found

    def deliver(self, function: str, event: dict[str, Any], times: int) -> None:
        """Put an event into a function's queue, as EventBridge does, so many times."""
        sqs = self.aws.client("sqs")
        url = sqs.get_queue_url(QueueName=f"{self.name}-{function}")["QueueUrl"]
        for _ in range(times):
            sqs.send_message(QueueUrl=url, MessageBody=json.dumps(event))

    def item(self, table: str, key: dict[str, Any]) -> dict[str, Any]:
        """An item of a table of the project; empty when there is none."""
        dynamodb = self.aws.client("dynamodb")
        found: dict[str, Any] = dynamodb.get_item(TableName=f"{self.name}-{table}", Key=key).get("Item", {})
        return found


def provision(aws: LocalAws) -> Automation:
    """Make a project's buckets, group and key, and its automation out of the template."""
    name = f"auto-{uuid.uuid4().hex[:8]}"
    s3 = aws.client("s3")
    for bucket in (name, f"{name}-data"):
        s3.create_bucket(Bucket=bucket)
    s3.put_bucket_notification_configuration(
        Bucket=f"{name}-data", NotificationConfiguration={"EventBridgeConfiguration": {}}
    )
    s3.put_object(Bucket=name, Key="functions/automation.zip", Body=artifacts.pack(CODE))
    aws.client("sagemaker").create_model_package_group(ModelPackageGroupName=name)
    parameters = {
        "SageMakerProjectName": name,
        "SageMakerProjectId": "p-1",
        "ModelPackageGroupName": name,
        "ArtifactBucketName": name,
        "DataBucketName": f"{name}-data",
        "TrainingPipelineName": name,
        "BatchPipelineName": f"{name}-batch",
        "DeployPipelineName": f"{name}-deploy",
        "NotificationEmails": "ada@example.com,grace@example.com,,,",
        "RetrainingSchedule": "rate(7 days)",
        "QuietMinutes": str(QUIET_SECONDS / 60),
        "KmsKeyArn": aws.client("kms").create_key()["KeyMetadata"]["Arn"],
        "FunctionCodeBucket": name,
        "FunctionCodePrefix": "functions",
    }
    outputs = _stack(aws, f"{name}-automation", parameters)
    inbox = aws.client("sqs").create_queue(QueueName=f"{name}-inbox")["QueueUrl"]
    aws.client("sns").subscribe(
        TopicArn=outputs["NotificationTopicArn"],
        Protocol="sqs",
        Endpoint=f"arn:aws:sqs:us-east-1:000000000000:{name}-inbox",
    )
    return Automation(aws, name, outputs, inbox)


def _stack(aws: LocalAws, stack_name: str, parameters: dict[str, str]) -> dict[str, str]:
    cloudformation = aws.client("cloudformation")
    cloudformation.create_stack(
        StackName=stack_name,
        TemplateBody=TEMPLATE.read_text(),
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        Capabilities=["CAPABILITY_IAM"],
    )
    deadline = time.monotonic() + 60
    while (stack := cloudformation.describe_stacks(StackName=stack_name)["Stacks"][0])[
        "StackStatus"
    ] != "CREATE_COMPLETE":
        assert stack["StackStatus"] == "CREATE_IN_PROGRESS", cloudformation.describe_stack_events(StackName=stack_name)[
            "StackEvents"
        ]
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}

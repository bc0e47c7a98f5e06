"""The stack of automation.yml on the real local AWS, with what stands around it in a project."""

import json
import time
import uuid
from dataclasses import dataclass
from typing import Any

from deploy import artifacts, stages
from model_road.aws import object_url
from tests.conftest import LocalAws
from tests.localaws.services.pipelines import Pipelines, action, source, stage

TEMPLATE = stages.FOLDER / "templates" / "automation.yml"
CODE = stages.FOLDER / "functions" / "automation"
# Long enough for several files to be put, short enough to be waited for.
QUIET_SECONDS = 2
# Of the batch pipeline; training has the first.
PARAMETERS = ("InputDataUrl", "InputDataType", "OutputDataUrl")


_ROLE = "arn:aws:iam::000000000000:role/pipelines"
_IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.4-2-cpu-py3"


def processing(command: str) -> dict[str, Any]:
    """A request for a processing job that runs a line of Python, without its name."""
    cluster = {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}
    return {
        "RoleArn": _ROLE,
        "AppSpecification": {"ImageUri": _IMAGE, "ContainerEntrypoint": ["python3", "-c", command]},
        "ProcessingResources": {"ClusterConfig": cluster},
    }


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

    def mail(self, subject: str, seconds: float = 60) -> dict[str, str]:
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

    def wait_until_worked_through(self, function: str, left: int = 0) -> None:
        """Wait until no message is in a function's queue any more, but for those that have failed.

        The log is no measure: MiniStack shows a function's last lines with its next invocation.
        """
        sqs, deadline = self.aws.client("sqs"), time.monotonic() + 60
        url = sqs.get_queue_url(QueueName=f"{self.name}-{function}")["QueueUrl"]
        names = [f"ApproximateNumberOfMessages{which}" for which in ("", "NotVisible", "Delayed")]
        while True:
            found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
            if sum(map(int, found.values())) == left:
                return
            assert time.monotonic() < deadline, found
            time.sleep(0.05)

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
    _pipelines(aws, name)
    _release(aws, name)
    parameters = {
        "SageMakerProjectName": name,
        "SageMakerProjectId": "p-1",
        "ModelPackageGroupName": name,
        "ArtifactBucketName": name,
        "DataBucketName": f"{name}-data",
        "TrainingPipelineName": name,
        "BatchPipelineName": f"{name}-batch",
        "DeployPipelineName": f"{name}-deploy",
        "NotificationEmail1": "ada@example.com",
        "NotificationEmail2": "grace@example.com",
        "RetrainingSchedule": "rate(7 days)",
        "QuietMinutes": str(QUIET_SECONDS / 60),
        "KmsKeyArn": aws.client("kms").create_key()["KeyMetadata"]["Arn"],
        "FunctionCodeBucket": name,
        "FunctionCodePrefix": "functions",
    }
    outputs = _stack(aws, name, parameters)
    inbox = aws.client("sqs").create_queue(QueueName=f"{name}-inbox")["QueueUrl"]
    aws.client("sns").subscribe(
        TopicArn=outputs["NotificationTopicArn"],
        Protocol="sqs",
        Endpoint=f"arn:aws:sqs:us-east-1:000000000000:{name}-inbox",
    )
    return Automation(aws, name, outputs, inbox)


def _pipelines(aws: LocalAws, name: str) -> None:
    """A training pipeline whose job fails, and a batch pipeline that fails without a job."""
    train = {"Type": "Processing", "Arguments": processing("import sys; sys.exit('no target column')")}
    stop = {"Type": "Fail", "Arguments": {"ErrorMessage": {"Get": "Parameters.InputDataUrl"}}}
    parameters = [{"Name": parameter, "Type": "String", "DefaultValue": "none"} for parameter in PARAMETERS]
    for pipeline, step in ((name, train), (f"{name}-batch", stop)):
        definition = {"Version": "2020-12-01", "Parameters": parameters, "Steps": [{"Name": "Only", **step}]}
        aws.client("sagemaker").create_pipeline(
            PipelineName=pipeline, PipelineDefinition=json.dumps(definition), RoleArn=_ROLE
        )


def _release(aws: LocalAws, name: str) -> None:
    """ModelDeploy, in short: it waits for an approval."""
    pipelines = Pipelines(aws)
    wait = action("Approval", "Manual", "ApproveDeployment", timeoutInMinutes=5)
    pipelines.create(stage("Source", source(pipelines.repository())), stage("DeployProd", wait), name=f"{name}-deploy")


def _stack(aws: LocalAws, name: str, parameters: dict[str, str]) -> dict[str, str]:
    # Too long to be sent: it is nested by its URL in a project, too.
    aws.client("s3").put_object(Bucket=name, Key="automation.yml", Body=TEMPLATE.read_bytes())
    cloudformation, stack_name = aws.client("cloudformation"), f"{name}-automation"
    cloudformation.create_stack(
        StackName=stack_name,
        TemplateURL=object_url("us-east-1", name, "automation.yml"),
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

"""What the tests of the local SageMaker share: clients, a bucket of the test's own, and requests to begin from."""

import json
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from tests.conftest import LocalAws

Document = dict[str, Any]

IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.4-2-py312-cpu-py3"
ROLE = "arn:aws:iam::000000000000:role/Execution"
_BOUND_SECONDS = 60


@dataclass(frozen=True)
class Bench:
    """The clients and the bucket of one test."""

    sagemaker: Any
    s3: Any
    logs: Any
    bucket: str

    def put(self, key: str, body: str | bytes) -> str:
        """Store an object; its URI."""
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=body)
        return f"s3://{self.bucket}/{key}"

    def read(self, uri: str) -> bytes:
        """The bytes of an object."""
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        body: bytes = self.s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        return body

    def keys(self, prefix: str) -> list[str]:
        """The keys under a prefix of the bucket."""
        rows = self.s3.list_objects_v2(Bucket=self.bucket, Prefix=prefix).get("Contents", [])
        return [row["Key"] for row in rows]

    def processing(self, script: str, **members: Any) -> Document:
        """A request for a processing job that runs a Python script."""
        name = unique("processing")
        code = self.put(f"code/{name}/script.py", script)
        inputs = [processing_input("code", code, "/opt/ml/processing/input/code"), *members.pop("ProcessingInputs", [])]
        return {
            "ProcessingJobName": name,
            "RoleArn": ROLE,
            "AppSpecification": {
                "ImageUri": IMAGE,
                "ContainerEntrypoint": ["python3", "/opt/ml/processing/input/code/script.py"],
            },
            "ProcessingResources": {
                "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.xlarge", "VolumeSizeInGB": 1}
            },
            "ProcessingInputs": inputs,
            **members,
        }

    def training(self, script: str, **members: Any) -> Document:
        """A request for a training job that runs a Python script."""
        name = unique("training")
        code = self.put(f"code/{name}/script.py", script)
        channels = [channel("code", code), *members.pop("InputDataConfig", [])]
        algorithm = {
            "TrainingImage": IMAGE,
            "TrainingInputMode": "File",
            "ContainerEntrypoint": ["python3", "/opt/ml/input/data/code/script.py"],
            **members.pop("AlgorithmSpecification", {}),
        }
        return {
            "TrainingJobName": name,
            "RoleArn": ROLE,
            "AlgorithmSpecification": algorithm,
            "InputDataConfig": channels,
            "OutputDataConfig": {"S3OutputPath": f"s3://{self.bucket}/models"},
            "ResourceConfig": {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 1},
            "StoppingCondition": {"MaxRuntimeInSeconds": 60},
            **members,
        }

    def run_processing(self, request: Document) -> Document:
        """Create a processing job and wait for its end; what Describe says then."""
        self.sagemaker.create_processing_job(**request)
        return self.wait("processing", request["ProcessingJobName"])

    def run_training(self, request: Document) -> Document:
        """Create a training job and wait for its end; what Describe says then."""
        self.sagemaker.create_training_job(**request)
        return self.wait("training", request["TrainingJobName"])

    def wait(self, noun: str, name: str) -> Document:
        """Wait for the end of a job."""
        describe = getattr(self.sagemaker, f"describe_{noun}_job")
        deadline = time.monotonic() + _BOUND_SECONDS
        while time.monotonic() < deadline:
            job: Document = describe(**{f"{noun.title()}JobName": name})
            if job[f"{noun.title()}JobStatus"] in ("Completed", "Failed", "Stopped"):
                return job
            time.sleep(0.02)
        raise AssertionError(f"{name} did not end")

    def log(self, noun: str, name: str) -> list[str]:
        """What a job printed, from CloudWatch Logs, without the line about what stands for its image."""
        group = f"/aws/sagemaker/{noun.title()}Jobs"
        streams = self.logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=f"{name}/")["logStreams"]
        return [
            event["message"]
            for stream in streams
            for event in self.logs.get_log_events(
                logGroupName=group, logStreamName=stream["logStreamName"], startFromHead=True
            )["events"]
            if not event["message"].startswith("local-aws: ")
        ]

    def run_pipeline(self, definition: str, **parameters: str) -> Document:
        """Create and start a pipeline; what Describe says of the execution at its end."""
        name = unique("pipeline")
        self.sagemaker.create_pipeline(PipelineName=name, PipelineDefinition=definition, RoleArn=ROLE)
        arn = self.start(name, **parameters)
        return self.wait_for_execution(arn)

    def start(self, pipeline_name: str, **parameters: str) -> str:
        """Start an execution; its ARN."""
        values = [{"Name": key, "Value": value} for key, value in parameters.items()]
        started = self.sagemaker.start_pipeline_execution(PipelineName=pipeline_name, PipelineParameters=values)
        arn: str = started["PipelineExecutionArn"]
        return arn

    def wait_for_execution(self, arn: str) -> Document:
        """Wait for the end of an execution."""
        deadline = time.monotonic() + _BOUND_SECONDS
        while time.monotonic() < deadline:
            execution: Document = self.sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)
            if execution["PipelineExecutionStatus"] in ("Succeeded", "Failed", "Stopped"):
                return execution
            time.sleep(0.02)
        raise AssertionError(f"{arn} did not end")

    def steps(self, arn: str) -> dict[str, Document]:
        """The steps of an execution by name."""
        pages = self.sagemaker.get_paginator("list_pipeline_execution_steps").paginate(PipelineExecutionArn=arn)
        return {step["StepName"]: step for page in pages for step in page["PipelineExecutionSteps"]}


class EventQueue:
    """A queue that gets SageMaker's events of one detail-type from the event bus."""

    def __init__(self, aws: LocalAws, detail_type: str) -> None:
        self._sqs, events = aws.client("sqs"), aws.client("events")
        self._url = self._sqs.create_queue(QueueName=unique("queue"))["QueueUrl"]
        attributes = self._sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=["QueueArn"])["Attributes"]
        rule = unique("rule")
        pattern = {"source": ["aws.sagemaker"], "detail-type": [detail_type]}
        events.put_rule(Name=rule, EventPattern=json.dumps(pattern))
        events.put_targets(Rule=rule, Targets=[{"Id": "queue", "Arn": attributes["QueueArn"]}])

    def statuses(self, member: str, about: tuple[str, str], last: str) -> list[str]:
        """The values of a member of the events about one thing, until the last one has come."""
        return [detail[member] for detail in self.details(about, lambda detail: detail[member] == last)]

    def details(self, about: tuple[str, str], is_last: Callable[[Document], bool]) -> list[Document]:
        """The details of the events about one thing, until the last one has come."""
        seen: list[Document] = []
        deadline = time.monotonic() + 60
        while not any(is_last(detail) for detail in seen):
            assert time.monotonic() < deadline, seen
            for message in self._sqs.receive_message(QueueUrl=self._url, MaxNumberOfMessages=10).get("Messages", []):
                detail = json.loads(message["Body"])["detail"]
                if detail[about[0]] == about[1]:
                    seen.append(detail)
        return seen


def unique(name: str) -> str:
    """A name that no other test uses."""
    return f"{name}-{uuid.uuid4().hex[:12]}"


def processing_input(name: str, uri: str, path: str) -> Document:
    """A ProcessingInput from S3."""
    source = {"S3Uri": uri, "LocalPath": path, "S3DataType": "S3Prefix", "S3InputMode": "File"}
    return {"InputName": name, "S3Input": source}


def processing_output(name: str, uri: str, path: str) -> Document:
    """A ProcessingOutput to S3."""
    return {"OutputName": name, "S3Output": {"S3Uri": uri, "LocalPath": path, "S3UploadMode": "EndOfJob"}}


def channel(name: str, uri: str) -> Document:
    """A training channel from S3."""
    return {"ChannelName": name, "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": uri}}}


def bench_of(aws: LocalAws) -> Bench:
    """Clients of a local AWS, and a new bucket."""
    bench = Bench(aws.client("sagemaker"), aws.client("s3"), aws.client("logs"), unique("bucket"))
    bench.s3.create_bucket(Bucket=bench.bucket)
    return bench


@pytest.fixture
def bench(local_aws: LocalAws) -> Bench:
    """Clients of the shared local AWS, and a bucket of the test's own."""
    return bench_of(local_aws)

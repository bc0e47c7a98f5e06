"""endpoint.yml on the real local AWS: a bad version cannot stay, whatever it does wrong."""

import io
import json
import tarfile
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from tests.conftest import LocalAws
from tests.deploy.conftest import IMAGE, ROLE, hasty_local_aws

TEMPLATE = Path(__file__).parents[2] / "deploy" / "templates" / "endpoint.yml"
SCRIPT = """
import time
def model_fn(d):
    return open(d + "/version").read()
def transform_fn(model, body, content_type, accept):
    if model == "fails":
        raise RuntimeError
    time.sleep(0.3 if model == "slow" else 0)
    return model
"""


@pytest.fixture(scope="module")
def local_aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """A local AWS in which an alarm's minute takes two seconds: metrics come each second."""
    yield from hasty_local_aws(tmp_path_factory.mktemp("hasty") / "state", 1 / 30)


@dataclass
class Deployed:
    """A stack of endpoint.yml."""

    aws: LocalAws
    name: str
    bucket: str
    parameters: dict[str, str] = field(default_factory=dict)

    def package(self, version: str) -> str:
        """Register a version."""
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
            for path, text in {"version": version, "code/inference.py": SCRIPT}.items():
                entry = tarfile.TarInfo(path)
                entry.size = len(text)
                archive.addfile(entry, io.BytesIO(text.encode()))
        self.aws.client("s3").put_object(Bucket=self.bucket, Key=f"{version}.tar.gz", Body=buffer.getvalue())
        container = {"Image": IMAGE, "ModelDataUrl": f"s3://{self.bucket}/{version}.tar.gz"}
        types = {"SupportedContentTypes": ["text/csv"], "SupportedResponseMIMETypes": ["text/csv"]}
        made = self.aws.client("sagemaker").create_model_package(
            ModelPackageGroupName=self.name,
            ModelApprovalStatus="Approved",
            InferenceSpecification={"Containers": [container], **types},
        )
        return str(made["ModelPackageArn"])

    def deploy(self, version: str, **parameters: str) -> str:
        """Create or update the stack; its status in the end."""
        client = self.aws.client("cloudformation")
        self.parameters |= {"ModelPackageName": self.package(version), **parameters}
        values = [{"ParameterKey": key, "ParameterValue": value} for key, value in self.parameters.items()]
        operation = client.update_stack if version != "1" else client.create_stack
        operation(StackName=self.name, TemplateBody=TEMPLATE.read_text(), Parameters=values)
        deadline = time.monotonic() + 60
        while True:
            [stack] = client.describe_stacks(StackName=self.name)["Stacks"]
            if not stack["StackStatus"].endswith("IN_PROGRESS"):
                return str(stack["StackStatus"])
            assert time.monotonic() < deadline, stack
            time.sleep(0.05)

    def invoke(self) -> str:
        """Who answers: the version, or the error's code."""
        runtime = self.aws.client("sagemaker-runtime")
        try:
            answer = runtime.invoke_endpoint(EndpointName=f"{self.name}-test", Body=b"x", ContentType="text/csv")
            return answer["Body"].read().decode()
        except ClientError as error:
            return str(error.response["Error"]["Code"])


@pytest.fixture
def deployed(local_aws: LocalAws) -> Deployed:
    name = f"t-{uuid.uuid4().hex[:8]}"
    local_aws.client("s3").create_bucket(Bucket=name)
    local_aws.client("sagemaker").create_model_package_group(ModelPackageGroupName=name)
    parameters = {
        "SageMakerProjectName": name,
        "StageName": "test",
        "ModelExecutionRoleArn": ROLE,
        "DataCaptureUploadPath": f"s3://{name}/capture",
    }
    return Deployed(local_aws, name, name, parameters)


class Callers:
    """Ask without a pause, and keep what was answered."""

    def __init__(self, deployed: Deployed) -> None:
        self.answers: list[str] = []
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(deployed,)) for _ in range(3)]
        for thread in self._threads:
            thread.start()

    def _ask(self, deployed: Deployed) -> None:
        while not self._stop.is_set():
            self.answers.append(deployed.invoke())

    def end(self) -> list[str]:
        """All answers."""
        self._stop.set()
        for thread in self._threads:
            thread.join()
        return self.answers


def test_a_good_version_takes_over_in_steps_without_a_failed_request(deployed: Deployed):
    assert deployed.deploy("1") == "CREATE_COMPLETE"
    callers = Callers(deployed)
    linear = {"TrafficRoutingType": "LINEAR", "TrafficStepPercent": "25", "TrafficWaitSeconds": "20"}
    assert deployed.deploy("2", **linear) == "UPDATE_COMPLETE"
    answers = callers.end()
    assert set(answers) == {"1", "2"}
    assert deployed.invoke() == "2"


@pytest.mark.parametrize(
    ("version", "thresholds"),
    [("fails", {}), ("slow", {"LatencyThresholdMicroseconds": "200000"})],
)
def test_a_bad_canary_is_rolled_back_by_its_alarm(deployed: Deployed, version: str, thresholds: dict[str, str]):
    assert deployed.deploy("1") == "CREATE_COMPLETE"
    callers = Callers(deployed)
    canary = {"TrafficStepPercent": "30", "TrafficWaitSeconds": "3600", **thresholds}
    assert deployed.deploy(version, **canary) == "UPDATE_ROLLBACK_COMPLETE"
    answers = callers.end()
    assert deployed.invoke() == "1"
    bad = sum(answer != "1" for answer in answers)
    assert 0 < bad <= 0.45 * len(answers)
    events = deployed.aws.client("cloudformation").describe_stack_events(StackName=deployed.name)["StackEvents"]
    assert any("alarms are in ALARM" in event.get("ResourceStatusReason", "") for event in events)


def test_what_the_stack_has(deployed: Deployed):
    assert deployed.deploy("1") == "CREATE_COMPLETE"
    sagemaker, cloudwatch = deployed.aws.client("sagemaker"), deployed.aws.client("cloudwatch")
    endpoint = sagemaker.describe_endpoint(EndpointName=f"{deployed.name}-test")
    config = sagemaker.describe_endpoint_config(EndpointConfigName=endpoint["EndpointConfigName"])
    assert config["DataCaptureConfig"]["KmsKeyId"].startswith("arn:aws:kms:")
    alarms = cloudwatch.describe_alarms(AlarmNamePrefix=f"{deployed.name}-test-")["MetricAlarms"]
    assert len(alarms) == 3
    assert json.loads(cloudwatch.get_dashboard(DashboardName=f"{deployed.name}-test")["DashboardBody"])["widgets"]

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
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.conftest import LocalAws, until
from tests.deploy.conftest import IMAGE, ROLE, hasty_local_aws

TEMPLATE = Path(__file__).parents[2] / "deploy" / "templates" / "endpoint.yml"
KEY = "arn:aws:kms:us-east-1:000000000000:key/11111111-2222-3333-4444-555555555555"
SCRIPT = """
import random, time
def model_fn(d):
    return open(d + "/version").read()
def transform_fn(model, body, content_type, accept):
    if model == "fails" or model == "flaky" and random.random() < 0.4:
        raise RuntimeError
    if body in ("wrong", b"wrong"):
        raise ValueError
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

    def invoke(self, body: bytes = b"x") -> str:
        """Who answers: the version, or the error's code."""
        runtime = self.aws.client("sagemaker-runtime")
        try:
            answer = runtime.invoke_endpoint(EndpointName=f"{self.name}-test", Body=body, ContentType="text/csv")
            return answer["Body"].read().decode()
        except ClientError as error:
            return str(error.response["Error"]["Code"])

    @property
    def config_name(self) -> str:
        """The endpoint configuration in service."""
        found = self.aws.client("sagemaker").describe_endpoint(EndpointName=f"{self.name}-test")
        return str(found["EndpointConfigName"])

    def alarm(self, alarm: str) -> str:
        """An alarm's state: that of the fleet in service."""
        client, name = self.aws.client("cloudwatch"), f"{self.name}-test-{alarm}-{self.config_name}"
        [found] = client.describe_alarms(AlarmNames=[name])["MetricAlarms"]
        return str(found["StateValue"])

    def reasons(self) -> str:
        """Why resources of the stack could not be what they should."""
        events = self.aws.client("cloudformation").describe_stack_events(StackName=self.name)["StackEvents"]
        return " ".join(event.get("ResourceStatusReason", "") for event in events)

    def n_model_errors(self) -> float:
        """How many answers other than 2XX CloudWatch knows of."""
        found = self.aws.client("cloudwatch").get_metric_statistics(
            Namespace="AWS/SageMaker",
            MetricName="InvocationModelErrors",
            Dimensions=[
                {"Name": "EndpointName", "Value": f"{self.name}-test"},
                {"Name": "VariantName", "Value": "AllTraffic"},
            ],
            StartTime=time.time() - 3600,
            EndTime=time.time() + 60,
            Period=60,
            Statistics=["Sum"],
        )
        return float(sum(point["Sum"] for point in found["Datapoints"]))


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
    """Ask again and again, and keep what was answered."""

    def __init__(self, deployed: Deployed, n_callers: int = 3, pause: float = 0) -> None:
        self.answers: list[str] = []
        self._stop, self._pause = threading.Event(), pause
        self._threads = [threading.Thread(target=self._ask, args=(deployed,)) for _ in range(n_callers)]
        for thread in self._threads:
            thread.start()

    def _ask(self, deployed: Deployed) -> None:
        while not self._stop.wait(self._pause):
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
    [
        ("fails", {}),
        ("slow", {"LatencyThresholdMicroseconds": "200000"}),
        # Of all answers fewer fail than the threshold says, of the canary's own more.
        ("flaky", {"TrafficStepPercent": "10"}),
    ],
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
    assert "alarms are in ALARM" in deployed.reasons()


def test_a_production_that_fails_is_mended(deployed: Deployed):
    """The alarm of what is there is in ALARM, and all the time: it is not about what comes."""
    assert deployed.deploy("1", TrafficWaitSeconds="60") == "CREATE_COMPLETE"
    assert deployed.deploy("fails", DeploymentGuardrails="UNWATCHED") == "UPDATE_COMPLETE"
    callers = Callers(deployed)
    until(lambda: deployed.alarm("5xx") == "ALARM")
    failing = deployed.config_name
    status = deployed.deploy("2", DeploymentGuardrails="WATCHED")
    callers.end()
    assert status == "UPDATE_COMPLETE", deployed.reasons()
    assert deployed.invoke() == "2"
    found = deployed.aws.client("cloudwatch").describe_alarms(AlarmNamePrefix=f"{deployed.name}-test-")["MetricAlarms"]
    assert len(found) == 3
    assert not [alarm["AlarmName"] for alarm in found if alarm["AlarmName"].endswith(failing)]


def test_a_variant_comes_and_goes_without_guardrails(deployed: Deployed):
    assert deployed.deploy("1", TrafficWaitSeconds="0") == "CREATE_COMPLETE"
    challenger = {"ChallengerModelPackageName": deployed.package("2")}
    assert deployed.deploy("2", **challenger) == "UPDATE_ROLLBACK_COMPLETE"
    assert "needs the same variant names in the old and the new endpoint configuration" in deployed.reasons()
    for variants in (challenger, {"ChallengerModelPackageName": ""}):
        assert deployed.deploy("2", DeploymentGuardrails="NONE", **variants) == "UPDATE_COMPLETE"


def test_a_quiet_endpoint_minds_no_single_wrong_request_but_each_failure_of_its_own(deployed: Deployed):
    canary = {"TrafficStepPercent": "50", "TrafficWaitSeconds": "3600", "MinimumModelErrors": "3"}
    assert deployed.deploy("1", **canary) == "CREATE_COMPLETE"
    assert deployed.invoke(b"wrong") == "ModelError"
    # An alarm is decided with each datum that comes.
    until(lambda: deployed.n_model_errors() == 1)
    assert deployed.alarm("model-errors") != "ALARM"
    # More and more of them: six alone could fall into two minutes, and be decided on before all are counted.
    until(lambda: deployed.invoke(b"wrong") == "ModelError" and deployed.alarm("model-errors") == "ALARM")
    until(lambda: deployed.alarm("model-errors") == "OK")

    # Two seconds are the alarms' minute here.
    caller = Callers(deployed, n_callers=1, pause=1.5)
    assert deployed.deploy("fails", **canary) == "UPDATE_ROLLBACK_COMPLETE"
    assert caller.end().count("ModelError") >= 1
    assert deployed.alarm("model-errors") == "OK"


def test_what_the_stack_has(deployed: Deployed):
    name, topic = f"{deployed.name}-test", f"arn:aws:sns:us-east-1:000000000000:{deployed.name}"
    scaling = {"MinCapacity": "1", "MaxCapacity": "3", "ScaleInCooldown": "30", "ScaleOutCooldown": "5"}
    given = {"SamplingPercentage": "40", "InvocationsPerInstance": "700", "NotificationTopicArn": topic, **scaling}
    thresholds = {
        "ErrorShareThreshold": "0.1",
        "ModelErrorShareThreshold": "0.3",
        "MinimumModelErrors": "7",
        "LatencyThresholdMicroseconds": "9",
    }
    assert deployed.deploy("1", EnableAutoScaling="true", **given, **thresholds) == "CREATE_COMPLETE"
    sagemaker, cloudwatch = deployed.aws.client("sagemaker"), deployed.aws.client("cloudwatch")
    endpoint = sagemaker.describe_endpoint(EndpointName=name)
    config = sagemaker.describe_endpoint_config(EndpointConfigName=endpoint["EndpointConfigName"])
    capture = config["DataCaptureConfig"]
    assert capture["KmsKeyId"].startswith("arn:aws:kms:")
    assert config["KmsKeyId"] == capture["KmsKeyId"]
    assert (capture["EnableCapture"], capture["InitialSamplingPercentage"]) == (True, 40)
    assert capture["DestinationS3Uri"] == f"s3://{deployed.name}/capture"
    assert [each["CaptureMode"] for each in capture["CaptureOptions"]] == ["Input", "Output"]
    assert capture["CaptureContentTypeHeader"] == {
        "CsvContentTypes": ["text/csv"],
        "JsonContentTypes": ["application/json", "application/jsonlines"],
    }
    alarms = cloudwatch.describe_alarms(AlarmNamePrefix=f"{name}-")["MetricAlarms"]
    of_fleet = f"-{endpoint['EndpointConfigName']}"
    found = {
        each["AlarmName"].removeprefix(f"{name}-").removesuffix(of_fleet): (
            *(each["MetricName"], each.get("ExtendedStatistic", each.get("Statistic")), each["Threshold"]),
            *(each["EvaluationPeriods"], each.get("DatapointsToAlarm")),
        )
        for each in alarms
        if "Metrics" not in each
    }
    assert found == {
        "5xx": ("Invocation5XXErrors", "Average", 0.1, 1, None),
        "latency": ("ModelLatency", "p99", 9.0, 3, 2),
    }
    [decided] = [each for each in alarms if "Metrics" in each]
    assert (decided["AlarmName"], decided["Threshold"], decided["EvaluationPeriods"]) == (
        f"{name}-model-errors{of_fleet}",
        0.3,
        1,
    )
    expression, *stats = decided["Metrics"]
    assert expression["Expression"] == "IF(errors >= 7, share, 0)"
    watched = {"EndpointName": name, "VariantName": "AllTraffic", "EndpointConfigName": endpoint["EndpointConfigName"]}
    dimensions = [{"Name": key, "Value": value} for key, value in watched.items()]
    assert [(each["Id"], each["MetricStat"]["Metric"]["Dimensions"], each["MetricStat"]["Stat"]) for each in stats] == [
        ("errors", dimensions, "Sum"),
        ("share", dimensions, "Average"),
    ]
    for each in alarms:
        assert (each["ComparisonOperator"], each["AlarmActions"]) == ("GreaterThanThreshold", [topic])
        if "Metrics" not in each:
            assert (each["Dimensions"], each["Period"]) == (dimensions, 60)
    assert json.loads(cloudwatch.get_dashboard(DashboardName=f"{name}-us-east-1")["DashboardBody"])["widgets"]
    scaler = deployed.aws.client("application-autoscaling")
    of = {"ServiceNamespace": "sagemaker", "ResourceIds": [f"endpoint/{name}/variant/AllTraffic"]}
    [target] = scaler.describe_scalable_targets(**of)["ScalableTargets"]
    assert (target["MinCapacity"], target["MaxCapacity"]) == (1, 3)
    [policy] = scaler.describe_scaling_policies(ServiceNamespace="sagemaker", ResourceId=of["ResourceIds"][0])[
        "ScalingPolicies"
    ]
    assert policy["TargetTrackingScalingPolicyConfiguration"] == {
        "PredefinedMetricSpecification": {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"},
        "TargetValue": 700.0,
        "ScaleInCooldown": 30,
        "ScaleOutCooldown": 5,
    }


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("CANARY", {"CanarySize": {"Type": "CAPACITY_PERCENT", "Value": 30}}),
        ("LINEAR", {"LinearStepSize": {"Type": "CAPACITY_PERCENT", "Value": 30}}),
        ("ALL_AT_ONCE", {}),
    ],
)
def test_how_an_update_goes_on_is_the_parameters(kind: str, expected: dict[str, Any], deployed: Deployed):
    waits = {"TrafficWaitSeconds": "20", "TerminationWaitSeconds": "7", "MaximumExecutionSeconds": "700"}
    deployed.parameters |= {"TrafficRoutingType": kind, "TrafficStepPercent": "30", **waits}
    deployed.parameters["ChallengerModelPackageName"] = deployed.package("2")
    assert deployed.deploy("1") == "CREATE_COMPLETE"
    name = f"{deployed.name}-test"
    known = deployed.aws.client("sagemaker").describe_endpoint(EndpointName=name)["LastDeploymentConfig"]
    assert known["BlueGreenUpdatePolicy"] == {
        "TrafficRoutingConfiguration": {"Type": kind, "WaitIntervalInSeconds": 20, **expected},
        "TerminationWaitInSeconds": 7,
        "MaximumExecutionTimeoutInSeconds": 700,
    }
    alarms = [each["AlarmName"] for each in known["AutoRollbackConfiguration"]["Alarms"]]
    kinds = ("5xx", "latency", "model-errors", "challenger-5xx")
    assert alarms == [f"{name}-{alarm}-{deployed.config_name}" for alarm in kinds]


def test_serverless_instead_of_instances(deployed: Deployed):
    assert deployed.deploy("1", ServerlessMemorySizeInMB="1024", ServerlessMaxConcurrency="3") == "CREATE_COMPLETE"
    sagemaker = deployed.aws.client("sagemaker")
    name = sagemaker.describe_endpoint(EndpointName=f"{deployed.name}-test")["EndpointConfigName"]
    config = sagemaker.describe_endpoint_config(EndpointConfigName=name)
    [variant] = config["ProductionVariants"]
    assert variant["ServerlessConfig"] == {"MemorySizeInMB": 1024, "MaxConcurrency": 3}
    assert not {"InstanceType", "InitialInstanceCount"} & set(variant)
    assert not {"DataCaptureConfig", "KmsKeyId"} & set(config)
    assert deployed.invoke() == "1"
    assert deployed.deploy("2") == "UPDATE_COMPLETE"
    assert deployed.invoke() == "2"


def test_an_ab_test_has_an_alarm_of_its_own(deployed: Deployed):
    deployed.parameters["ChallengerModelPackageName"] = deployed.package("2")
    assert deployed.deploy("1", EnableVolumeEncryption="false", KmsKeyArn=KEY) == "CREATE_COMPLETE"
    alarms = deployed.aws.client("cloudwatch").describe_alarms(AlarmNamePrefix=f"{deployed.name}-test-challenger")
    [alarm] = alarms["MetricAlarms"]
    assert {"Name": "VariantName", "Value": "Challenger"} in alarm["Dimensions"]
    sagemaker = deployed.aws.client("sagemaker")
    name = sagemaker.describe_endpoint(EndpointName=f"{deployed.name}-test")["EndpointConfigName"]
    config = sagemaker.describe_endpoint_config(EndpointConfigName=name)
    assert (config.get("KmsKeyId"), config["DataCaptureConfig"]["KmsKeyId"]) == (None, KEY)

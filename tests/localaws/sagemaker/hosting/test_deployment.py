"""Updates: traffic moves in steps, nobody's request is lost, and a bad version goes back by itself."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import ClientError

from localaws.sagemaker.hosting.deployment import Step, plan
from tests.localaws.sagemaker.conftest import EventQueue, unique


def blue_green(kind, wait=0, **sizes):
    routing = {"Type": kind, "WaitIntervalInSeconds": wait, **sizes}
    return {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": routing}}


PERCENT_10 = {"Type": "CAPACITY_PERCENT", "Value": 10}
ROLLING = {"RollingUpdatePolicy": {"MaximumBatchSize": PERCENT_10, "WaitIntervalInSeconds": 0}}


@pytest.mark.parametrize(
    ("config", "shares"),
    [
        (None, [1.0]),
        (blue_green("ALL_AT_ONCE", 60), [1.0]),
        (blue_green("CANARY", 60, CanarySize=PERCENT_10), [0.1, 1.0]),
        (blue_green("CANARY", 60, CanarySize={"Type": "INSTANCE_COUNT", "Value": 1}), [0.25, 1.0]),
        (blue_green("LINEAR", 60, LinearStepSize={"Type": "CAPACITY_PERCENT", "Value": 50}), [0.5, 1.0]),
        (blue_green("LINEAR", 60, LinearStepSize={"Type": "CAPACITY_PERCENT", "Value": 40}), [0.4, 0.8, 1.0]),
        (ROLLING, [n / 10 for n in range(1, 11)]),
    ],
)
def test_the_steps_of_a_shift(config, shares):
    steps = plan(config, instances=4).steps
    assert [step.share for step in steps] == pytest.approx(shares)
    assert all(isinstance(step, Step) for step in steps)


class Callers:
    """Ask an endpoint without a pause, from several threads."""

    def __init__(self, endpoints, name, threads=3):
        self._endpoints, self._name = endpoints, name
        self._stop = threading.Event()
        self.versions, self.failures = [], []
        self._pool = ThreadPoolExecutor(threads)
        self._jobs = [self._pool.submit(self._ask) for _ in range(threads)]

    def _ask(self):
        while not self._stop.is_set():
            try:
                self.versions.append(self._endpoints.invoke(self._name)["version"])
            except ClientError as error:
                self.failures.append(str(error))

    def end(self):
        self._stop.set()
        for job in self._jobs:
            job.result()


def test_an_update_loses_no_request(endpoints):
    name = endpoints.serve("1", count=2)
    config = endpoints.config(endpoints.variant(endpoints.model("2"), count=2))
    callers = Callers(endpoints, name)
    linear = blue_green("LINEAR", 0, LinearStepSize={"Type": "CAPACITY_PERCENT", "Value": 20})
    endpoints.client.update_endpoint(EndpointName=name, EndpointConfigName=config, DeploymentConfig=linear)
    found = endpoints.wait(name)
    assert found["EndpointConfigName"] == config
    time.sleep(0.5)
    callers.end()
    assert callers.failures == []
    assert callers.versions[0] == "1"
    assert set(callers.versions[-10:]) == {"2"}


def test_a_shift_can_be_watched_and_both_versions_answer(endpoints, local_aws):
    events = EventQueue(local_aws, "SageMaker Endpoint Deployment State Change")
    name = endpoints.serve("1")
    config = endpoints.config(endpoints.variant(endpoints.model("2")))
    half = blue_green("CANARY", 2, CanarySize={"Type": "CAPACITY_PERCENT", "Value": 50})
    endpoints.client.update_endpoint(EndpointName=name, EndpointConfigName=config, DeploymentConfig=half)
    deadline = time.monotonic() + 60
    seen = set()
    while len(seen) < 2 and time.monotonic() < deadline:
        seen.add(endpoints.invoke(name)["version"])
    found = endpoints.client.describe_endpoint(EndpointName=name)
    assert (found["EndpointStatus"], found["PendingDeploymentSummary"]["EndpointConfigName"]) == ("Updating", config)
    assert seen == {"1", "2"}
    assert _stage(found)["Status"] in ("ActivatingTraffic", "Baking")
    assert found["LastModifiedTime"] <= found["PendingDeploymentSummary"]["StartTime"] <= _stage(found)["StartTime"]
    with pytest.raises(ClientError, match="Cannot update in-progress endpoint"):
        endpoints.client.update_endpoint(EndpointName=name, EndpointConfigName=config)
    endpoints.wait(name)
    assert endpoints.versions(name, 10) == {"2": 10}
    seen = events.details(("EndpointName", name), lambda detail: "of 1 of 1 inst" in _stage(detail)["StatusMessage"])
    assert [_stage(detail)["Status"] for detail in seen][:3] == ["Creating", "ActivatingTraffic", "Baking"]
    assert {detail["EndpointStatus"] for detail in seen} == {"UPDATING"}
    assert {detail["PendingDeploymentSummary"]["EndpointConfigName"] for detail in seen} == {config}


def _stage(detail):
    [variant] = detail["PendingDeploymentSummary"]["ProductionVariants"]
    [stage] = variant["VariantStatus"]
    return stage


def test_an_alarm_brings_the_old_version_back(endpoints, local_aws):
    name = endpoints.serve("1")
    old = endpoints.client.describe_endpoint(EndpointName=name)["EndpointConfigName"]
    config = endpoints.config(endpoints.variant(endpoints.model("2")))
    alarm, cloudwatch = unique("alarm"), local_aws.client("cloudwatch")
    cloudwatch.put_metric_alarm(
        AlarmName=alarm,
        Namespace=alarm,
        MetricName="Errors",
        Statistic="Sum",
        Period=10,
        EvaluationPeriods=1,
        Threshold=0,
        ComparisonOperator="GreaterThanThreshold",
    )
    canary = blue_green("CANARY", 25, CanarySize=PERCENT_10)
    canary["AutoRollbackConfiguration"] = {"Alarms": [{"AlarmName": alarm}]}
    endpoints.client.update_endpoint(EndpointName=name, EndpointConfigName=config, DeploymentConfig=canary)
    time.sleep(1)
    cloudwatch.put_metric_data(Namespace=alarm, MetricData=[{"MetricName": "Errors", "Value": 1}])
    found = endpoints.wait(name)
    assert found["EndpointConfigName"] == old
    assert alarm in found["FailureReason"]
    assert endpoints.versions(name, 20) == {"1": 20}


def test_a_version_that_does_not_start_never_gets_traffic(endpoints):
    name = endpoints.serve("1")
    old = endpoints.client.describe_endpoint(EndpointName=name)["EndpointConfigName"]
    config = endpoints.config(endpoints.variant(endpoints.model("2", script="raise OSError('no weights')")))
    endpoints.client.update_endpoint(EndpointName=name, EndpointConfigName=config)
    assert endpoints.versions(name, 10) == {"1": 10}
    found = endpoints.wait(name)
    assert (found["EndpointConfigName"], "no weights" in found["FailureReason"]) == (old, True)


def test_retained_capacities_go_over_to_the_new_version(endpoints):
    name = endpoints.serve("1")
    endpoints.scale(name, 2)
    endpoints.wait(name)
    config = endpoints.config(endpoints.variant(endpoints.model("2")))
    endpoints.client.update_endpoint(EndpointName=name, EndpointConfigName=config, RetainAllVariantProperties=True)
    assert endpoints.wait(name)["ProductionVariants"][0]["CurrentInstanceCount"] == 2


@pytest.mark.parametrize(("kind", "size"), [("CANARY", "CanarySize"), ("LINEAR", "LinearStepSize")])
def test_a_shift_in_steps_needs_their_size(endpoints, kind, size):
    name = endpoints.serve("1")
    config = endpoints.client.describe_endpoint(EndpointName=name)["EndpointConfigName"]
    with pytest.raises(ClientError, match=f"type {kind} needs a {size}"):
        endpoints.client.update_endpoint(
            EndpointName=name, EndpointConfigName=config, DeploymentConfig=blue_green(kind, 0)
        )
    assert endpoints.versions(name, 3) == {"1": 3}

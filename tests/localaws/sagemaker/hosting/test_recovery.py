"""kill -9 of local AWS: what was in service is in service again, and nothing is left behind."""

import os
import signal

from botocore.exceptions import BotoCoreError, ClientError

from tests.conftest import until
from tests.localaws.sagemaker.conftest import bench_of
from tests.localaws.sagemaker.hosting.conftest import Endpoints, servers


def answers(endpoints, name):
    try:
        return endpoints.invoke(name)["version"]
    except (ClientError, BotoCoreError):
        return None


def test_after_kill_nine_endpoints_are_in_service_again_and_an_update_is_undone(own_local_aws):
    aws = own_local_aws()
    endpoints = Endpoints(bench_of(aws), aws.client("sagemaker-runtime"))
    name, updating, changed = (endpoints.serve("1") for _ in range(3))
    endpoints.scale(name, 2)
    endpoints.wait(name)
    config = endpoints.config(endpoints.variant(endpoints.model("2")))
    wait = {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 600}
    slow = {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": wait}}
    endpoints.client.update_endpoint(EndpointName=updating, EndpointConfigName=config, DeploymentConfig=slow)
    until(lambda: answers(endpoints, updating) == "2")
    assert len(servers(aws.state_dir)) >= 4
    for pid in aws.pids().values():
        os.kill(pid, signal.SIGKILL)
    until(lambda: servers(aws.state_dir) == [])

    aws = own_local_aws()
    endpoints = Endpoints(bench_of(aws), aws.client("sagemaker-runtime"))
    # While it is still being brought back: the update waits for that, and is not taken for done by its end.
    endpoints.client.update_endpoint(EndpointName=changed, EndpointConfigName=config)
    assert endpoints.wait(changed)["EndpointConfigName"] == config
    until(lambda: answers(endpoints, name) == answers(endpoints, updating) == "1")
    assert endpoints.wait(name)["ProductionVariants"][0]["DesiredInstanceCount"] == 2
    found = endpoints.wait(updating)
    assert "interrupted" in found["FailureReason"]
    assert found["EndpointConfigName"] != config

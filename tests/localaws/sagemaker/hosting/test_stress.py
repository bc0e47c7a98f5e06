"""kill -9 under load, again and again: only what was in flight at the killed server fails, and all comes back."""

import os
import random
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from tests.conftest import until
from tests.localaws.sagemaker.conftest import bench_of
from tests.localaws.sagemaker.hosting.conftest import Endpoints, servers

CALLERS = 4
NO_RETRIES = Config(retries={"total_max_attempts": 1}, max_pool_connections=CALLERS)


class Load:
    """Callers that ask an endpoint without a pause and without a retry.

    Attributes
    ----------
    answers : list of float
        When each answer came.
    failures : list of (float, str)
        When each failure came, and its code.
    """

    def __init__(self, endpoints, name):
        self._endpoints, self._name = endpoints, name
        self.answers, self.failures = [], []
        self._stop = threading.Event()
        self._pool = ThreadPoolExecutor(CALLERS)
        self._jobs = [self._pool.submit(self._ask) for _ in range(CALLERS)]

    def _ask(self):
        while not self._stop.is_set():
            try:
                self._endpoints.invoke(self._name, 0.01)
                self.answers.append(time.monotonic())
            except ClientError as error:
                self.failures.append((time.monotonic(), error.response["Error"]["Code"]))
            except BotoCoreError as error:  # nobody listens: the SageMaker server itself was killed
                self.failures.append((time.monotonic(), type(error).__name__))
                time.sleep(0.02)

    def end(self):
        self._stop.set()
        for job in self._jobs:
            job.result()


def started(aws):
    return Endpoints(bench_of(aws), aws.client("sagemaker-runtime", config=NO_RETRIES))


def instances(endpoints, name):
    return endpoints.client.describe_endpoint(EndpointName=name)["ProductionVariants"][0]["CurrentInstanceCount"]


def test_kill_9_of_model_servers_fails_at_most_what_is_in_flight(own_local_aws):
    aws = own_local_aws()
    endpoints = started(aws)
    name = endpoints.serve("1", count=2)
    usual = len(servers(aws.state_dir, name))
    load, kills, chance = Load(endpoints, name), 8, random.Random(5)
    until(lambda: load.answers)
    for _ in range(kills):
        before, victim = len(load.failures), chance.choice(servers(aws.state_dir, name))
        os.kill(victim, signal.SIGKILL)  # the whole instance, or one of its processes
        until(lambda pid=victim: pid not in servers(aws.state_dir, name))
        until(lambda: len(servers(aws.state_dir, name)) == usual and instances(endpoints, name) == 2)
        answered = len(load.answers)
        until(lambda so_far=answered: len(load.answers) > so_far + CALLERS)
        assert len(load.failures) - before <= CALLERS, load.failures[before:]
    load.end()
    assert {code for _, code in load.failures} <= {"ModelError"}
    assert len(load.answers) > 20 * kills


def test_kill_9_of_the_sagemaker_server_under_load_leaves_the_endpoint_and_no_orphan(own_local_aws):
    aws = own_local_aws()
    endpoints = started(aws)
    name, sleeper = endpoints.serve("1", count=2), endpoints.serve("1")
    usual = len(servers(aws.state_dir))
    load = Load(endpoints, name)
    until(lambda: load.answers)
    for round_ in range(3):
        if round_ == 1:  # this time in the middle of an update
            config = endpoints.config(endpoints.variant(endpoints.model("2"), count=2))
            wait = {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 600}
            slow = {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": wait}}
            endpoints.client.update_endpoint(EndpointName=name, EndpointConfigName=config, DeploymentConfig=slow)
            until(lambda: len(servers(aws.state_dir)) > usual)
        killed = time.monotonic()
        os.kill(aws.pids()["sagemaker"], signal.SIGKILL)
        until(lambda at=killed: load.failures and load.failures[-1][0] > at)
        until(lambda: load.answers[-1] > load.failures[-1][0])
        until(lambda: in_service(endpoints, name) and in_service(endpoints, sleeper))
    settled = len(load.failures)
    time.sleep(0.5)
    load.end()
    assert len(load.failures) == settled
    assert endpoints.versions(name, 10) == {"1": 10}
    until(lambda: len(servers(aws.state_dir)) == usual)
    folders = {path.name for path in (aws.state_dir / "sagemaker" / "endpoints").iterdir()}
    assert len(folders) == 2, folders


def in_service(endpoints, name):
    try:
        found = endpoints.client.describe_endpoint(EndpointName=name)
    except (ClientError, BotoCoreError):
        return False
    variant = found["ProductionVariants"][0] if found.get("ProductionVariants") else {}
    ready = variant.get("CurrentInstanceCount") == variant.get("DesiredInstanceCount")
    return found["EndpointStatus"] == "InService" and bool(variant) and ready

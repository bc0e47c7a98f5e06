"""Serverless endpoints: no server until a request needs one, none after a while, so many requests at once."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.conftest import start_local_aws, until
from tests.localaws.sagemaker.conftest import bench_of
from tests.localaws.sagemaker.hosting.conftest import SCRIPT, Endpoints, servers

SERVERLESS = {"MemorySizeInMB": 1024, "MaxConcurrency": 2}
IDLE_SECONDS = 1.0
STREAMS = """
import time
def model_fn(d):
    return None
def transform_fn(model, body, content_type, accept):
    def pieces():
        yield "begin "
        time.sleep(1)
        yield "end"
    return pieces(), "text/plain"
"""
NO_RETRIES = Config(retries={"total_max_attempts": 1})


@pytest.fixture(scope="module")
def quick_to_sleep(tmp_path_factory):
    """A local AWS whose serverless endpoints sleep after a second."""
    state_dir = tmp_path_factory.mktemp("serverless") / "state"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOCALAWS_SERVERLESS_IDLE_SECONDS", str(IDLE_SECONDS))
        aws = start_local_aws(state_dir)
    yield aws
    aws.command("reset", "--yes")


@pytest.fixture
def serverless(quick_to_sleep):
    return Endpoints(bench_of(quick_to_sleep), quick_to_sleep.client("sagemaker-runtime", config=NO_RETRIES))


def created(endpoints, version="1", script=SCRIPT, **members):
    variant = endpoints.variant(endpoints.model(version, script), ServerlessConfig={**SERVERLESS, **members})
    return endpoints.create(endpoints.config(variant))


def test_a_server_comes_with_a_request_and_goes_without(serverless, quick_to_sleep):
    def running():
        return servers(quick_to_sleep.state_dir, name)

    name = created(serverless)
    until(lambda: running() == [])
    [variant] = serverless.client.describe_endpoint(EndpointName=name)["ProductionVariants"]
    assert variant["CurrentServerlessConfig"] == SERVERLESS
    assert "CurrentInstanceCount" not in variant

    with ThreadPoolExecutor(2) as pool:  # two at once wait for one and the same server
        hosts = {answer["version"] for answer in pool.map(lambda _: serverless.invoke(name), range(2))}
    assert hosts == {"1"}
    first = running()
    assert first
    serverless.invoke(name, IDLE_SECONDS * 1.5)  # a request that takes longer than the pause keeps it
    assert running() == first
    until(lambda: running() == [], seconds=IDLE_SECONDS + 5)
    assert serverless.invoke(name)["version"] == "1"
    assert not set(running()) & set(first)


def test_more_requests_than_max_concurrency_are_throttled_while_it_starts_too(serverless):
    name = created(serverless)

    def code(_):
        try:
            serverless.invoke(name, 0.4)
        except ClientError as error:
            return error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]
        return None

    for _ in range(2):  # asleep, and awake
        with ThreadPoolExecutor(5) as pool:
            codes = list(pool.map(code, range(5)))
        assert codes.count(None) >= 2
        assert ("ThrottlingException", 429) in codes
        assert set(codes) == {None, ("ThrottlingException", 429)}


def test_a_stream_wakes_it_too_and_counts_as_long_as_it_runs(serverless):
    name = created(serverless, script=STREAMS, MaxConcurrency=1)
    stream = serverless.runtime.invoke_endpoint_with_response_stream(EndpointName=name, Body=b"x")
    with pytest.raises(ClientError, match="ThrottlingException"):
        serverless.runtime.invoke_endpoint(EndpointName=name, Body=b"x")
    assert b"".join(event["PayloadPart"]["Bytes"] for event in stream["Body"]) == b"begin end"
    serverless.runtime.invoke_endpoint(EndpointName=name, Body=b"x")


def test_a_model_that_does_not_load_fails_the_endpoint_and_an_update(serverless):
    broken = serverless.variant(serverless.model("1", "raise OSError('no weights')"), ServerlessConfig=SERVERLESS)
    name = serverless.create(serverless.config(broken), status="Failed")
    assert "no weights" in serverless.client.describe_endpoint(EndpointName=name)["FailureReason"]

    name = created(serverless)
    serverless.client.update_endpoint(EndpointName=name, EndpointConfigName=serverless.config(broken))
    assert "no weights" in serverless.wait(name)["FailureReason"]
    assert serverless.invoke(name)["version"] == "1"


def test_a_server_that_dies_is_waited_for(serverless):
    name = created(serverless)
    with pytest.raises(ClientError):
        serverless.invoke(name, "die")
    until(lambda: _version(serverless, name) == "1")


def test_provisioned_concurrency_keeps_the_server(serverless, quick_to_sleep):
    name = created(serverless, ProvisionedConcurrency=1)
    kept = servers(quick_to_sleep.state_dir, name)
    assert kept
    time.sleep(IDLE_SECONDS + 0.5)
    assert servers(quick_to_sleep.state_dir, name) == kept


def test_an_update_brings_the_next_version_and_deletion_leaves_no_server(serverless, quick_to_sleep):
    name = created(serverless)
    assert serverless.invoke(name)["version"] == "1"
    variant = serverless.variant(serverless.model("2"), ServerlessConfig=SERVERLESS)
    serverless.client.update_endpoint(EndpointName=name, EndpointConfigName=serverless.config(variant))
    serverless.wait(name)
    assert serverless.versions(name, 3) == {"2": 3}
    serverless.client.delete_endpoint(EndpointName=name)
    until(lambda: servers(quick_to_sleep.state_dir, name) == [])


def test_what_only_instances_have_is_refused(serverless):
    model = serverless.model("1")
    name = created(serverless)
    capture = {
        "InitialSamplingPercentage": 100,
        "DestinationS3Uri": "s3://b/c",
        "CaptureOptions": [{"CaptureMode": "Input"}],
    }
    variant = serverless.variant(model, ServerlessConfig=SERVERLESS)
    for variants, members, message in (
        ([variant], {"DataCaptureConfig": capture}, "cannot have DataCaptureConfig"),
        ([variant, variant | {"VariantName": "B"}], {}, "must be the only production variant"),
        ([variant | {"InitialInstanceCount": 1}], {}, "cannot have InitialInstanceCount"),
        ([variant | {"ServerlessConfig": SERVERLESS | {"ProvisionedConcurrency": 3}}], {}, "3 of the variant"),
        ([variant | {"ServerlessConfig": SERVERLESS | {"MemorySizeInMB": 1500}}], {}, "1500 of the variant"),
    ):
        with pytest.raises(ClientError, match=message):
            serverless.config(*variants, **members)
    with pytest.raises(ClientError, match="has no DesiredInstanceCount"):
        serverless.scale(name, 2)
    wanted = [{"VariantName": "AllTraffic", "ServerlessUpdateConfig": {"MaxConcurrency": 5}}]
    with pytest.raises(ClientError, match="ServerlessUpdateConfig is not supported by the local SageMaker"):
        serverless.client.update_endpoint_weights_and_capacities(EndpointName=name, DesiredWeightsAndCapacities=wanted)
    of_instances = serverless.serve("1")
    with pytest.raises(ClientError, match="cannot be updated to a serverless one"):
        serverless.client.update_endpoint(EndpointName=of_instances, EndpointConfigName=serverless.config(variant))


def _version(endpoints, name):
    try:
        return endpoints.invoke(name)["version"]
    except ClientError:
        return None

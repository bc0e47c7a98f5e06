"""Endpoints: real model servers that answer, die, come back, grow and shrink."""

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import ClientError

from tests.conftest import until
from tests.localaws.sagemaker.conftest import EventQueue
from tests.localaws.sagemaker.hosting.conftest import servers


def test_an_endpoint_comes_into_service_answers_and_goes(endpoints, local_aws):
    events = EventQueue(local_aws, "SageMaker Endpoint State Change")
    name = endpoints.serve("1")
    found = endpoints.client.describe_endpoint(EndpointName=name)
    [variant] = found["ProductionVariants"]
    assert (variant["VariantName"], variant["CurrentInstanceCount"], variant["CurrentWeight"]) == ("AllTraffic", 1, 1.0)
    assert "sklearn" in variant["DeployedImages"][0]["SpecifiedImage"] or variant["DeployedImages"]
    answer = endpoints.invoke(name)
    assert (answer["version"], answer["variant"]) == ("1", "AllTraffic")
    listed = endpoints.client.list_endpoints(NameContains=name, StatusEquals="InService")["Endpoints"]
    assert [endpoint["EndpointName"] for endpoint in listed] == [name]
    endpoints.client.delete_endpoint(EndpointName=name)
    with pytest.raises(ClientError, match=f"Endpoint {name} of account 000000000000 not found"):
        endpoints.invoke(name)
    assert events.statuses("EndpointStatus", ("EndpointName", name), "DELETING") == [
        "CREATING",
        "IN_SERVICE",
        "DELETING",
    ]


def test_the_servers_log_is_in_cloudwatch(endpoints):
    name = endpoints.serve("1")
    logs = endpoints.bench.logs
    group = f"/aws/sagemaker/Endpoints/{name}"
    until(lambda: logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"] != [])
    until(lambda: any("ready" in event["message"] for event in logs.filter_log_events(logGroupName=group)["events"]))


def test_a_model_that_cannot_be_loaded_fails_the_endpoint_with_the_reason(endpoints):
    broken = endpoints.model("1", script="raise OSError('no weights')")
    name = endpoints.create(endpoints.config(endpoints.variant(broken)), status="Failed")
    reason = endpoints.client.describe_endpoint(EndpointName=name)["FailureReason"]
    assert "did not pass the ping health check" in reason
    assert "no weights" in reason


def test_variants_share_the_traffic_by_weight_and_can_be_named(endpoints):
    a, b = endpoints.model("a"), endpoints.model("b")
    name = endpoints.create(
        endpoints.config(
            endpoints.variant(a, "A", InitialVariantWeight=3.0), endpoints.variant(b, "B", InitialVariantWeight=1.0)
        )
    )
    counts = endpoints.versions(name, times=120)
    assert 70 <= counts["a"] <= 108
    assert endpoints.versions(name, times=5, TargetVariant="B") == {"b": 5}
    with pytest.raises(ClientError, match="Variant C is not found"):
        endpoints.invoke(name, TargetVariant="C")
    endpoints.client.update_endpoint_weights_and_capacities(
        EndpointName=name, DesiredWeightsAndCapacities=[{"VariantName": "A", "DesiredWeight": 0.0}]
    )
    endpoints.wait(name)
    assert endpoints.versions(name, times=20) == {"b": 20}


def test_instances_are_started_and_drained(endpoints):
    name = endpoints.serve("1", count=2)

    def pids():
        with ThreadPoolExecutor(4) as pool:
            return {answer["pid"] for answer in pool.map(lambda _: endpoints.invoke(name, 0.02), range(16))}

    hosts = endpoints.client.describe_endpoint(EndpointName=name)["ProductionVariants"][0]
    assert hosts["CurrentInstanceCount"] == 2
    for count in (3, 1):
        endpoints.client.update_endpoint_weights_and_capacities(
            EndpointName=name,
            DesiredWeightsAndCapacities=[{"VariantName": "AllTraffic", "DesiredInstanceCount": count}],
        )
        if count == 3:  # draining is begun at once, and then the endpoint is in service: too soon to meet it
            with pytest.raises(ClientError, match="Cannot update in-progress endpoint"):
                endpoints.scale(name, 2)
        found = endpoints.wait(name)["ProductionVariants"][0]
        assert (found["CurrentInstanceCount"], found["DesiredInstanceCount"]) == (count, count)
    assert pids()


def test_a_server_that_is_killed_is_replaced_and_another_answers_meanwhile(endpoints, local_aws):
    name = endpoints.serve("1", count=2)
    failures = 0
    victim = servers(local_aws.state_dir, name)[-1]
    os.kill(victim, signal.SIGKILL)
    for _ in range(60):
        try:
            endpoints.invoke(name)
        except ClientError:
            failures += 1
        time.sleep(0.01)
    assert failures <= 1
    until(
        lambda: (
            endpoints.client.describe_endpoint(EndpointName=name)["ProductionVariants"][0]["CurrentInstanceCount"] == 2
        )
    )


def test_a_model_that_ends_its_own_process_is_an_error_once(endpoints):
    name = endpoints.serve("1")
    with pytest.raises(ClientError) as error:
        endpoints.invoke(name, "die")
    assert error.value.response["Error"]["Code"] == "ModelError"
    until(lambda: _answers(endpoints, name))


def test_errors_of_the_model_are_aws_model_errors(endpoints):
    name = endpoints.serve("1")
    with pytest.raises(endpoints.runtime.exceptions.ModelError) as error:
        endpoints.invoke(name, "fail")
    answer = error.value.response
    assert (answer["OriginalStatusCode"], answer["ResponseMetadata"]["HTTPStatusCode"]) == (500, 424)
    assert "request id" in answer["OriginalMessage"]
    assert answer["Error"]["Message"].startswith("Received server error (500) from primary with message")
    with pytest.raises(ClientError, match="6291456"):
        endpoints.runtime.invoke_endpoint(EndpointName=name, Body=b"0" * 6_300_000)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ModelName": "nothing"}, 'Could not find model "arn:aws:.*:model/nothing"'),
        ({"ServerlessConfig": {"MemorySizeInMB": 2048, "MaxConcurrency": 1}}, "either an InstanceType or a Serverless"),
        ({"InitialInstanceCount": None}, "needs an InitialInstanceCount"),
    ],
)
def test_a_wrong_variant_is_refused(endpoints, change, message):
    variant = endpoints.variant(endpoints.model("1")) | change
    variant = {key: value for key, value in variant.items() if value is not None}
    with pytest.raises(ClientError, match=message):
        endpoints.config(variant)


def test_names_are_taken_once_and_must_be_there(endpoints):
    name = endpoints.serve("1")
    config = endpoints.client.describe_endpoint(EndpointName=name)["EndpointConfigName"]
    with pytest.raises(ClientError, match="Cannot create already existing endpoint"):
        endpoints.client.create_endpoint(EndpointName=name, EndpointConfigName=config)
    with pytest.raises(ClientError, match="Could not find endpoint configuration"):
        endpoints.client.create_endpoint(EndpointName="x", EndpointConfigName="nothing")
    with pytest.raises(ClientError, match=r'Could not find endpoint "arn:aws:.*:endpoint/nothing"'):
        endpoints.client.describe_endpoint(EndpointName="nothing")


def _answers(endpoints, name):
    try:
        return bool(endpoints.invoke(name))
    except ClientError:
        return False

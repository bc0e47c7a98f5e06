"""What CloudWatch says of an endpoint after it was used."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import ClientError

from localaws.metrics.meter import rounded
from tests.conftest import until
from tests.localaws.measured import Measured, until_counted
from tests.localaws.sagemaker.runtime.observed import Watch


def test_invocations_errors_and_latencies_are_counted(endpoints, local_aws):
    name = endpoints.serve("1", count=2)
    for _ in range(6):
        endpoints.invoke(name)
    endpoints.invoke(name, 0.3)
    for wrong in ("fail", "die"):
        with pytest.raises(ClientError, match="ModelError"):
            endpoints.invoke(name, wrong)
    watch = Watch(local_aws, name)
    until(lambda: watch.statistic("Invocations", "Sum") == 9)
    assert watch.statistic("InvocationsPerInstance", "Sum") == 4.5
    assert watch.statistic("Invocation5XXErrors", "Sum") == 2
    assert watch.statistic("Invocation5XXErrors", "SampleCount") == 9
    assert watch.statistic("InvocationModelErrors", "Sum") == 2
    assert watch.statistic("Invocation4XXErrors", "Sum") == 0
    assert 300_000 < watch.statistic("ModelLatency", "Maximum") < 600_000
    assert 100 < watch.statistic("ModelLatency", "p50") < 100_000
    assert 0 < watch.statistic("OverheadLatency", "Average") < 20_000


def test_the_fleets_of_a_deployment_are_counted_apart(endpoints, local_aws):
    name = endpoints.serve("1")
    before = endpoints.client.describe_endpoint(EndpointName=name)["EndpointConfigName"]
    after = endpoints.config(endpoints.variant(endpoints.model("broken")))
    endpoints.invoke(name)
    endpoints.client.update_endpoint(EndpointName=name, EndpointConfigName=after)
    endpoints.wait(name)
    for _ in range(2):
        with pytest.raises(ClientError, match="ModelError"):
            endpoints.invoke(name)
    own = {"EndpointName": name, "VariantName": "AllTraffic"}
    old, new = (Measured(local_aws, "AWS/SageMaker", **own, EndpointConfigName=fleet) for fleet in (before, after))
    until_counted(lambda: new.sum("Invocations") == 2)
    assert (old.sum("Invocations"), old.sum("Invocation5XXErrors"), new.sum("Invocation5XXErrors")) == (1, 0, 2)
    assert new.maximum("ModelLatency")
    assert Measured(local_aws, "AWS/SageMaker", **own).sum("Invocations") == 3


def test_a_request_that_the_model_refuses_is_a_4xx(endpoints, local_aws):
    script = "def model_fn(d): return 1\ndef input_fn(body, kind): raise ValueError('no')\n"
    script += "def predict_fn(data, model): return data\n"
    name = endpoints.create(endpoints.config(endpoints.variant(endpoints.model("1", script))))
    with pytest.raises(ClientError) as error:
        endpoints.invoke(name)
    assert error.value.response["OriginalStatusCode"] == 400
    watch = Watch(local_aws, name)
    until(lambda: watch.statistic("Invocation4XXErrors", "Sum") == 1)
    assert watch.statistic("InvocationModelErrors", "Sum") == 1
    assert watch.statistic("Invocation5XXErrors", "Sum") == 0


def test_requests_under_way_are_looked_up_and_none_is_told_too(endpoints, local_aws):
    name = endpoints.serve("1")
    with ThreadPoolExecutor(3) as pool:
        for answer in [pool.submit(endpoints.invoke, name, 1.5) for _ in range(3)]:
            answer.result()
    watch = Watch(local_aws, name)
    until(lambda: watch.statistic("ConcurrentRequestsPerModel", "Maximum") == 3)
    until(lambda: watch.statistic("ConcurrentRequestsPerModel", "Minimum") == 0)


def test_many_latencies_become_few_values_that_say_the_same():
    values = Counter({float(micros): 2 for micros in range(1_000, 3_000)})
    few = rounded(values, 150)
    assert len(few) <= 150
    assert sum(few.values()) == 4_000
    assert sum(value * count for value, count in few.items()) == pytest.approx(
        sum(value * count for value, count in values.items()), rel=0.01
    )
    exact = Counter({1.5: 3, 1234567.0: 1})
    assert rounded(exact, 150) == exact

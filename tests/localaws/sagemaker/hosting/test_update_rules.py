"""What an update may change: what the guardrails exclude, what autoscaling forbids, which properties it keeps."""

import pytest
from botocore.exceptions import ClientError

from localaws.sagemaker.errors import ValidationError
from localaws.sagemaker.hosting.deployment import effective
from localaws.sagemaker.hosting.fleet import Capacity, retained
from localaws.sagemaker.hosting.update_rules import check_guardrails, check_scaled, check_steps
from tests.localaws.sagemaker.conftest import unique

BLUE_GREEN = {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": {"Type": "ALL_AT_ONCE"}}}
ROLLING = {"RollingUpdatePolicy": {}}


def config(*names, shadow=None, instance_type="ml.m5.large", weight=1.0):
    def variant(name):
        members = {"InitialVariantWeight": weight, "InitialInstanceCount": 3}
        return {"VariantName": name, "InstanceType": instance_type, **members}

    found = {"EndpointConfigName": "-".join(names), "ProductionVariants": [variant(name) for name in names]}
    return found | ({"ShadowProductionVariants": [variant(shadow)]} if shadow else {})


@pytest.mark.parametrize(
    ("before", "after", "deployment", "said"),
    [
        (config("A"), config("A"), BLUE_GREEN, None),
        (config("A"), config("A", "B"), None, None),
        (config("A"), config("A", "B"), BLUE_GREEN, "A has A, A-B has A, B. Update without a DeploymentConfig"),
        (config("A", "B"), config("A"), BLUE_GREEN, "A-B has A, B, A has A"),
        (config("A"), config("B"), ROLLING, "same variant names"),
        (config("A"), config("A", shadow="S"), BLUE_GREEN, "A has A, S"),
        (config("A", "B"), config("A", "B"), BLUE_GREEN, None),
        (config("A", "B"), config("A", "B"), ROLLING, r"several variants \(A, B\) does not support rolling"),
        (config("A"), config("A"), ROLLING, None),
    ],
)
def test_what_guardrails_exclude(before, after, deployment, said):
    if said is None:
        check_guardrails(before, after, deployment)
        return
    with pytest.raises(ValidationError, match=said):
        check_guardrails(before, after, deployment)


def stepped(kind, member, value, size_type="CAPACITY_PERCENT"):
    routing = {"Type": kind, member: {"Type": size_type, "Value": value}}
    return {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": routing}}


@pytest.mark.parametrize(
    ("deployment", "said"),
    [
        (stepped("CANARY", "CanarySize", 1), None),
        (stepped("CANARY", "CanarySize", 51), "CanarySize is 51 % of the capacity, not from 1 to 50 %"),
        (stepped("LINEAR", "LinearStepSize", 10), None),
        (stepped("LINEAR", "LinearStepSize", 9), "LinearStepSize is 9 % of the capacity, not from 10 to 50 %"),
        (stepped("LINEAR", "LinearStepSize", 9, "INSTANCE_COUNT"), None),
        (stepped("LINEAR", "CanarySize", 10), "type LINEAR needs a LinearStepSize"),
        ({"RollingUpdatePolicy": {"MaximumBatchSize": {"Type": "CAPACITY_PERCENT", "Value": 4}}}, "from 5 to 50"),
        (BLUE_GREEN | ROLLING, "not both"),
    ],
)
def test_the_sizes_of_steps(deployment, said):
    if said is None:
        check_steps(deployment)
        return
    with pytest.raises(ValidationError, match=said):
        check_steps(deployment)


def test_an_autoscaled_variant_keeps_its_name_and_instance_type():
    other = config("A", "B", instance_type="ml.c5.large")
    check_scaled(config("A", "B"), other, [])
    check_scaled(config("A", "B"), config("A"), ["A"])
    for after, names in ((other, "A"), (config("B"), "A")):
        with pytest.raises(ValidationError, match=rf'"\[{names}\]" must be deregistered as scalable targets'):
            check_scaled(config("A", "B"), after, ["A"])


@pytest.mark.parametrize(
    ("excluded", "kept"),
    [((), (9.0, 7)), (("DesiredWeight",), (1.0, 7)), (("DesiredInstanceCount",), (9.0, 3))],
)
def test_what_is_not_excluded_is_retained(excluded, kept):
    options = {"ExcludeRetainedVariantProperties": [{"VariantPropertyType": name} for name in excluded]}
    present = {"A": Capacity(9.0, 7), "gone": Capacity(1.0, 1)}
    assert retained(present, config("A", "new"), options) == {}
    options["RetainAllVariantProperties"] = True
    assert retained(present, config("A", "new"), options) == {"A": Capacity(*kept)}


def test_an_update_to_or_from_inferentia_1_is_made_all_at_once():
    fleets = (config("A"), config("A", instance_type="ml.inf1.xlarge"))
    assert effective(BLUE_GREEN, [fleets[0], fleets[0]]) == BLUE_GREEN
    assert effective(BLUE_GREEN, fleets) is effective(BLUE_GREEN, fleets[::-1]) is None


def test_a_variant_comes_without_guardrails_and_with_its_weight(endpoints):
    """RetainDeploymentConfig brings the last DeploymentConfig with it: that is refused, too."""
    model = endpoints.model("1")
    policy = {"TrafficRoutingConfiguration": {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0}}
    guarded = {"DeploymentConfig": {"BlueGreenUpdatePolicy": policy}}
    alone = endpoints.variant(model, "A", InitialVariantWeight=100.0)
    name = endpoints.create(endpoints.config(alone), **guarded)
    both = [endpoints.variant(model, one, InitialVariantWeight=weight) for one, weight in (("A", 40.0), ("B", 60.0))]
    weights = [{"VariantPropertyType": "DesiredWeight"}]
    update = {
        **{"EndpointName": name, "EndpointConfigName": endpoints.config(*both)},
        **{"RetainAllVariantProperties": True, "ExcludeRetainedVariantProperties": weights},
    }
    for refused in (guarded, {"RetainDeploymentConfig": True}):
        with pytest.raises(ClientError, match="needs the same variant names"):
            endpoints.client.update_endpoint(**update, **refused)
    endpoints.client.update_endpoint(**update)
    found = endpoints.wait(name)["ProductionVariants"]
    assert {each["VariantName"]: each["CurrentWeight"] for each in found} == {"A": 40.0, "B": 60.0}


def test_a_scalable_target_is_looked_up(endpoints, local_aws):
    name = endpoints.serve("1")
    target = {
        **{"ServiceNamespace": "sagemaker", "ScalableDimension": "sagemaker:variant:DesiredInstanceCount"},
        "ResourceId": f"endpoint/{name}/variant/AllTraffic",
    }
    scaler = local_aws.client("application-autoscaling")
    scaler.register_scalable_target(**target, MinCapacity=1, MaxCapacity=2)
    other = endpoints.config(endpoints.variant(endpoints.model("2"), InstanceType="ml.c5.xlarge"))
    with pytest.raises(ClientError, match="must be deregistered as scalable targets"):
        endpoints.client.update_endpoint(EndpointName=name, EndpointConfigName=other)
    scaler.deregister_scalable_target(**target)
    endpoints.client.update_endpoint(EndpointName=name, EndpointConfigName=other)
    endpoints.wait(name)


@pytest.mark.parametrize(("n_production", "n_shadows"), [(1, 2), (2, 1)])
def test_a_shadow_stands_beside_one_variant(endpoints, n_production, n_shadows):
    model = endpoints.model("1")
    shadows = [endpoints.variant(model, unique("Shadow")) for _ in range(n_shadows)]
    variants = [endpoints.variant(model, unique("Variant")) for _ in range(n_production)]
    with pytest.raises(ClientError, match=f"not {n_production} and {n_shadows}"):
        endpoints.config(*variants, ShadowProductionVariants=shadows)

"""Stacks with SageMaker's types: created, updated by replacement and blue/green, rolled back, deleted."""

import io
import json
import tarfile
import time

import pytest
from botocore.exceptions import ClientError

from tests.localaws.sagemaker.conftest import IMAGE, ROLE, unique

SCRIPT = """
def model_fn(d):
    version = open(d + "/version").read()
    if version == "broken":
        raise OSError("no weights")
    return version
def transform_fn(model, body, content_type, accept):
    return model
"""


def template(model_data, count="1", **config):
    model = {"ExecutionRoleArn": ROLE, "PrimaryContainer": {"Image": IMAGE, "ModelDataUrl": model_data}}
    variant = {
        "VariantName": "AllTraffic",
        "ModelName": {"Fn::GetAtt": ["Model", "ModelName"]},
        "InitialInstanceCount": {"Ref": "Count"},
        "InstanceType": "ml.m5.large",
        "InitialVariantWeight": "1",
    }
    return json.dumps(
        {
            "Parameters": {"Count": {"Type": "Number", "Default": count}},
            "Resources": {
                "Model": {"Type": "AWS::SageMaker::Model", "Properties": model},
                "Config": {
                    "Type": "AWS::SageMaker::EndpointConfig",
                    "Properties": {"ProductionVariants": [variant], **config},
                },
                "Endpoint": {
                    "Type": "AWS::SageMaker::Endpoint",
                    "Properties": {"EndpointConfigName": {"Fn::GetAtt": ["Config", "EndpointConfigName"]}},
                },
            },
            "Outputs": {
                "Name": {"Value": {"Fn::GetAtt": ["Endpoint", "EndpointName"]}},
                "Model": {"Value": {"Ref": "Model"}},
            },
        }
    )


@pytest.fixture
def cloud(local_aws, bench):
    """CloudFormation, and what makes model data of a version."""

    def data(version):
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
            for name, text in {"version": version, "code/inference.py": SCRIPT}.items():
                entry = tarfile.TarInfo(name)
                entry.size = len(text)
                archive.addfile(entry, io.BytesIO(text.encode()))
        bench.s3.put_object(Bucket=bench.bucket, Key=f"{version}.tar.gz", Body=buffer.getvalue())
        return f"s3://{bench.bucket}/{version}.tar.gz"

    return local_aws.client("cloudformation"), data


def wait(client, name):
    deadline = time.monotonic() + 60
    while True:
        [stack] = client.describe_stacks(StackName=name)["Stacks"]
        if not stack["StackStatus"].endswith("IN_PROGRESS"):
            return stack["StackStatus"], {item["OutputKey"]: item["OutputValue"] for item in stack.get("Outputs", [])}
        assert time.monotonic() < deadline, stack
        time.sleep(0.05)


def reasons(client, name):
    events = client.describe_stack_events(StackName=name)["StackEvents"]
    return " ".join(event.get("ResourceStatusReason", "") for event in events)


def test_an_endpoint_is_created_updated_rolled_back_and_deleted(cloud, local_aws, bench):
    client, data = cloud
    runtime, name = local_aws.client("sagemaker-runtime"), unique("stack")

    def answer(endpoint):
        return runtime.invoke_endpoint(EndpointName=endpoint, Body=b"x")["Body"].read()

    client.create_stack(StackName=name, TemplateBody=template(data("1")))
    status, first = wait(client, name)
    assert (status, answer(first["Name"])) == ("CREATE_COMPLETE", b"1")
    assert first["Model"].startswith("arn:aws:sagemaker:us-east-1:000000000000:model/")

    client.update_stack(StackName=name, TemplateBody=template(data("2"), count="2"))
    status, second = wait(client, name)
    assert (status, second["Name"], answer(first["Name"])) == ("UPDATE_COMPLETE", first["Name"], b"2")
    found = bench.sagemaker.describe_endpoint(EndpointName=first["Name"])
    assert found["ProductionVariants"][0]["CurrentInstanceCount"] == 2
    with pytest.raises(ClientError, match="Could not find model"):
        bench.sagemaker.describe_model(ModelName=first["Model"].rpartition("/")[2])

    client.update_stack(StackName=name, TemplateBody=template(data("broken")))
    status, _ = wait(client, name)
    assert (status, answer(first["Name"])) == ("UPDATE_ROLLBACK_COMPLETE", b"2")
    assert "no weights" in reasons(client, name)
    assert (
        bench.sagemaker.describe_endpoint(EndpointName=first["Name"])["EndpointConfigName"]
        == found["EndpointConfigName"]
    )

    client.delete_stack(StackName=name)
    deadline = time.monotonic() + 60
    while (
        bench.sagemaker.list_endpoints(NameContains=name)["Endpoints"]
        or bench.sagemaker.list_endpoint_configs(NameContains=name)["EndpointConfigs"]
        or bench.sagemaker.list_models(NameContains=name)["Models"]
    ):
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("version", "config", "reason"),
    [
        ("broken", {}, "no weights"),
        ("1", {"Extra": 1}, "extraneous key [Extra] is not permitted"),
        ("1", {"ProductionVariants": []}, "expected minimum item count: 1, found: 0"),
    ],
)
def test_what_cannot_be_created_rolls_back_with_the_reason(cloud, bench, version, config, reason):
    client, data = cloud
    name = unique("stack")
    client.create_stack(StackName=name, TemplateBody=template(data(version), **config))
    status, _ = wait(client, name)
    assert status == "ROLLBACK_COMPLETE"
    assert reason in reasons(client, name)
    assert bench.sagemaker.list_models(NameContains=name)["Models"] == []


def named(model_data, endpoint):
    """The template with a name for its endpoint, as a stage's has; no endpoint without a name."""
    document = json.loads(template(model_data))
    if endpoint:
        document["Resources"]["Endpoint"]["Properties"]["EndpointName"] = endpoint
    else:
        del document["Resources"]["Endpoint"], document["Outputs"]["Name"]
    return json.dumps(document)


def gone(client, name):
    """Delete a stack by its id, and wait until it is gone."""
    [stack] = client.describe_stacks(StackName=name)["Stacks"]
    client.delete_stack(StackName=name)
    assert wait(client, stack["StackId"])[0] == "DELETE_COMPLETE"


def endpoints(bench, name):
    return [found["EndpointStatus"] for found in bench.sagemaker.list_endpoints(NameContains=name)["Endpoints"]]


def test_an_endpoint_that_fails_at_first_is_not_in_the_way_of_the_next(cloud, local_aws, bench):
    client, data = cloud
    name = unique("stack")
    client.create_stack(StackName=name, TemplateBody=named(data("broken"), name))
    assert (wait(client, name)[0], endpoints(bench, name)) == ("ROLLBACK_COMPLETE", [])
    events = client.describe_stack_events(StackName=name)["StackEvents"]
    statuses = [event["ResourceStatus"] for event in events[::-1] if event["LogicalResourceId"] == "Endpoint"]
    assert statuses == ["CREATE_IN_PROGRESS", "CREATE_FAILED", "DELETE_IN_PROGRESS", "DELETE_COMPLETE"]
    gone(client, name)
    client.create_stack(StackName=name, TemplateBody=named(data("1"), name))
    assert wait(client, name)[0] == "CREATE_COMPLETE"
    answer = local_aws.client("sagemaker-runtime").invoke_endpoint(EndpointName=name, Body=b"x")
    assert answer["Body"].read() == b"1"


def test_without_rollback_an_endpoint_that_fails_stays_until_its_stack_goes(cloud, bench):
    client, data = cloud
    name = unique("stack")
    for is_deleted in (True, False):
        client.create_stack(StackName=name, TemplateBody=named(data("broken"), name), DisableRollback=True)
        assert (wait(client, name)[0], endpoints(bench, name)) == ("CREATE_FAILED", ["Failed"])
        [found] = client.describe_stack_resources(StackName=name, LogicalResourceId="Endpoint")["StackResources"]
        assert (found["ResourceStatus"], found["PhysicalResourceId"][-len(name) :]) == ("CREATE_FAILED", name)
        if is_deleted:
            gone(client, name)
        else:
            client.rollback_stack(StackName=name)
            assert wait(client, name)[0] == "ROLLBACK_COMPLETE"
        assert endpoints(bench, name) == []


@pytest.mark.parametrize("before", ["", "old"])
def test_an_update_that_fails_leaves_no_endpoint_of_its_own(cloud, bench, before):
    """An endpoint that is added, or that replaces one of another name."""
    client, data = cloud
    name = unique("stack")
    old = before and f"{name}-{before}"
    client.create_stack(StackName=name, TemplateBody=named(data("1"), old))
    assert wait(client, name)[0] == "CREATE_COMPLETE"
    client.update_stack(StackName=name, TemplateBody=named(data("broken"), f"{name}-new"))
    assert wait(client, name)[0] == "UPDATE_ROLLBACK_COMPLETE"
    assert "no weights" in reasons(client, name)
    assert endpoints(bench, f"{name}-new") == []
    assert endpoints(bench, name) == ["InService"] * bool(before)
    client.update_stack(StackName=name, TemplateBody=named(data("2"), f"{name}-new"))
    assert wait(client, name)[0] == "UPDATE_COMPLETE"
    assert endpoints(bench, name) == ["InService"]
    gone(client, name)
    assert endpoints(bench, name) == []


def test_groups_and_pipelines(cloud, bench):
    client, _ = cloud
    name = unique("stack")
    step = {"Name": "Stop", "Type": "Fail", "Arguments": {"ErrorMessage": "x"}}
    body = json.dumps({"Version": "2020-12-01", "Steps": [step]})
    resources = {
        "Group": {"Type": "AWS::SageMaker::ModelPackageGroup", "Properties": {"ModelPackageGroupName": name}},
        "Pipeline": {
            "Type": "AWS::SageMaker::Pipeline",
            "Properties": {
                "PipelineName": name,
                "RoleArn": ROLE,
                "PipelineDefinition": {"PipelineDefinitionBody": body},
            },
        },
    }
    outputs = {"Pipeline": {"Value": {"Ref": "Pipeline"}}, "Group": {"Value": {"Ref": "Group"}}}
    client.create_stack(StackName=name, TemplateBody=json.dumps({"Resources": resources, "Outputs": outputs}))
    status, found = wait(client, name)
    assert (status, found["Pipeline"]) == ("CREATE_COMPLETE", name)
    assert found["Group"].endswith(f":model-package-group/{name}")
    resources["Pipeline"]["Properties"]["PipelineDisplayName"] = "Shown"
    client.update_stack(StackName=name, TemplateBody=json.dumps({"Resources": resources, "Outputs": outputs}))
    assert wait(client, name)[0] == "UPDATE_COMPLETE"
    assert bench.sagemaker.describe_pipeline(PipelineName=name)["PipelineDisplayName"] == "Shown"


def scaled(model_data, most, target):
    document = json.loads(template(model_data))
    resource = {"Fn::Sub": "endpoint/${Endpoint.EndpointName}/variant/AllTraffic"}
    document["Resources"]["Target"] = {
        "Type": "AWS::ApplicationAutoScaling::ScalableTarget",
        "Properties": {
            "ServiceNamespace": "sagemaker",
            "ResourceId": resource,
            "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
            "MinCapacity": "1",
            "MaxCapacity": str(most),
        },
    }
    tracking = {
        "PredefinedMetricSpecification": {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"},
        "TargetValue": str(target),
    }
    document["Resources"]["Policy"] = {
        "Type": "AWS::ApplicationAutoScaling::ScalingPolicy",
        "Properties": {
            "PolicyName": "track",
            "PolicyType": "TargetTrackingScaling",
            "ScalingTargetId": {"Ref": "Target"},
            "TargetTrackingScalingPolicyConfiguration": tracking,
        },
    }
    document["Outputs"] |= {"Target": {"Value": {"Ref": "Target"}}, "Policy": {"Value": {"Ref": "Policy"}}}
    return json.dumps(document)


def test_autoscaling_follows_its_stack(local_aws, cloud):
    client, data = cloud
    autoscaling = local_aws.client("application-autoscaling")
    stack = unique("stack")
    client.create_stack(StackName=stack, TemplateBody=scaled(data("1"), 2, 100))
    _, outputs = wait(client, stack)
    resource, dimension, namespace = outputs["Target"].split("|")
    key = {"ServiceNamespace": namespace, "ResourceId": resource, "ScalableDimension": dimension}
    assert resource == f"endpoint/{outputs['Name']}/variant/AllTraffic"
    client.update_stack(StackName=stack, TemplateBody=scaled(data("1"), 3, 200))
    status, updated = wait(client, stack)
    assert (status, updated["Policy"]) == ("UPDATE_COMPLETE", outputs["Policy"])
    request = {"ServiceNamespace": namespace, "ResourceIds": [resource]}
    [target] = autoscaling.describe_scalable_targets(**request)["ScalableTargets"]
    assert (target["MinCapacity"], target["MaxCapacity"]) == (1, 3)
    [policy] = autoscaling.describe_scaling_policies(**key)["ScalingPolicies"]
    assert policy["TargetTrackingScalingPolicyConfiguration"]["TargetValue"] == 200
    assert policy["PolicyARN"] == outputs["Policy"]
    client.delete_stack(StackName=stack)
    deadline = time.monotonic() + 60
    while autoscaling.describe_scalable_targets(**request)["ScalableTargets"]:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_target_whose_schedule_is_refused_is_no_target(local_aws, cloud):
    client, data = cloud
    stack = unique("stack")
    document = json.loads(scaled(data("1"), 2, 100))
    action = {"ScheduledActionName": "wrong", "Schedule": "some day", "ScalableTargetAction": {"MaxCapacity": 3}}
    document["Resources"]["Target"]["Properties"]["ScheduledActions"] = [action]
    client.create_stack(StackName=stack, TemplateBody=json.dumps(document))
    assert wait(client, stack)[0] == "ROLLBACK_COMPLETE"
    events = client.describe_stack_events(StackName=stack)["StackEvents"]
    assert ("Target", "CREATE_FAILED") in [(each["LogicalResourceId"], each["ResourceStatus"]) for each in events]
    targets = local_aws.client("application-autoscaling").describe_scalable_targets(ServiceNamespace="sagemaker")
    assert stack not in str(targets["ScalableTargets"])

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

"""A stack with a service role is made as that role, where IAM is enforced."""

import json
import uuid

import pytest
from botocore.exceptions import ClientError, WaiterError

from tests.conftest import LocalAws
from tests.localaws.roles import allow, make_role
from tests.localaws.test_authorization import as_user, user

GROUP = "sagemaker:CreateModelPackageGroup"
MAY = allow([GROUP, "sagemaker:DescribeModelPackageGroup", "sagemaker:DeleteModelPackageGroup"])


def make_stack(local_aws: LocalAws, role_arn: str) -> tuple[str, str]:
    """Make a stack of a model package group; its status and why it failed."""
    stacks, name = local_aws.client("cloudformation"), f"stack-{uuid.uuid4().hex[:8]}"
    group = {"Type": "AWS::SageMaker::ModelPackageGroup", "Properties": {"ModelPackageGroupName": name}}
    body = json.dumps({"Resources": {"Group": group}})
    stacks.create_stack(StackName=name, TemplateBody=body, RoleARN=role_arn, OnFailure="DO_NOTHING")
    waiter = stacks.get_waiter("stack_create_complete")
    try:
        waiter.wait(StackName=name, WaiterConfig={"Delay": 0.1})
    except WaiterError as error:
        assert "CREATE_FAILED" in str(error)
    events = stacks.describe_stack_events(StackName=name)["StackEvents"]
    reasons = [each.get("ResourceStatusReason", "") for each in events if each["ResourceType"] == group["Type"]]
    return name, " ".join(reasons)


def test_resources_are_made_and_deleted_as_the_stacks_role(enforcing_local_aws: LocalAws) -> None:
    _, denied = make_stack(enforcing_local_aws, make_role(enforcing_local_aws, "cloudformation"))
    assert f"is not authorized to perform: {GROUP}" in denied
    _, distrusted = make_stack(enforcing_local_aws, make_role(enforcing_local_aws, "sagemaker", MAY))
    assert "allows cloudformation.amazonaws.com to assume it" in distrusted
    role_arn = make_role(enforcing_local_aws, "cloudformation", MAY)
    name, allowed = make_stack(enforcing_local_aws, role_arn)
    assert allowed == " "
    iam, stacks = enforcing_local_aws.client("iam"), enforcing_local_aws.client("cloudformation")
    iam.delete_role_policy(RoleName=role_arn.rpartition("/")[2], PolicyName="own")
    stacks.delete_stack(StackName=name)
    with pytest.raises(WaiterError, match="DELETE_FAILED"):
        stacks.get_waiter("stack_delete_complete").wait(StackName=name, WaiterConfig={"Delay": 0.1})


def test_who_hands_a_role_over_needs_leave(enforcing_local_aws: LocalAws) -> None:
    role_arn = make_role(enforcing_local_aws, "cloudformation", MAY)
    create = {"Action": "cloudformation:CreateStack", "Resource": "*"}
    stacks = as_user(enforcing_local_aws, user(enforcing_local_aws, create), "cloudformation")
    with pytest.raises(ClientError, match=f"not authorized to perform: iam:PassRole on resource: {role_arn}"):
        stacks.create_stack(StackName="never", TemplateBody="{}", RoleARN=role_arn)


def arns(local_aws: LocalAws, stack: str) -> list[str]:
    """What a stack has."""
    resources = local_aws.client("cloudformation").describe_stack_resources(StackName=stack)["StackResources"]
    return [each["PhysicalResourceId"] for each in resources]


def test_a_role_that_makes_only_what_bears_a_tag_makes_a_stack_that_has_it(enforcing_local_aws: LocalAws) -> None:
    """The stack's tags go with the requests that make its resources; others come in place."""
    key, kinds = "sagemaker:project-name", [f"arn:aws:sagemaker:*:*:{kind}/*" for kind in ("model", "endpoint-config")]
    given = {f"aws:RequestTag/{key}": "iris"}
    creations = ["CreateModel", "CreateEndpointConfig"]
    role_arn = make_role(
        enforcing_local_aws,
        "cloudformation",
        allow("iam:PassRole", "*"),
        allow([f"sagemaker:{each}" for each in creations], kinds) | {"Condition": {"StringEquals": given}},
        allow("sagemaker:AddTags", kinds)
        | {"Condition": {"StringEquals": {**given, "sagemaker:TaggingAction": creations}}},
        allow("sagemaker:AddTags", kinds) | {"Condition": {"StringEquals": {f"aws:ResourceTag/{key}": "iris"}}},
        allow("sagemaker:Describe*", kinds),
        allow("sagemaker:Delete*", kinds) | {"Condition": {"StringEquals": {f"aws:ResourceTag/{key}": "iris"}}},
    )
    model = {"ExecutionRoleArn": role_arn, "PrimaryContainer": {"Image": "python"}}
    variant = {"VariantName": "v", "InstanceType": "ml.t2.medium", "InitialInstanceCount": 1, "InitialVariantWeight": 1}
    variant["ModelName"] = {"Fn::GetAtt": ["Model", "ModelName"]}
    resources = {
        "Model": {"Type": "AWS::SageMaker::Model", "Properties": model},
        "Config": {"Type": "AWS::SageMaker::EndpointConfig", "Properties": {"ProductionVariants": [variant]}},
    }
    stacks, body = enforcing_local_aws.client("cloudformation"), json.dumps({"Resources": resources})
    for project in ("iris", "tulips"):
        name, tags = f"stack-{uuid.uuid4().hex[:8]}", [{"Key": key, "Value": project}]
        stacks.create_stack(StackName=name, TemplateBody=body, RoleARN=role_arn, Tags=tags, OnFailure="DO_NOTHING")
        waiter = stacks.get_waiter("stack_create_complete")
        if project == "iris":
            waiter.wait(StackName=name, WaiterConfig={"Delay": 0.1})
            made = arns(enforcing_local_aws, name)
            more = {"UsePreviousTemplate": True, "RoleARN": role_arn, "Tags": [*tags, {"Key": "team", "Value": "t"}]}
            stacks.update_stack(StackName=name, **more)
            stacks.get_waiter("stack_update_complete").wait(StackName=name, WaiterConfig={"Delay": 0.1})
            assert arns(enforcing_local_aws, name) == made
            for arn in made:
                listed = enforcing_local_aws.client("sagemaker").list_tags(ResourceArn=arn)["Tags"]
                assert listed == more["Tags"]
            stacks.delete_stack(StackName=name)
            stacks.get_waiter("stack_delete_complete").wait(StackName=name, WaiterConfig={"Delay": 0.1})
        else:
            with pytest.raises(WaiterError, match="CREATE_FAILED"):
                waiter.wait(StackName=name, WaiterConfig={"Delay": 0.1})

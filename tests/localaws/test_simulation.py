"""SimulatePrincipalPolicy and SimulateCustomPolicy, through boto3."""

import json
import uuid
from collections.abc import Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.conftest import LocalAws

OURS = {"StringEquals": {"aws:ResourceTag/project": "iris"}}


def policy(*statements: Mapping[str, Any]) -> str:
    filled = [{"Effect": "Allow", "Action": "*", "Resource": "*", **each} for each in statements]
    return json.dumps({"Version": "2012-10-17", "Statement": filled})


def decisions(answer: Any) -> list[str]:
    return [each["EvalDecision"] for each in answer["EvaluationResults"]]


def test_a_role_with_a_path_its_boundary_and_each_resource(local_aws: LocalAws) -> None:
    iam, name = local_aws.client("iam"), f"simulated-{uuid.uuid4().hex[:10]}"
    boundary = iam.create_policy(PolicyName=name, PolicyDocument=policy({"Action": ["s3:*", "sqs:*"]}))["Policy"]["Arn"]
    trust = policy({"Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"})
    made = {"RoleName": name, "Path": "/team/a/", "PermissionsBoundary": boundary, "AssumeRolePolicyDocument": trust}
    role = iam.create_role(**made)["Role"]["Arn"]
    allow = {"Sid": "Read", "Action": ["s3:GetObject", "iam:*"], "Resource": ["arn:aws:s3:::mine/*", "*:role/*"]}
    deny = {"Effect": "Deny", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::mine/secret"}
    iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=policy(allow, deny))
    arns = [f"arn:aws:s3:::{key}" for key in ("mine/k", "mine/secret", "other/k")]
    asked = {"PolicySourceArn": role, "ActionNames": ["s3:GetObject", "s3:PutObject"], "ResourceArns": arns}
    answer = iam.simulate_principal_policy(**asked)
    assert decisions(answer) == ["allowed", "explicitDeny", "implicitDeny", *["implicitDeny"] * 3]
    assert [each["EvalResourceName"] for each in answer["EvaluationResults"]] == arns * 2
    assert answer["EvaluationResults"][0]["MatchedStatements"][0]["SourcePolicyId"] == "Read"
    beyond = iam.simulate_principal_policy(PolicySourceArn=role, ActionNames=["iam:GetRole"], ResourceArns=[role])
    [found] = beyond["EvaluationResults"]
    assert found["EvalDecision"] == "implicitDeny"
    assert found["PermissionsBoundaryDecisionDetail"] == {"AllowedByPermissionsBoundary": False}
    with pytest.raises(ClientError, match="NoSuchEntity"):
        iam.simulate_principal_policy(PolicySourceArn=role.replace("/team", ""), ActionNames=["iam:GetRole"])


def test_a_policy_that_is_given_with_the_keys_of_the_request(local_aws: LocalAws) -> None:
    iam = local_aws.client("iam")
    asked = {"PolicyInputList": [policy({"Condition": OURS})], "ActionNames": ["sqs:SendMessage"]}

    def told(*values: str) -> Any:
        key = {"ContextKeyName": "aws:ResourceTag/project", "ContextKeyType": "string"}
        return iam.simulate_custom_policy(
            **asked, ContextEntries=[{**key, "ContextKeyValues": [each]} for each in values]
        )

    assert decisions(told("iris")) + decisions(told("tulips")) + decisions(told()) == ["allowed"] + ["implicitDeny"] * 2
    assert told()["EvaluationResults"][0]["MissingContextValues"] == ["aws:resourcetag/project"]
    boundary = {"PermissionsBoundaryPolicyInputList": [policy({"Action": "s3:*"})]}
    limited = iam.simulate_custom_policy(PolicyInputList=[policy({})], ActionNames=["sqs:SendMessage"], **boundary)
    assert decisions(limited) == ["implicitDeny"]
    user = {"CallerArn": "arn:aws:iam::000000000000:user/Ann", "PolicyInputList": [policy({"Action": "iam:GetUser"})]}
    queue = policy({"Principal": {"AWS": user["CallerArn"]}, "Action": "sqs:SendMessage"})
    by_queue = iam.simulate_custom_policy(**user, ActionNames=["sqs:SendMessage"], ResourcePolicy=queue)
    assert decisions(by_queue) == ["allowed"]

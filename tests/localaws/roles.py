"""Roles for tests of who may do what."""

import json
import uuid
from typing import Any

from tests.conftest import LocalAws

ROOT = "arn:aws:iam::{}:root"


def allow(actions: str | list[str], resources: str | list[str] = "*") -> dict[str, Any]:
    """A statement of a policy."""
    return {"Effect": "Allow", "Action": actions, "Resource": resources}


def make_role(local_aws: LocalAws, principal: str, *statements: dict[str, Any]) -> str:
    """A new role that a service such as ``codepipeline`` may assume, and that may do what the statements say."""
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": f"{principal}.amazonaws.com"},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"aws:SourceAccount": "000000000000"}},
    }
    return _made(local_aws, trust, *statements)


def make_role_for(local_aws: LocalAws, account_id: str, *statements: dict[str, Any]) -> str:
    """A new role that an account's roles may assume, as far as their own policies let them."""
    trust = {
        "Effect": "Allow",
        "Principal": {"AWS": ROOT.format(account_id)},
        "Action": "sts:AssumeRole",
        "Condition": {"ArnLike": {"aws:PrincipalArn": [f"arn:aws:iam::{account_id}:role/*", ROOT.format(account_id)]}},
    }
    return _made(local_aws, trust, *statements)


def _made(local_aws: LocalAws, trust: dict[str, Any], *statements: dict[str, Any]) -> str:
    iam, name = local_aws.client("iam"), f"role-{uuid.uuid4().hex[:12]}"
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy(trust))["Role"]["Arn"]
    if statements:
        iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=policy(*statements))
    return str(arn)


def policy(*statements: dict[str, Any]) -> str:
    """A policy document."""
    return json.dumps({"Version": "2012-10-17", "Statement": statements})

"""Roles: who may assume each, and that none may do everything."""

import json
from collections.abc import Iterator
from typing import Any

from deploy.check.check import Check
from deploy.check.finding import Verdict, failed, ok
from deploy.check.policies import listed, statements
from deploy.check.system import Resource, System

# Outputs of project.yml that name roles of SageMaker's.
_SAGEMAKER_ROLES = ("PipelineExecutionRoleArn", "ModelExecutionRoleArn")


def there(system: System, resource: Resource) -> Verdict:
    """The role exists."""
    system.client("iam").get_role(RoleName=resource.physical_id)
    return ok("there")


def trust(system: System, resource: Resource) -> Verdict:
    """A service may assume the role, and not just anybody."""
    allowed = _trusting(system, resource.physical_id)
    if any("*" in listed(principal) for statement in allowed for principal in _principals(statement)):
        return failed("its trust policy lets anybody assume it", "name the service that it is for as the Principal")
    services = sorted({service for statement in allowed for service in _services(statement)})
    if not services:
        return failed(
            "its trust policy lets no service assume it", "allow sts:AssumeRole to the service that it is for"
        )
    return ok(f"{', '.join(services)} may assume it")


def for_sagemaker(system: System, resource: Resource) -> Verdict | None:
    """SageMaker may assume the roles that the project gives to it."""
    for output in _SAGEMAKER_ROLES:
        if system.root.outputs.get(output, "").endswith(f"/{resource.physical_id}"):
            return assumable(system, system.root.outputs[output], "sagemaker.amazonaws.com")
    return None


def no_star(system: System, resource: Resource) -> Verdict:
    """No policy of the role allows all actions, or all of a service."""
    wide = sorted({wide for name, policy in _policies(system, resource) for wide in _wide(name, policy)})
    if wide:
        return failed(f"it may do {', '.join(wide)}", "name the actions that it needs")
    return ok("names its actions")


def assumable(system: System, role_arn: str, service: str) -> Verdict:
    """Judge whether a service may assume a role."""
    name = role_arn.rpartition("/")[2]
    if any(service in _services(statement) for statement in _trusting(system, name)):
        return ok(f"{service} may assume {name}")
    return failed(
        f"{service} may not assume {name}",
        f"allow sts:AssumeRole to {service}: `aws iam update-assume-role-policy --role-name {name}`",
    )


def _trusting(system: System, name: str) -> list[dict[str, Any]]:
    """Return the statements that allow a role to be assumed."""
    document = system.client("iam").get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]
    return [
        statement
        for statement in statements(document)
        if statement["Effect"] == "Allow"
        and {"sts:AssumeRole", "sts:*", "*"} & set(listed(statement.get("Action", [])))
    ]


def _services(statement: dict[str, Any]) -> list[str]:
    principal = statement.get("Principal", {})
    return listed(principal.get("Service", [])) if isinstance(principal, dict) else []


def _principals(statement: dict[str, Any]) -> list[Any]:
    principal = statement.get("Principal", {})
    return list(principal.values()) if isinstance(principal, dict) else [principal]


def _policies(system: System, resource: Resource) -> Iterator[tuple[str, dict[str, Any]]]:
    """Return the policies of a role by name, its own and those attached to it."""
    iam, role = system.client("iam"), resource.physical_id
    for page in iam.get_paginator("list_role_policies").paginate(RoleName=role):
        for name in page["PolicyNames"]:
            yield name, iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
    for page in iam.get_paginator("list_attached_role_policies").paginate(RoleName=role):
        for policy in page["AttachedPolicies"]:
            version = iam.get_policy(PolicyArn=policy["PolicyArn"])["Policy"]["DefaultVersionId"]
            document = iam.get_policy_version(PolicyArn=policy["PolicyArn"], VersionId=version)["PolicyVersion"]
            yield policy["PolicyName"], document["Document"]


def _wide(name: str, policy: dict[str, Any]) -> Iterator[str]:
    """Return what a policy allows without naming it."""
    document = json.loads(policy) if isinstance(policy, str) else policy
    for statement in statements(document):
        if statement["Effect"] != "Allow":
            continue
        if "NotAction" in statement:
            yield f"everything but {statement['NotAction']} (policy {name})"
        for action in listed(statement.get("Action", [])):
            if action == "*" or action.endswith(":*"):
                yield f"{action} (policy {name})"


CHECKS = (Check("There", there), Check("Trust", trust), Check("ForSageMaker", for_sagemaker), Check("NoStar", no_star))

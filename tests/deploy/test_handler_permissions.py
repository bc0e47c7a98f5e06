"""Whoever makes a stack may do all that CloudFormation does for each of its resources, to exactly that resource.

The stages' stacks are made by `DeployRole` of release.yml; the project's, and what is nested in it, by the role of
launch_role.yml. The API's stack, and a system test of its own, are made by persons.
"""

import copy
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from deploy import stages
from deploy.check.policies import listed
from tests.deploy.handler_permissions import Need, needs
from tests.deploy.resolution import SAMPLES, Template
from tests.deploy.test_policies import faults, statements, template_of
from tests.deploy.test_template_alarms import load

Document = dict[str, Any]
LAUNCH_ROLE = stages.FOLDER / "launch_role.yml"
# The stack's tags, which its resources have and get with the request that makes them.
TAGS = {"sagemaker:project-name": "iris", "sagemaker:project-id": "p-1", "sagemaker:deployment-stage": "staging"}
MADE_BY = {
    "automation": "LaunchRole",
    "build": "LaunchRole",
    "endpoint": "DeployRole",
    "project": "LaunchRole",
    "release": "LaunchRole",
    "system_test": "LaunchRole",
}
# A stage in an account of its own.
ELSEWHERE = Template(
    template_of("endpoint").document,
    {
        "ModelExecutionRoleArn": template_of("account").arn("ModelExecutionRole"),
        "ModelPackageName": "arn:aws:sagemaker:eu-west-1:444455556666:model-package/iris/1",
    },
)


@cache
def policy_of(role: str) -> list[Document]:
    """The statements of a role, resolved."""
    where = {"DeployRole": "release", "CloudFormationRole": "account"}
    template = Template(load(LAUNCH_ROLE)) if role == "LaunchRole" else template_of(where[role])
    policies = template.properties(role).get("Policies", [])
    managed = [
        template.properties(name)
        for name, resource in template.document["Resources"].items()
        if resource["Type"] in ("AWS::IAM::ManagedPolicy", "AWS::IAM::Policy")
        if {"Ref": role} in resource["Properties"].get("Roles", [])
    ]
    return [each for policy in (*policies, *managed) for each in policy["PolicyDocument"]["Statement"]]


def allows(statement: Document, need: Need) -> bool:
    """Whether a statement allows what is needed, as IAM decides."""
    return (
        statement["Effect"] == "Allow"
        and any(fnmatchcase(need.action.lower(), each.lower()) for each in listed(statement["Action"]))
        and any(fnmatchcase(need.arn, each) for each in listed(statement["Resource"]))
        and all(
            holds(operator, key, listed(values), need)
            for operator, keys in statement.get("Condition", {}).items()
            for key, values in keys.items()
        )
    )


def holds(operator: str, key: str, values: list[str], need: Need) -> bool:
    """Whether a condition holds for a request of CloudFormation's."""
    prefix, _, tag = key.partition("/")
    is_made = need.tagged_by != "" or need.action.partition(":")[2].startswith("Create")
    if prefix == "aws:ResourceTag":
        found = "" if is_made else TAGS.get(tag, "")
    elif prefix == "aws:RequestTag":
        found = TAGS.get(tag, "") if is_made else ""  # an update adds what has changed
    elif key == "aws:TagKeys":
        found = "a-tag-of-the-stage-s-file"
    elif key == "sagemaker:TaggingAction":
        found = need.tagged_by
    elif key == "iam:PermissionsBoundary":
        found = SAMPLES["PermissionsBoundaryArn"]  # each role has it, by test_template_rules
    elif key == "iam:PassedToService":
        found = need.passed_to
    elif prefix == "s3:ExistingObjectTag":
        found = ""  # our objects have no tags
    else:
        raise AssertionError(f"{need}: nothing is known of the condition {key}")
    if operator == "ForAllValues:StringNotEqualsIgnoreCase":
        return found.lower() not in [each.lower() for each in values]
    assert operator in ("StringEquals", "StringLike", "StringEqualsIfExists"), operator
    if operator.endswith("IfExists") and not found:
        return True
    return any(fnmatchcase(found, each) for each in values)


@cache
def all_needs(stem: str) -> tuple[Need, ...]:
    return tuple(needs(stem, template_of(stem)))


def missing(all_of_them: Iterable[Need], role: list[Document]) -> list[Need]:
    return [need for need in all_of_them if not any(allows(statement, need) for statement in role)]


@pytest.mark.parametrize("stem", MADE_BY)
def test_a_role_may_make_all_of_its_stack(stem: str) -> None:
    lacking = missing(all_needs(stem), policy_of(MADE_BY[stem]))
    assert lacking == [], "\n".join(f"{each.resource}: {each.action} on {each.arn}" for each in lacking)


def test_the_role_of_a_stage_s_own_account_may_make_its_stack() -> None:
    lacking = missing(needs("endpoint", ELSEWHERE), policy_of("CloudFormationRole"))
    assert lacking == [], "\n".join(f"{each.resource}: {each.action} on {each.arn}" for each in lacking)


def test_every_resource_and_permission_is_judged() -> None:
    """So that a type whose permissions are about something else is not passed over."""
    counted = Counter(stem for stem in MADE_BY for _ in all_needs(stem))
    judged = {need.resource for stem in MADE_BY for need in all_needs(stem)}
    made = {
        f"{stem} {name}"
        for stem in MADE_BY
        for name, resource in template_of(stem).document["Resources"].items()
        if "Condition" not in resource or template_of(stem).holds(resource["Condition"])
    }
    assert judged == made
    assert sum(counted.values()) >= 1200, counted


Change = Callable[[Document], object]


def removed(action: str) -> Change:
    return lambda statement: statement["Action"].remove(action)


@pytest.mark.parametrize(
    ("role", "sid", "change", "resource", "action"),
    [
        ("DeployRole", "Dashboards", removed("cloudwatch:TagResource"), "endpoint Dashboard", "cloudwatch:TagResource"),
        (
            "DeployRole",
            "OwnTagsTakenAway",
            lambda found: found.update(Action=[]),
            "endpoint Model",
            "sagemaker:DeleteTags",
        ),
        (
            "DeployRole",
            "NewTags",
            lambda found: found["Condition"]["StringEquals"].update({"sagemaker:TaggingAction": "CreateModel"}),
            "endpoint EndpointConfig",
            "sagemaker:AddTags",
        ),
        (
            "DeployRole",
            "OwnTags",
            lambda found: found["Condition"].update(StringEquals=found["Condition"].pop("StringEqualsIfExists")),
            "endpoint Model",
            "sagemaker:AddTags",
        ),
        (
            "DeployRole",
            "NewModelsAndConfigurations",
            lambda found: found.update(Condition={"StringEquals": {"aws:ResourceTag/sagemaker:project-name": "iris"}}),
            "endpoint Model",
            "sagemaker:CreateModel",
        ),
        (
            "DeployRole",
            "Dashboards",
            lambda found: found.update(Resource=[each.replace("-eu-west-1", "") for each in found["Resource"]]),
            "endpoint Dashboard",
            "cloudwatch:PutDashboard",
        ),
        (
            "DeployRole",
            "ModelRole",
            lambda found: found.update(Condition={"StringEquals": {"iam:PassedToService": "ecs.amazonaws.com"}}),
            "endpoint Model",
            "iam:PassRole",
        ),
        ("LaunchRole", "Keys", removed("kms:RevokeGrant"), "automation ClaimsTable", "kms:RevokeGrant"),
        ("LaunchRole", "Keys", removed("kms:Encrypt"), "automation Batch", "kms:Encrypt"),
        ("LaunchRole", "Anything", removed("kms:ListAliases"), "automation ClaimsTable", "kms:ListAliases"),
        (
            "LaunchRole",
            "Assets",
            lambda found: found.update(Resource="arn:aws:s3:::b/*"),
            "automation Batch",
            "s3:GetObject",
        ),
    ],
)
def test_a_slip_would_be_found(role: str, sid: str, change: Change, resource: str, action: str) -> None:
    policy = copy.deepcopy(policy_of(role))
    [statement] = [each for each in policy if each["Sid"] == sid]
    change(statement)
    lacking = {(need.resource, need.action) for need in missing(all_needs(resource.partition(" ")[0]), policy)}
    assert (resource, action) in lacking


def test_the_launch_role_says_what_iam_and_cloudformation_know() -> None:
    assert faults(statements("launch_role", Template(load(LAUNCH_ROLE)))) == []
    lint = Path(sys.executable).with_name("cfn-lint")
    command = [str(lint), "--include-checks", "I", "--include-experimental", "--", str(LAUNCH_ROLE)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")

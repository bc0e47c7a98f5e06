"""Every statement of every policy in the templates says what IAM knows: actions, their resources, their condition keys.

IAM takes a policy with a misspelt action, or with a resource or a condition that an action does not know, and lets
nobody do anything by it. Source: Service Authorization Reference.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import pytest

from deploy.check.policies import listed
from tests.deploy import service_authorization as known
from tests.deploy.resolution import Template
from tests.deploy.test_template_alarms import load
from tests.deploy.test_templates import TEMPLATES

Document = dict[str, Any]

# The policies of resources: the properties that hold them. What they are about is in their Resource, too.
_OF_RESOURCES = {
    "AWS::ApiGateway::RestApi": "Policy",
    "AWS::KMS::Key": "KeyPolicy",
    "AWS::S3::BucketPolicy": "PolicyDocument",
    "AWS::SageMaker::ModelPackageGroup": "ModelPackageGroupPolicy",
    "AWS::SNS::TopicPolicy": "PolicyDocument",
    "AWS::SQS::QueuePolicy": "PolicyDocument",
}
# Every action may have these; source: "AWS global condition context keys". Those of tags only what the reference says.
_GLOBAL = re.compile(r"aws:(?!(RequestTag|ResourceTag|TagKeys))", re.IGNORECASE)
_OPERATORS = re.compile(
    r"(ForAllValues:|ForAnyValue:)?(String(Not)?(Equals|EqualsIgnoreCase|Like)|Arn(Not)?(Equals|Like)|Bool"
    r"|Null|Numeric\w+|Date\w+|(Not)?IpAddress)(IfExists)?"
)
# Where the reference and AWS's guides differ, or a wider resource is meant: why, and the source.
EXCEPTIONS: dict[tuple[str, str], str] = {
    ("cloudwatch:DescribeAlarms", "*"): "reads only; the laptop's IAM asks for * where a request names several alarms",
    (
        "sagemaker:CreateModel",
        "model-package",
    ): 'of another account\'s; "Deploy a Model Version from a Different Account"',
    ("cloudformation:GetTemplateSummary", "*"): "of a template that is no stack yet; API reference",
    (
        "kms:DescribeKey",
        "kms:EncryptionContext:aws:logs:arn",
    ): 'so it is in "Encrypt log data in CloudWatch Logs"; it changes nothing',
    (
        "sagemaker:ListModelPackages",
        "model-package-group",
    ): "the reference says model-package, the request names a group; with both it is right whichever IAM asks for",
}


@dataclass(frozen=True)
class Statement:
    """A statement, resolved.

    Attributes
    ----------
    where : str
        The template, the resource and the statement's Sid or number.
    of_resource : bool
        Whether the policy is a resource's own.
    """

    where: str
    of_resource: bool
    effect: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    conditions: tuple[tuple[str, str], ...]

    @property
    def known_actions(self) -> list[known.Action]:
        return [action for pattern in self.actions for action in known.matching(pattern)]


def documents(template: Template) -> Iterator[tuple[str, bool, Document]]:
    """The policies of a template that grant or deny something, each with its resource's logical id."""
    for logical_id, resource in template.document["Resources"].items():
        properties = template.properties(logical_id)
        if resource["Type"] in _OF_RESOURCES:
            yield logical_id, True, properties[_OF_RESOURCES[resource["Type"]]]
        elif resource["Type"] in ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"):
            yield logical_id, False, properties["PolicyDocument"]
        elif resource["Type"] == "AWS::IAM::Role":
            yield logical_id, True, properties["AssumeRolePolicyDocument"]
            yield from ((logical_id, False, policy["PolicyDocument"]) for policy in properties.get("Policies", ()))


def statements(name: str, template: Template) -> Iterator[Statement]:
    for logical_id, of_resource, document in documents(template):
        for number, each in enumerate(document["Statement"]):
            conditions = each.get("Condition", {}).items()
            yield Statement(
                f"{name} {logical_id} {each.get('Sid', number)}",
                of_resource,
                each["Effect"],
                tuple(listed(each["Action"])),
                tuple(listed(each.get("Resource", "*"))),
                tuple((operator, key) for operator, keys in conditions for key in keys),
            )


def unknown_actions(statement: Statement) -> list[str]:
    """An action that IAM does not have."""
    return [
        f"{pattern} is not an action: see the service's page of the Service Authorization Reference"
        for pattern in statement.actions
        if not known.matching(pattern)
    ]


def resources_that_do_not_fit(statement: Statement) -> list[str]:
    """An action on a resource that it is never done to, or a resource for which there is no action."""
    if statement.of_resource:
        return []
    found = []
    for pattern in statement.actions:
        meant = known.matching(pattern)
        if meant and not any(_fits(action, resource) for action in meant for resource in statement.resources):
            kinds = sorted({kind for action in meant for kind in action.resources}) or "* alone"
            found.append(f"{pattern} is done to {kinds}, and none of {list(statement.resources)} is")
    for resource in statement.resources:
        if not any(_fits(action, resource) for action in statement.known_actions):
            found.append(f"none of {list(statement.actions)} is ever done to {resource}")
    return found


def stars_where_there_are_resources(statement: Statement) -> list[str]:
    """``*`` as the resource of an action that knows resources."""
    if statement.of_resource or "*" not in statement.resources:
        return []
    return [
        f"{action.name} can name {sorted(action.resources)}: name them instead of *"
        for action in statement.known_actions
        if not action.on_anything and (action.name, "*") not in EXCEPTIONS
    ]


def conditions_that_never_hold(statement: Statement) -> list[str]:
    """A condition key that an action does not know: an Allow is then none, and a Deny neither."""
    found = [
        f"{each} is not a condition operator" for each, _ in statement.conditions if not _OPERATORS.fullmatch(each)
    ]
    for _, key in statement.conditions:
        if _GLOBAL.match(key):
            continue
        found += [
            f"{action.name} does not know the condition key {key}: it has {sorted(action.condition_keys)}"
            for action in statement.known_actions
            if (action.name, key) not in EXCEPTIONS
            if not any(_is_key(each, key) for each in action.condition_keys)
        ]
    return found


def _fits(action: known.Action, resource: str) -> bool:
    if resource == "*":
        return True  # where there are resources, that is another rule's
    service = action.name.partition(":")[0]
    more = {kind for name, kind in EXCEPTIONS if name == action.name}
    return any(known.is_of_type(service, kind, resource) for kind in action.resources | more)


def _is_key(pattern: str, key: str) -> bool:
    return bool(re.fullmatch(re.sub(r"\\\$\\\{[^}]*\\\}|<[^>]*>", ".+", re.escape(pattern)), key, re.IGNORECASE))


RULES: tuple[Callable[[Statement], list[str]], ...] = (
    unknown_actions,
    resources_that_do_not_fit,
    stars_where_there_are_resources,
    conditions_that_never_hold,
)


@cache
def template_of(stem: str) -> Template:
    [path] = [path for path in TEMPLATES if path.stem == stem]
    return Template(load(path))


def faults(found: Iterable[Statement]) -> list[str]:
    return [f"{each.where}: {fault}" for each in found for rule in RULES for fault in rule(each)]


@pytest.mark.parametrize("stem", [path.stem for path in TEMPLATES])
def test_every_statement_says_what_iam_knows(stem: str) -> None:
    assert faults(statements(stem, template_of(stem))) == []


def test_all_policies_are_judged() -> None:
    """So that a new type of policy is not passed over."""
    found = [each for path in TEMPLATES for each in statements(path.stem, template_of(path.stem))]
    held = [
        (path.stem, name)
        for path in TEMPLATES
        for name, resource in template_of(path.stem).document["Resources"].items()
        if "'Statement'" in str(resource)
    ]
    assert {tuple(each.where.split()[:2]) for each in found} == set(held)
    assert len(found) >= 170


@pytest.mark.parametrize(
    ("where", "change", "said"),
    [
        ("automation BatchRole Queue", {"actions": ("sqs:RecieveMessage",)}, "sqs:RecieveMessage is not an action"),
        ("automation BatchRole Queue", {"resources": ("arn:aws:sns:eu-west-1:1:iris",)}, "sqs:DeleteMessage is done"),
        ("automation BatchRole Queue", {"resources": ("*",)}, "can name ['queue']: name them"),
        (
            "release DeployRole Dashboards",
            {"resources": ("arn:aws:cloudwatch:eu-west-1:1:dashboard/a",)},
            "ever done to",
        ),
        ("release DeployRole AutoScalingRole", {"actions": ("iam:PassRole", "iam:GetPolicy")}, "iam:GetPolicy is done"),
        ("project ModelExecutionRole ImagesLogin", {"resources": ("arn:aws:ecr:eu-west-1:1:repository/a",)}, "* alone"),
        (
            "release TestRole Verdict",
            {"conditions": (("Null", "sagemaker:ModelApprovalStatuses"),)},
            "does not know the condition key sagemaker:ModelApprovalStatuses",
        ),
        (
            "release PipelineRole DeployRole",
            {"conditions": (("StringEqual", "iam:PassedToService"),)},
            "not a condition op",
        ),
    ],
)
def test_a_slip_would_be_found(where: str, change: dict[str, Any], said: str) -> None:
    stem = where.partition(" ")[0]
    [statement] = [each for each in statements(stem, template_of(stem)) if each.where == where]
    assert any(said in fault for fault in faults([replace(statement, **change)]))

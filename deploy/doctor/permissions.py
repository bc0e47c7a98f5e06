"""Permissions: whether who launches the project may do what CloudFormation then does in their name.

CloudFormation's registry says what the handlers of each type call; IAM simulates those calls on resources that are
called as the project's will be. A handler's list is that of all properties of its type, so some actions on it may never
be called. Session policies and policies of resources are not part of a simulation, those of the organization are.
"""

import json
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from deploy.check.check import Check
from deploy.check.finding import Verdict, failed, ok, unknown, warning
from deploy.doctor.launch import Launch, Part
from deploy.doctor.templates import types

PERMISSIONS = "Permissions"
_HANDLERS = ("create", "read", "update", "delete")
_KEY = "11111111-2222-3333-4444-555555555555"
# An example of what the templates make in each service, after the partition.
RESOURCES: Mapping[str, str] = {
    "cloudformation": "cloudformation:{region}:{account}:stack/{stack}/11111111-2222-3333-4444-555555555555",
    "cloudwatch": "cloudwatch:{region}:{account}:alarm:{stack}-Errors",
    "codebuild": "codebuild:{region}:{account}:project/{project}-build",
    "codecommit": "codecommit:{region}:{account}:sagemaker-{project}",
    "codepipeline": "codepipeline:{region}:{account}:{project}-build",
    "dynamodb": "dynamodb:{region}:{account}:table/{project}-versions",
    "events": "events:{region}:{account}:rule/{project}-execution",
    "iam": "iam::{account}:role/{stack}-BuildRole-0123456789ab",
    "kms": f"kms:{{region}}:{{account}}:key/{_KEY}",
    "lambda": "lambda:{region}:{account}:function:{project}-start-deployment",
    "logs": "logs:{region}:{account}:log-group:/aws/lambda/{project}-start-deployment",
    "s3": "s3:::sagemaker-project-{id}",
    "sagemaker": "sagemaker:{region}:{account}:model-package-group/{project}",
    "sns": "sns:{region}:{account}:{project}-notifications",
    "sqs": "sqs:{region}:{account}:{project}-start-deployment",
    "states": "states:{region}:{account}:stateMachine:{project}-system-test",
}
# Where the permissions of a service have another prefix than its types.
_PREFIXES = {"stepfunctions": "states"}
# Types that CloudFormation makes without handlers, so that its registry names no permissions.
WITHOUT_HANDLERS: Mapping[str, tuple[str, ...]] = {
    "AWS::CodeBuild::Project": (
        "codebuild:BatchGetProjects",
        "codebuild:CreateProject",
        "codebuild:DeleteProject",
        "codebuild:UpdateProject",
        "iam:PassRole",
    ),
}
# Roles are passed to one service at a time; one of them stands for all.
_PASSED_TO = {
    "ContextKeyName": "iam:PassedToService",
    "ContextKeyValues": ["codebuild.amazonaws.com"],
    "ContextKeyType": "string",
}
# Without these nothing of the templates is made; the rest may be for properties that no template has.
_CORE = {
    "cloudformation:CreateStack",
    "cloudwatch:PutMetricAlarm",
    "codebuild:CreateProject",
    "codecommit:CreateRepository",
    "codepipeline:CreatePipeline",
    "dynamodb:CreateTable",
    "events:PutRule",
    "events:PutTargets",
    "iam:CreateRole",
    "iam:PutRolePolicy",
    "kms:CreateKey",
    "lambda:CreateEventSourceMapping",
    "lambda:CreateFunction",
    "logs:CreateLogGroup",
    "s3:CreateBucket",
    "s3:PutBucketPolicy",
    "sagemaker:CreateModelPackageGroup",
    "sns:CreateTopic",
    "sns:Subscribe",
    "sqs:CreateQueue",
    "sqs:SetQueueAttributes",
    "states:CreateStateMachine",
}
_SHOWN = 12


def allowed(launch: Launch, part: Part) -> Verdict:
    """IAM's simulation allows what the handlers of this service's resources call."""
    principal = launch.once("principal", partial(_principal, launch))
    if principal.endswith(":root"):
        return ok("the root user may do everything")
    if ":federated-user/" in principal:
        return unknown("IAM simulates users and roles, not federated users", "have an administrator compare")
    needed = launch.once("needed", lambda: _needed(launch))
    actions = sorted(needed.get(part.physical_id, ()))
    if not actions:
        return unknown("not examined here: CloudFormation's registry names no permissions for it", "compare by hand")
    arn = _example(launch, part.physical_id)
    refused = sorted(_refused(launch.client("iam"), principal, actions, arn), key=lambda one: (one not in _CORE, one))
    if not refused:
        return ok(f"{len(actions)} actions on {arn}")
    more = f" and {len(refused) - _SHOWN} more" if len(refused) > _SHOWN else ""
    said = f"{principal} may not {', '.join(refused[:_SHOWN])}{more} on {arn}"
    action = "allow them, as the role of deploy/launch_role.yml does, or have an administrator launch it"
    # Handlers call much for properties that the templates do not use.
    return failed(said, action) if refused[0] in _CORE else warning(f"{said}, which may be needed", action)


def permission_parts(launch: Launch) -> list[Part]:
    """Return the services in which the project's templates make something."""
    made = {name.split("::")[1].lower() for name in types()}
    names = {_PREFIXES.get(name, name) for name in made}
    if launch.parameters.get("SourceProvider") == "CodeConnection":
        names -= {"codecommit"}
    return [Part(PERMISSIONS, name, name) for name in sorted(names)]


def _principal(launch: Launch) -> str:
    """Return whose permissions count, as IAM knows it: a session is that of a role, whose path its ARN leaves out."""
    if launch.launch_role_arn:
        return launch.launch_role_arn
    arn = launch.identity["Arn"]
    _, is_assumed, role_and_session = arn.partition(":assumed-role/")
    if not is_assumed:
        return arn
    role = launch.client("iam").get_role(RoleName=role_and_session.partition("/")[0])
    return str(role["Role"]["Arn"])


def _needed(launch: Launch) -> Mapping[str, set[str]]:
    """Return the actions that the handlers of the templates' types call, by service."""
    cloudformation, found = launch.client("cloudformation"), dict[str, set[str]]()
    for name in types():
        told = cloudformation.describe_type(Type="RESOURCE", TypeName=name)
        for action in (*permissions(json.loads(told["Schema"])), *WITHOUT_HANDLERS.get(name, ())):
            found.setdefault(action.partition(":")[0].lower(), set()).add(action)
    return found


def permissions(schema: Mapping[str, Any]) -> Iterator[str]:
    """Yield what the handlers in the schema of a type call."""
    handlers = schema.get("handlers", {})
    for name in _HANDLERS:
        yield from handlers.get(name, {}).get("permissions", ())


def _example(launch: Launch, service: str) -> str:
    """Return the ARN of a resource of the project that a service will have."""
    after = RESOURCES[service].format(
        region=launch.region,
        account=launch.account,
        stack=launch.stack_name,
        project=launch.project_name,
        id=launch.project_id,
    )
    return f"arn:{launch.partition}:{after}"


def _refused(iam: Any, principal: str, actions: list[str], arn: str) -> Iterator[str]:
    if not actions:
        return
    pages = iam.get_paginator("simulate_principal_policy").paginate(
        PolicySourceArn=principal, ActionNames=actions, ResourceArns=[arn], ContextEntries=[_PASSED_TO]
    )
    for page in pages:
        for result in page["EvaluationResults"]:
            if result["EvalDecision"] != "allowed":
                yield result["EvalActionName"]


CHECKS = (Check("Allowed", allowed),)

"""The API in front of production: `api` deploys or updates its stack, whose life cycle is not that of a stage."""

import argparse
import functools
import hashlib
import json
import re
from collections.abc import Mapping

from deploy import artifacts, deployment, stacks, staged, stages
from deploy.deployment_view import output_lines
from deploy.project import API, PRODUCTION, Project

TEMPLATE = stages.FOLDER / "templates" / "api.yml"
FUNCTION = "invoke"
_SETS_UP_LOGGING = "SetUpApiGatewayLogging"
# What the API has from the project's stack.
_OF_THE_PROJECT = (
    *("SubnetIds", "SecurityGroupIds", "NetworkPolicyArn"),
    *("PermissionsBoundaryArn", "RolePath", "LogRetentionInDays"),
)
# Parameters that decide who may call, each with the value that asks for nothing.
_ACCESS = {"AuthorizationType": "NONE", "UserPoolArn": "", "VpcEndpointIds": ""}
_DEPLOYMENT = re.compile(r"\bDeployment[0-9a-f]{8}\b")


def deploy_api(project: Project, options: argparse.Namespace) -> int:
    """Put POST /stream and POST /batch in front of production's endpoint."""
    project.check_is_here(PRODUCTION, "its API")
    staged.read(project, PRODUCTION)
    key = artifacts.publish(project.s3, project.bucket, project.name, stages.FOLDER / "functions" / FUNCTION)
    name = project.stack_name(API)
    values = {
        **stages.kept_parameters(project, name, TEMPLATE),
        **({"NotificationTopicArn": project.notification_topic_arn} if project.notification_topic_arn else {}),
        **({"KmsKeyArn": project.kms_key_arn} if project.kms_key_arn else {}),
        **project.settings_of(_OF_THE_PROJECT),
        "SageMakerProjectName": project.name,
        "EndpointName": project.endpoint_name(PRODUCTION),
        "FunctionCodeBucket": project.bucket,
        "FunctionCodeKey": key,
        _SETS_UP_LOGGING: sets_up_logging(project),
        **dict(options.parameters),
    }
    tags = {"sagemaker:project-name": project.name}
    wanted = stages.stack_request(project, name, TEMPLATE, values, tags, functools.partial(deployed_anew, values))
    deployment.run(project, wanted, None, options.wait)
    stack = stacks.describe(project.cloudformation, wanted.name)
    for line in output_lines(stack) if stack else ():
        print(line)
    return 0


def deployed_anew(values: Mapping[str, str], template: str) -> str:
    """Return the template with its deployment named after who may call, too.

    A stage serves the snapshot that its deployment is, with the authorization and the resource policy of that time, and
    CloudFormation takes another one only where the name is another, which no parameter can be a part of.
    Sources: "AWS::ApiGateway::Deployment" in the CloudFormation template reference; "Create and attach an API Gateway
    resource policy to an API" in the developer guide: redeploy after each change.
    """
    access = {name: values[name] for name, nothing in _ACCESS.items() if values.get(name, nothing) != nothing}
    if not access:
        return template
    digest = hashlib.sha256(json.dumps(access, sort_keys=True).encode()).hexdigest()[:8]
    return _DEPLOYMENT.sub(lambda name: f"{name[0]}{digest}", template)


def sets_up_logging(project: Project) -> str:
    """Return whether the stack gives API Gateway its logging role: as it did, or if the account has none."""
    deployed = stacks.describe(project.cloudformation, project.stack_name(API))
    if deployed is not None and not deployed.is_empty and _SETS_UP_LOGGING in deployed.parameters:
        return deployed.parameters[_SETS_UP_LOGGING]
    return "false" if project.apigateway.get_account().get("cloudwatchRoleArn") else "true"

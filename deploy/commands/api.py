"""The API in front of production: `api` deploys or updates its stack, whose life cycle is not that of a stage."""

import argparse

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
    wanted = stages.stack_request(project, name, TEMPLATE, values, tags)
    deployment.run(project, wanted, None, options.wait)
    stack = stacks.describe(project.cloudformation, wanted.name)
    for line in output_lines(stack) if stack else ():
        print(line)
    return 0


def sets_up_logging(project: Project) -> str:
    """Return whether the stack gives API Gateway its logging role: as it did, or if the account has none."""
    deployed = stacks.describe(project.cloudformation, project.stack_name(API))
    if deployed is not None and not deployed.is_empty and _SETS_UP_LOGGING in deployed.parameters:
        return deployed.parameters[_SETS_UP_LOGGING]
    return "false" if project.apigateway.get_account().get("cloudwatchRoleArn") else "true"

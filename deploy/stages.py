"""Stages: what the stack of each is made of.

deploy/templates/endpoint.yml   one template for all stages
deploy/config/<stage>.json      {"Parameters": {...}, "Tags": {...}}: the only differences between stages
the project and the package     the parameters that no file can know
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from deploy import guardrails, stacks
from deploy.errors import DeployError
from deploy.packages import Package
from deploy.project import PRODUCTION, STAGING, Project
from deploy.stacks import TEMPLATE_BODY_BYTES, Request, Stack
from model_road import aws
from model_road.errors import UsageError

STAGES = (STAGING, PRODUCTION)
FOLDER = Path(__file__).parent
# What a stage has from the project's stack, unless its file says otherwise.
_OF_THE_PROJECT = ("EnableNetworkIsolation",)
# The same for a stage in the project's account: another one has subnets of its own, which the stage's file names.
_OF_THE_ACCOUNT = ("SubnetIds", "SecurityGroupIds")
ENDPOINT_TEMPLATE = FOLDER / "templates" / "endpoint.yml"


@dataclass(frozen=True)
class Config:
    """A stage's file: values of the template's parameters, and tags of the stack."""

    parameters: Mapping[str, str]
    tags: Mapping[str, str]


def config_path(stage: str) -> Path:
    """Return the path of a stage's file that comes with the package."""
    return FOLDER / "config" / f"{stage}.json"


def read_config(path: Path) -> Config:
    """Read a stage's file.

    Raises
    ------
    UsageError
        When it is missing or not {"Parameters": {name: value}, "Tags": {name: value}}.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"the stage's configuration {path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise UsageError(f"the stage's configuration {path} is not JSON: {error}") from error
    if not isinstance(document, dict) or not set(document) <= {"Parameters", "Tags"}:
        raise UsageError(f'{path}: expected {{"Parameters": {{...}}, "Tags": {{...}}}}')
    config = Config(_texts(path, document, "Parameters"), _texts(path, document, "Tags"))
    if "StageName" not in config.parameters:
        raise UsageError(f"{path}: Parameters has no StageName, which the endpoint is named after")
    return config


def parameters(project: Project, config: Config, package_arn: str, role_arn: str) -> dict[str, str]:
    """Return the parameters of a stage's stack: those of its file and those that only the project knows."""
    own = {"KmsKeyArn": project.kms_key_arn, "NotificationTopicArn": project.notification_topic_arn}
    return {
        **{name: value for name, value in own.items() if value},
        **project.settings_of(_OF_THE_PROJECT),
        **({} if config.parameters["StageName"] in project.accounts else project.settings_of(_OF_THE_ACCOUNT)),
        **config.parameters,
        "SageMakerProjectName": project.name,
        "ModelExecutionRoleArn": role_arn,
        "ModelPackageName": package_arn,
        "DataCaptureUploadPath": f"s3://{project.bucket}/{project.name}/datacapture-{config.parameters['StageName']}",
    }


def tags(project: Project, config: Config) -> dict[str, str]:
    """Return the tags of a stage's stack, which its resources get too."""
    own = {"sagemaker:project-name": project.name, "sagemaker:deployment-stage": config.parameters["StageName"]}
    if project.project_id:
        own["sagemaker:project-id"] = project.project_id
    return {**config.tags, **own}


def request(
    project: Project, stage: str, package: Package, deployed: Stack | None, extra: Mapping[str, str] | None = None
) -> Request:
    """Return what the stack of a stage is to become with a package.

    Parameters
    ----------
    project : Project
    stage : str
        `staging` or `production`.
    package : Package
    deployed : Stack or None
        The stack as it is, whose execution role is kept unless another is named.
    extra : mapping of str to str, optional
        Values that override those of the stage's file: those of an experiment.
    """
    config = read_config(config_path(stage))
    there = project.of(stage)
    role = there.execution_role(deployed.parameters.get("ModelExecutionRoleArn") if deployed else None)
    values = {**parameters(project, config, package.arn, role), **(extra or {})}
    if deployed is not None and not deployed.is_empty:
        values |= guardrails.of_update(deployed.parameters, values)
    wanted = stack_request(project, project.stack_name(stage), ENDPOINT_TEMPLATE, values, tags(project, config))
    return replace(wanted, role_arn=there.stack_role)


def stack_request(
    project: Project,
    stack_name: str,
    template: Path,
    values: Mapping[str, str],
    stack_tags: Mapping[str, str],
    change: Callable[[str], str] = str,
) -> Request:
    """Return what a stack is to become, after a change to its template; one too long to be sent goes to S3."""
    text = change(read_template(template))
    body = text.encode()
    url = None
    if len(body) > TEMPLATE_BODY_BYTES:
        key = f"{project.name}/templates/{template.stem}-{hashlib.sha256(body).hexdigest()[:16]}.yml"
        url = aws.object_url(project.session.region_name, project.bucket, key)
    return Request(stack_name, text, url, values, stack_tags)


def kept_parameters(project: Project, stack_name: str, template: Path) -> dict[str, str]:
    """Return the parameters that a stack has and its template still has: a command changes only what it names.

    For stacks without a file of their own to say what they are.
    """
    deployed = stacks.describe(project.cloudformation, stack_name)
    if deployed is None or deployed.is_empty:
        return {}
    declared = stacks.parameter_names(project.cloudformation, read_template(template))
    return {name: value for name, value in deployed.parameters.items() if name in declared}


def read_template(path: Path) -> str:
    """Read a template.

    Raises
    ------
    DeployError
        When the installation has no such file.
    """
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise DeployError(f"the template {path} cannot be read: {error.strerror}; install model-road again") from error


def upload_template(project: Project, wanted: Request) -> None:
    """Put a template that is too long to be sent where its URL says; the same content goes to the same place."""
    if wanted.template_url is not None:
        key = urlsplit(wanted.template_url).path.removeprefix("/")
        project.s3.put_object(Bucket=project.bucket, Key=key, Body=wanted.template.encode())


def package_arn(stack: Stack) -> str:
    """Return the ARN of the package that a stage's stack serves.

    Raises
    ------
    DeployError
        When the stack is not one of ours.
    """
    try:
        return stack.parameters["ModelPackageName"]
    except KeyError:
        raise DeployError(
            f"the stack {stack.name} has no parameter ModelPackageName: it is not of this project"
        ) from None


def _texts(path: Path, document: Mapping[str, Any], section: str) -> dict[str, str]:
    """Read a section of a stage's file; CloudFormation's parameters and tags are text."""
    values = document.get(section, {})
    if not isinstance(values, dict) or not all(isinstance(value, str) for value in values.values()):
        raise UsageError(f'{path}: {section} must be {{"Name": "text"}}; numbers and booleans are text, too: "2"')
    return values

"""The project that a command works on: its names, and the clients of the AWS API that it lives in."""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from deploy.errors import DeployError
from model_road import aws

STAGING, PRODUCTION = "staging", "production"
# What has a stack beside those of the stages, named like them.
API, SYSTEM_TEST = "api", "system-test"


def stack_name_of(project_name: str, stage: str) -> str:
    """Name the stack of a project's stage."""
    # The launch roles of SageMaker's project templates may touch `sagemaker-*` stacks only.
    return f"sagemaker-{project_name}-deploy-{stage}"


def default_id(account: str, region: str, project_name: str) -> str:
    """Return an id for a project that SageMaker has not made: the same for the same name, account and region."""
    named = f"{account}/{region}/{project_name}"
    return f"p-{hashlib.sha256(named.encode()).hexdigest()[:12]}"


@dataclass(frozen=True)
class Project:
    """A SageMaker project, as its stacks, endpoints and model package group are named.

    Attributes
    ----------
    name : str
        SageMakerProjectName: what stacks and endpoints are named after.
    model_package_group_name : str
        Where its models are registered.
    bucket : str
        For captured data, templates and the code of functions.
    role_arn : str or None
        ModelExecutionRoleArn, when it was given or made.
    project_id : str or None
        SageMakerProjectId, for projects that SageMaker Studio provisioned.
    options : str
        The project and environment options of the user's command, which proposed commands repeat.
    kms_key_arn, notification_topic_arn : str, optional
        The key that the stages encrypt with, and the topic of their alarms; by default each stage makes a key, and its
        alarms notify no topic.
    """

    name: str
    model_package_group_name: str
    bucket: str
    role_arn: str | None
    project_id: str | None
    options: str
    kms_key_arn: str | None = None
    notification_topic_arn: str | None = None

    @cached_property
    def session(self) -> Any:
        return aws.session()

    @cached_property
    def sagemaker(self) -> Any:
        return self.session.client("sagemaker")

    @cached_property
    def cloudformation(self) -> Any:
        return self.session.client("cloudformation")

    @cached_property
    def cloudwatch(self) -> Any:
        return self.session.client("cloudwatch")

    @cached_property
    def autoscaling(self) -> Any:
        return self.session.client("application-autoscaling")

    @cached_property
    def apigateway(self) -> Any:
        return self.session.client("apigateway")

    @cached_property
    def s3(self) -> Any:
        return self.session.client("s3")

    def stack_name(self, stage: str) -> str:
        """Name the stack of a stage, or of the API, as SageMaker's project templates do."""
        return stack_name_of(self.name, stage)

    def endpoint_name(self, stage: str) -> str:
        """Name the endpoint of a stage, as the template does."""
        return f"{self.name}-{stage}"

    def next_command(self, arguments: str) -> str:
        """Return a `deploy-model` command for this project, ready to be pasted into a shell."""
        return f"deploy-model {arguments} {self.options}".rstrip()

    def execution_role(self, deployed: str | None) -> str:
        """Choose the execution role of the model: the one given, or the one that is deployed already.

        Raises
        ------
        DeployError
            When there is neither.
        """
        role = self.role_arn or deployed
        if role is None:
            raise DeployError(
                "no execution role for the model: give --role-arn, a role that SageMaker may assume and that may read "
                "the model's bucket, or set MODEL_EXECUTION_ROLE_ARN"
            )
        return role

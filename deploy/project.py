"""The project that a command works on: its names, and the clients of the AWS API that it lives in."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Self

from deploy.errors import DeployError
from model_road import aws, proposals

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


def own_id(project: "Project") -> str:
    """Return the id of a project that SageMaker has not made."""
    account = project.session.client("sts").get_caller_identity()["Account"]
    return default_id(account, project.session.region_name, project.name)


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
    accounts : mapping of str to str, optional
        The accounts of stages that have one of their own, by stage.
    home : Project or None
        The project itself, where this is how one of those accounts sees it.
    assumed_role : str or None
        The role that the clients sign as there; but S3's are the project's own.
    stack_role : str or None
        The role that CloudFormation makes a stage's stack as there.
    settings : mapping of str to str
        Parameters and outputs of the project's own stack, for the stacks that have parameters of the same names: what a
        platform team asks for. A build knows those of `model_road.platform_settings`.
    """

    name: str
    model_package_group_name: str
    bucket: str
    role_arn: str | None
    project_id: str | None
    options: str
    kms_key_arn: str | None = None
    notification_topic_arn: str | None = None
    accounts: Mapping[str, str] = field(default_factory=dict)
    home: "Project | None" = None
    assumed_role: str | None = None
    stack_role: str | None = None
    settings: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def session(self) -> Any:
        return aws.session() if self.assumed_role is None else aws.session_as(self.assumed_role)

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
        return (self.home or self).session.client("s3")

    def of(self, stage: str, purpose: str = "deployment") -> Self:
        """Return the project as the account of a stage sees it: itself, unless the stage has an account of its own.

        There it assumes the role for a purpose, ``deployment`` or ``test``, and knows those that the stage runs as;
        deploy/templates/account.yml names them. Models, captured data and artifacts stay in the project's account.
        """
        account = self.accounts.get(stage)
        if account is None or self.home is not None:
            return self
        if (stage, purpose) not in self._views:
            partition = self.session.get_partition_for_region(self.session.region_name)
            role = f"arn:{partition}:iam::{account}:role/{self.name}-{stage}-"
            self._views[stage, purpose] = replace(
                self,
                role_arn=f"{role}model",
                home=self,
                assumed_role=f"{role}{purpose}",
                stack_role=f"{role}cloudformation",
            )
        return self._views[stage, purpose]

    def check_is_here(self, stage: str, what: str) -> None:
        """Refuse what reaches a stage only from within its account.

        Raises
        ------
        DeployError
        """
        if stage in self.accounts:
            raise DeployError(
                f"{stage} is in the account {self.accounts[stage]}, and {what} has to be there, too: docs/accounts.md "
                "says how it is made with that account's credentials"
            )

    @cached_property
    def _views(self) -> dict[tuple[str, str], Self]:
        return {}

    def stack_name(self, stage: str) -> str:
        """Name the stack of a stage, or of the API, as SageMaker's project templates do."""
        return stack_name_of(self.name, stage)

    def endpoint_name(self, stage: str) -> str:
        """Name the endpoint of a stage, as the template does."""
        return f"{self.name}-{stage}"

    def settings_of(self, names: Iterable[str]) -> dict[str, str]:
        """Return those of the settings that are known, for a stack with parameters of these names."""
        return {name: self.settings[name] for name in names if name in self.settings}

    def next_command(self, arguments: str) -> str:
        """Return a `deploy-model` command for this project, ready to be pasted into a shell."""
        return proposals.command("deploy-model", arguments, self.options)

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

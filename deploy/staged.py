"""What a stage runs: its stack, the endpoint configuration in it, and the package that it serves."""

from dataclasses import dataclass

from deploy import packages, stacks, stages
from deploy.errors import DeployError
from deploy.packages import Package
from deploy.project import Project
from deploy.stacks import Stack

ENDPOINT_CONFIG_TYPE = "AWS::SageMaker::EndpointConfig"


@dataclass(frozen=True)
class Staged:
    """A stage that is deployed.

    Attributes
    ----------
    config_name : str
        Of the endpoint configuration in the stack, in lower case.
    """

    stack: Stack
    config_name: str
    package: Package


def read(project: Project, stage: str, purpose: str = "deployment") -> Staged:
    """Read a stage.

    Raises
    ------
    DeployError
        When it is not deployed, or its last change has not ended well.
    """
    there = project.of(stage, purpose)
    stack = stacks.describe(there.cloudformation, project.stack_name(stage))
    if stack is None or stack.is_empty:
        raise DeployError(f"{stage} is not deployed: run `{project.next_command(stage)}`")
    if stack.is_busy:
        raise DeployError(f"{stack.name} is {stack.status}: wait until it has ended; `deploy-model status` shows it")
    # The physical id is an ARN, and SageMaker writes names in ARNs in lower case.
    config = stacks.physical_id(there.cloudformation, stack.name, ENDPOINT_CONFIG_TYPE)
    if config is None:
        raise DeployError(f"the stack {stack.name} has no endpoint configuration: it is not of this project")
    package = packages.describe(project.sagemaker, stages.package_arn(stack))
    return Staged(stack, config.rpartition("/")[2].lower(), package)

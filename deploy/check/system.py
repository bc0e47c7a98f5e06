"""The system of a project: its stacks, what is in them, and what they say of the rest.

The stack that project.yml made, and those nested in it; the stacks that ModelDeploy makes for the stages and the API.
What the project needs without CloudFormation having made it (SageMaker pipelines, which builds make; events that must
start something) stands beside the resources, under a type name of its own, so that it is checked as they are.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from deploy import provisioned, stacks
from deploy.check.asking import Asking, Clients
from deploy.errors import DeployError
from deploy.project import API, stack_name_of
from deploy.stacks import Stack
from deploy.stages import STAGES
from model_road import proposals

NESTED = "AWS::CloudFormation::Stack"


@dataclass(frozen=True)
class Resource:
    """Something that is checked.

    Attributes
    ----------
    type : str
        CloudFormation's type; for what CloudFormation did not make, a name of our own without `::`.
    physical_id : str
        CloudFormation's: a name, an ARN or a URL, as the type has it.
    stack : Stack
        The stack that it belongs to, or that names it.
    path : str
        Its logical id, after that of the nested stack or the stage that it is in; for what CloudFormation did not make,
        what a person calls it.
    """

    type: str
    physical_id: str
    stack: Stack
    path: str

    @property
    def name(self) -> str:
        """Its name where the physical id is an ARN or a URL: the last part."""
        return self.physical_id.rpartition("/" if "/" in self.physical_id else ":")[2]

    @property
    def label(self) -> str:
        """What the table calls it."""
        return f"{self.type.rpartition('::')[2]} {self.path}"

    @property
    def when_absent(self) -> str:
        """What to do when AWS says that there is no such thing."""
        return (
            f"the stack {self.stack.name} says that it made it, but it was deleted; make it again by hand, "
            "or delete the stack and create it anew"
        )


@dataclass(frozen=True)
class System(Asking):
    """A project as its stacks describe it.

    Attributes
    ----------
    root : Stack
        The stack that project.yml made.
    stacks : tuple of Stack
        All stacks: it, those nested in it, the stages', the API's.
    resources : tuple of Resource
        What is in them.
    stages : dict of str to Stack or None
        The stacks that ModelDeploy makes, for the stages and the API; None for one that is not deployed.
    options : str
        What a proposed `deploy-model` command must say to mean this project.
    """

    client: Clients
    project_name: str
    root: Stack
    stacks: tuple[Stack, ...]
    resources: tuple[Resource, ...]
    stages: dict[str, Stack | None]
    options: str

    @cached_property
    def region(self) -> str:
        return self.root.stack_id.split(":")[3]

    @cached_property
    def account(self) -> str:
        return self.root.stack_id.split(":")[4]

    @property
    def model_package_group_name(self) -> str:
        return self.parameter("ModelPackageGroupName") or self.project_name

    def of_type(self, resource_type: str) -> list[Resource]:
        """Return the resources of a type."""
        return [resource for resource in self.resources if resource.type == resource_type]

    def parameter(self, name: str) -> str:
        """Return the value of a parameter of the project's stack or of one nested in it; empty when none has it."""
        return next((stack.parameters[name] for stack in self.stacks if stack.parameters.get(name)), "")

    def command(self, arguments: str) -> str:
        """Return a `deploy-model` command for this project, ready to be pasted into a shell."""
        return f"`{proposals.command('deploy-model', arguments, self.options)}`"


def read(client: Clients, project_name: str, stack_name: str | None, options: str) -> System:
    """Read the stacks of a project.

    Parameters
    ----------
    client : callable(service) -> boto3 client
        That several threads may call: see `asking.shared_clients`.
    project_name : str
        SageMakerProjectName.
    stack_name : str or None
        The stack that project.yml made; None to look for it by its parameters.
    options : str
        What was said of region and place: commands that are proposed say it, too.

    Raises
    ------
    DeployError
        When there is no such stack.
    """
    cloudformation = client("cloudformation")
    root = _root(cloudformation, project_name, stack_name)
    name = root.parameters.get("SageMakerProjectName", project_name)
    deployed = {stage: stacks.describe(cloudformation, stack_name_of(name, stage)) for stage in (*STAGES, API)}
    resources: list[Resource] = []
    waiting = [("", root), *((stage, stack) for stage, stack in deployed.items() if stack is not None)]
    every: list[Stack] = []
    while waiting:
        path, stack = waiting.pop(0)
        every.append(stack)
        resources.append(Resource(NESTED, stack.stack_id, stack, path or stack.name))
        for resource in _resources(cloudformation, stack, path):
            nested = stacks.describe(cloudformation, resource.physical_id) if resource.type == NESTED else None
            waiting += [(resource.path, nested)] if nested else []
            resources += [] if nested else [resource]
    said = f"--project-name {name} {options}".rstrip()
    return System(client, name, root, tuple(every), tuple(resources), deployed, said)


def _root(cloudformation: Any, project_name: str, stack_name: str | None) -> Stack:
    if stack_name is not None:
        stack = stacks.describe(cloudformation, stack_name)
        if stack is None:
            raise DeployError(f"there is no stack {stack_name}: `aws cloudformation list-stacks` shows those there are")
        return stack
    stack = provisioned.find(cloudformation, project_name)
    if stack is not None:
        return stack
    raise DeployError(
        f"no stack of deploy/templates/project.yml has SageMakerProjectName {project_name}: create the project by "
        "`deploy-model project`, in SageMaker Studio or with deploy/terraform, or name another one by --project-name"
    )


def _resources(cloudformation: Any, stack: Stack, path: str) -> Iterator[Resource]:
    """Return what is in a stack, without what was deleted or not begun."""
    for page in cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack.stack_id):
        for item in page["StackResourceSummaries"]:
            if item["ResourceStatus"] != "DELETE_COMPLETE" and item.get("PhysicalResourceId"):
                logical_id = item["LogicalResourceId"]
                inner = f"{path}/{logical_id}" if path else logical_id
                yield Resource(item["ResourceType"], item["PhysicalResourceId"], stack, inner)

"""The project's own stack, which project.yml creates: what it says about the project.

Builds are given it as variables; commands that a person types read it here. So both mean the same models, bucket, role,
key and topic.
"""

from collections.abc import Mapping
from typing import Any

from deploy import stacks
from deploy.stacks import Stack

# Parameters that project.yml has and no other template: they tell its stack, however Studio or a person has named it.
_PARAMETERS = {"SageMakerProjectName", "SageMakerProjectId", "AssetsBucket"}


def stack_name(project_name: str) -> str:
    """Name the stack as `deploy-model project` does."""
    return f"sagemaker-{project_name}-project"


def find(cloudformation: Any, project_name: str) -> Stack | None:
    """Find the stack of a project, also where SageMaker Studio or Terraform has named it."""
    usual = stacks.describe(cloudformation, stack_name(project_name))
    if usual is not None:
        return usual
    for page in cloudformation.get_paginator("describe_stacks").paginate():
        for found in page["Stacks"]:
            given = {item["ParameterKey"]: item.get("ParameterValue") for item in found.get("Parameters", [])}
            if set(given) >= _PARAMETERS and given["SageMakerProjectName"] == project_name:
                return stacks.describe(cloudformation, found["StackId"])
    return None


def facts(cloudformation: Any, project_name: str) -> Mapping[str, str]:
    """Return the stack's parameters and outputs by name; empty for a project without such a stack."""
    stack = find(cloudformation, project_name)
    return {**stack.parameters, **stack.outputs} if stack is not None and not stack.is_empty else {}

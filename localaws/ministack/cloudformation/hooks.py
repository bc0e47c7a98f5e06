"""The hooks into CloudFormation."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from localaws.account.session import Clients
from localaws.ministack.cloudformation import catalog, sagemaker, schema
from localaws.ministack.cloudformation.attempts import Attempts
from localaws.ministack.cloudformation.exactness import Exactness
from localaws.ministack.cloudformation.hooks_deletion import delete_stacks_in_progress
from localaws.ministack.cloudformation.hooks_operations import Operations
from localaws.ministack.cloudformation.hooks_requests import (
    accept_bucket_host_urls,
    describe_types,
    read_templates_exactly,
    refuse_operations_by_status,
    refuse_unknown_parameters,
    require_capabilities,
)
from localaws.ministack.cloudformation.hooks_rest_apis import keep_endpoint_configurations
from localaws.ministack.cloudformation.hooks_roles import act_as_stack_roles, role_arn
from localaws.ministack.cloudformation.hooks_rollback import roll_back_failed_resources, roll_back_nested_stacks
from localaws.ministack.cloudformation.hooks_types import (
    add_resource_types,
    check_and_complete_resources,
    correct_change_sets,
)
from localaws.ministack.cloudformation.provisioner import Provisioner
from localaws.ministack.hook import Hook


def stack_provisioners(clients_of: Callable[[str | None], Clients]) -> Mapping[str, Provisioner]:
    """Return the provisioner of each type that is made here, as the role of the stack that it is made for.

    Parameters
    ----------
    clients_of : callable(role's ARN or None) -> callable(service) -> boto3 client
    """

    def client_of_stack(service: str) -> Any:
        return clients_of(role_arn.get())(service)

    return catalog.provisioners(client_of_stack)


def cloudformation_hooks(
    client: Clients, provisioners: Mapping[str, Provisioner], attempts: Attempts, operations: Operations
) -> tuple[Hook, ...]:
    """Return the hooks.

    Parameters
    ----------
    client : callable(service) -> boto3 client
        What CloudFormation itself asks the services with.
    provisioners : mapping of str to Provisioner
        What makes the resources of each type that is made here.
    attempts : Attempts
    operations : Operations
    """
    return (
        Hook("cloudformation", partial(add_resource_types, provisioners, sagemaker.TYPES)),
        # Resources of these types are checked as well.
        Hook(
            "cloudformation",
            partial(check_and_complete_resources, Exactness(client), attempts),
            after=("add_resource_types",),
        ),
        Hook("cloudformation", keep_endpoint_configurations),
        Hook("cloudformation", partial(correct_change_sets, schema.create_only)),
        Hook("cloudformation", require_capabilities),
        Hook("cloudformation", accept_bucket_host_urls),
        Hook("cloudformation", read_templates_exactly),
        Hook("cloudformation", refuse_unknown_parameters),
        Hook("cloudformation", refuse_operations_by_status),
        Hook("cloudformation", describe_types),
        Hook("cloudformation", roll_back_failed_resources),
        Hook("cloudformation", roll_back_nested_stacks),
        # A deletion cancels the creation, checks included, and the rollback of whatever failed.
        Hook(
            "cloudformation",
            delete_stacks_in_progress,
            after=("check_and_complete_resources", "roll_back_failed_resources"),
        ),
        # An operation is kept as a whole, with its rollback.
        Hook(
            "cloudformation",
            operations.keep,
            after=("delete_stacks_in_progress", "roll_back_failed_resources", "roll_back_nested_stacks"),
        ),
        # The role is that of the whole operation, and kept when nothing has refused it.
        Hook("cloudformation", act_as_stack_roles, after=("refuse_operations_by_status",)),
    )

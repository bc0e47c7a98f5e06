"""AWS::SageMaker::ModelPackageGroup: a group and its policy, which changes in place.

The policy is no member of CreateModelPackageGroup: it has requests of its own.
"""

import json
from collections.abc import Mapping

from localaws.account.session import Clients
from localaws.document import Document
from localaws.ministack.cloudformation.provisioner import IncompleteError, Provisioned, call
from localaws.ministack.cloudformation.sagemaker import ResourceProvisioner, Type

_POLICY = "ModelPackageGroupPolicy"


def provisioners(client: Clients) -> Mapping[str, "GroupProvisioner"]:
    """Return the provisioner of the type."""
    return {"AWS::SageMaker::ModelPackageGroup": GroupProvisioner(client)}


class GroupProvisioner(ResourceProvisioner):
    """Creates, updates and deletes groups.

    Parameters
    ----------
    client : callable(service) -> boto3 client
        Called when it is needed first, in a worker thread.
    """

    def __init__(self, client: Clients) -> None:
        super().__init__(Type("ModelPackageGroup"), lambda: client("sagemaker"))

    def create(self, logical_id: str, properties: Document, stack_name: str) -> Provisioned:
        """Create a group and put its policy: see `ResourceProvisioner.create`."""
        made = super().create(logical_id, properties, stack_name)
        try:
            self._put(made[0], properties)
        except ValueError as error:
            raise IncompleteError(made[0], str(error)) from error
        return made

    def update(
        self, physical_id: str, old: Document, new: Document, stack_name: str, logical_id: str | None = None
    ) -> Provisioned:
        """Change tags and the policy in place; for any other change create another group."""
        group = _without_policy(old), _without_policy(new)
        made = super().update(physical_id, *group, stack_name, logical_id)
        self._put(made[0], new)
        if _POLICY in old and _POLICY not in new and made[0] == physical_id:
            call(self._client().delete_model_package_group_policy, ModelPackageGroupName=_name(physical_id))
        return made

    def _put(self, physical_id: str, properties: Document) -> None:
        if (policy := properties.get(_POLICY)) is None:
            return
        text = policy if isinstance(policy, str) else json.dumps(policy)
        put = self._client().put_model_package_group_policy
        call(put, ModelPackageGroupName=_name(physical_id), ResourcePolicy=text)


def _without_policy(properties: Document) -> Document:
    return {name: value for name, value in properties.items() if name != _POLICY}


def _name(physical_id: str) -> str:
    return physical_id.rpartition("/")[2]

"""The account and region of the local SageMaker: its ARNs, and the other services as it reaches them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from localaws.account import clients as aws
from localaws.account.roles import RoleError
from localaws.containers.errors import JobFailure


@dataclass
class Aws(aws.Aws):
    """Clients of one account and region, and SageMaker's names in it."""

    @property
    def user_context(self) -> dict[str, Any]:
        """Who made a resource (``UserContext``): there is one user on a laptop."""
        return {"IamIdentity": {"Arn": f"arn:aws:iam::{self.account_id}:root"}}

    def arn(self, kind: str, name: str) -> str:
        """A SageMaker ARN; the service lower-cases names in them."""
        return f"arn:aws:sagemaker:{self.region}:{self.account_id}:{kind}/{name.lower()}"

    def environment(
        self, variables: Mapping[str, str], role_arn: str | None, principal: str = "sagemaker"
    ) -> dict[str, str]:
        """The environment of a container, as `localaws.account.clients.Aws.environment` has it.

        Raises
        ------
        JobFailure
            The role cannot be assumed.
        """
        try:
            return super().environment(variables, role_arn, principal)
        except RoleError as error:
            raise JobFailure(f"ClientError: {error}") from error

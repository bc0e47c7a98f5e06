"""The other services as the local SageMaker calls them, and SageMaker's own ARNs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from localaws.account.clients import Aws
from localaws.account.roles import RoleError
from localaws.containers.errors import JobFailure


@dataclass
class SageMakerAws(Aws):
    """Clients of one account and region, and SageMaker's names in it."""

    @classmethod
    def of(cls, aws: Aws) -> Self:
        """Return the same account, with SageMaker's names in it."""
        return cls(aws.endpoint_url, aws.region, aws.account_id, credentials=aws.credentials)

    @property
    def user_context(self) -> dict[str, Any]:
        """The creator of a resource (``UserContext``): a laptop has one user."""
        return {"IamIdentity": {"Arn": f"arn:aws:iam::{self.account_id}:root"}}

    def arn(self, kind: str, name: str) -> str:
        """Return a SageMaker ARN; the service lower-cases names in ARNs."""
        return f"arn:aws:sagemaker:{self.region}:{self.account_id}:{kind}/{name.lower()}"

    def environment(
        self, variables: Mapping[str, str], role_arn: str | None, principal: str = "sagemaker"
    ) -> dict[str, str]:
        """Return the environment of a container: see `Aws.environment`.

        Raises
        ------
        JobFailure
            If the role cannot be assumed.
        """
        try:
            return super().environment(variables, role_arn, principal)
        except RoleError as error:
            raise JobFailure(f"ClientError: {error}") from error

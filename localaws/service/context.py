"""What every service stands on."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from localaws.account.clients import Aws
from localaws.storage.store import Store


@dataclass(frozen=True)
class Context:
    """The account of the services.

    Attributes
    ----------
    store : Store
        Resources of all services; a kind begins with the service's name: ``codebuild/project``.
    aws : Aws
        The other services.
    state_dir : Path
        Where a service may keep files, in a folder of its name.
    """

    store: Store
    aws: Aws
    state_dir: Path

    def arn(self, service: str, resource: str) -> str:
        """An ARN of this account and region, such as ``arn:aws:codebuild:us-east-1:000000000000:project/p``."""
        return f"arn:aws:{service}:{self.aws.region}:{self.aws.account_id}:{resource}"

    def acting_as(self, role_arn: str, principal: str) -> Self:
        """The same, with the other services as a role may use them: see `localaws.account.clients.Aws.acting_as`."""
        return replace(self, aws=self.aws.acting_as(role_arn, principal))

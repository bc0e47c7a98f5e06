"""A project that is to be made: where, by whom, and under which names."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from deploy import provisioned
from deploy.check.asking import Asking, Clients
from deploy.check.needs import Need
from deploy.project import default_id
from model_road import proposals


@dataclass(frozen=True)
class Part:
    """Something that a launch needs.

    Attributes
    ----------
    type : str
        What the catalog has its checks under, and the table calls it.
    physical_id : str
        Its name, or what AWS knows it by.
    service : str
        The service that it is of, where there are several of the type.
    """

    type: str
    physical_id: str
    service: str = ""

    @property
    def name(self) -> str:
        """What a sentence calls it."""
        return self.physical_id

    @property
    def label(self) -> str:
        """What the table calls it."""
        return f"{self.type} {self.physical_id}"

    @property
    def when_absent(self) -> str:
        """What to do when AWS says that there is no such thing."""
        return "name one that is there"


@dataclass(frozen=True)
class Launch(Asking):
    """A project that is to be made.

    Attributes
    ----------
    client, client_in : callable
        Give the client of a service, in the region of the launch or in another.
    regions_of : callable(service, partition) -> sequence of str
        The regions in which boto3 knows a service; none for one that is the same in all.
    partition : str
        `aws`, `aws-cn`, `aws-us-gov`.
    given_id : str or None
        SageMakerProjectId, if it was given.
    given_bucket : str or None
        Where the templates will be put, if it was given.
    parameters : mapping of str to str
        Of project.yml, other than their defaults.
    launch_role_arn : str or None
        Who launches it, if not the caller.
    needs : sequence of Need
        What stages and pipelines need of SageMaker's quotas.
    options : str
        What a proposed `deploy-model` command must say to mean this project.
    """

    client: Clients
    client_in: Callable[[str, str], Any]
    regions_of: Callable[[str, str], Sequence[str]]
    region: str
    partition: str
    project_name: str
    given_id: str | None
    given_bucket: str | None
    parameters: Mapping[str, str]
    launch_role_arn: str | None
    needs: Sequence[Need]
    options: str

    @cached_property
    def identity(self) -> Mapping[str, str]:
        """The caller, as STS knows it: Account, Arn."""
        return self.once("identity", lambda: dict(self.client("sts").get_caller_identity()))

    @property
    def account(self) -> str:
        return self.identity["Account"]

    @property
    def project_id(self) -> str:
        """SageMakerProjectId: given, or made as `deploy-model project` makes it."""
        return self.given_id or default_id(self.account, self.region, self.project_name)

    @property
    def stack_name(self) -> str:
        """Name the stack as `deploy-model project` does, or as Service Catalog does for a launch role."""
        own = provisioned.stack_name(self.project_name)
        return f"SC-{self.account}-pp-0123456789abc" if self.launch_role_arn else own

    @property
    def bucket(self) -> str:
        """Where the templates will be put."""
        return self.given_bucket or f"sagemaker-{self.region}-{self.account}"

    def is_made_already(self) -> bool:
        """Return whether the project is there: what bears its names is its own then."""
        return self.once("facts", lambda: bool(provisioned.facts(self.client("cloudformation"), self.project_name)))

    def command(self, arguments: str) -> str:
        """Return a `deploy-model` command for this project, ready to be pasted into a shell."""
        return f"`{proposals.command('deploy-model', arguments, self.options)}`"

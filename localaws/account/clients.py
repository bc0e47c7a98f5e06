"""The other AWS services, as a service itself reaches them: boto3 clients at one address, made once each."""

import os
import socket
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self
from urllib.parse import urlsplit

from botocore.config import Config

from localaws.account.permission import Question
from localaws.account.roles import SERVICE_HEADER, Roles
from localaws.account.session import make_client
from localaws.settings import iam_enforced, root_credentials, with_client_hook

_CONFIG = Config(retries={"mode": "standard", "max_attempts": 3}, connect_timeout=5, max_pool_connections=32)


@dataclass
class Aws:
    """Clients of one account and region.

    Parameters
    ----------
    endpoint_url : str or None
        Where the other services answer; None for AWS itself.
    region : str
    account_id : str
        Twelve digits: the account in the ARNs that are made here.
    chain : tuple of str
        The service that asks for a role, such as ``sagemaker``, and the role's ARN; after it, roles that are assumed as
        the one before. The clients sign as the last. Empty for the service itself, which may do everything.
    credentials : mapping of str to str or None
        What the service itself signs with; None for the credentials of the process.
    """

    endpoint_url: str | None
    region: str
    account_id: str
    chain: tuple[str, ...] = ()
    credentials: Mapping[str, str] | None = None
    _roles: Roles | None = None
    _clients: dict[str, Any] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def client(self, service: str) -> Any:
        """Return the client of a service such as ``s3``; several threads may use it.

        Of a role that cannot be assumed each request fails with `localaws.account.roles.RoleError`.
        """
        if self.chain:
            return self._known_roles().client(service, self.chain)
        with self._lock:
            if service not in self._clients:
                self._clients[service] = self._make_client(service)
            return self._clients[service]

    def _make_client(self, service: str) -> Any:
        client = make_client(
            service,
            endpoint_url=self.endpoint_url,
            region=self.region,
            credentials=self.credentials,
            config=_CONFIG,
        )
        client.meta.events.register("before-send", _name_the_caller)
        return client

    def acting_as(self, role_arn: str | None, principal: str) -> Self:
        """Return the services as a role may use them; the service's own without a role or IAM enforcement.

        Parameters
        ----------
        role_arn : str or None
        principal : str
            The service that the role has to trust, such as ``codepipeline``.
        """
        if role_arn is None or not iam_enforced():
            return self
        return replace(self, chain=(principal, role_arn), _roles=self._known_roles())

    def assuming(self, role_arn: str) -> Self:
        """Return the services as a role may use them that these clients' role assumes; perhaps in another account.

        Where IAM is not enforced, the root user of the role's account uses them.
        """
        if self.chain:
            return replace(self, chain=(*self.chain, role_arn))
        return self.of_account(role_arn.split(":")[4])

    def of_account(self, account_id: str) -> Self:
        """Return the services as a service uses them in an account."""
        if account_id == self.account_id:
            return self
        return replace(
            self,
            account_id=account_id,
            credentials=root_credentials(account_id),
            _roles=None,
            _clients={},
            _lock=threading.Lock(),
        )

    def as_service(self) -> Self:
        """Return the services as the service itself uses them."""
        return replace(self, chain=()) if self.chain else self

    def require(self, question: Question) -> None:
        """Return if these clients' role may make a request; the service itself may make any.

        Raises
        ------
        ClientError
            The answer that the request would get.
        """
        if self.chain:
            self._known_roles().require(self.chain, question)

    def _known_roles(self) -> Roles:
        with self._lock:
            if self._roles is None:
                self._roles = Roles(self.endpoint_url, self.region, _CONFIG, self.credentials)
            return self._roles

    def wait_until_there(self, seconds: float) -> None:
        """Return as soon as the endpoint accepts connections, or after so many seconds."""
        if not self.endpoint_url:
            return
        address = urlsplit(self.endpoint_url)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                socket.create_connection((address.hostname or "", address.port or 80), timeout=1).close()
                return
            except OSError:
                time.sleep(0.05)

    def environment(self, variables: Mapping[str, str], role_arn: str | None, principal: str) -> dict[str, str]:
        """Return the environment of a container: what leads to AWS, overridden by the container's own variables.

        Parameters
        ----------
        variables : mapping of str to str
        role_arn : str or None
            What the container runs as, where IAM is enforced; elsewhere it has the server's own credentials.
        principal : str
            The service that the role has to trust, such as ``codebuild``.

        Raises
        ------
        RoleError
            The role cannot be assumed.
        """
        environment = {
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_EC2_METADATA_DISABLED": "true",
            "PYTHONUNBUFFERED": "1",
        }
        variables = {**variables, "PYTHONPATH": with_client_hook(variables.get("PYTHONPATH", ""))}
        if self.endpoint_url:
            environment["AWS_ENDPOINT_URL"] = self.endpoint_url
        if role_arn is not None and iam_enforced():
            return environment | self._known_roles().environment((principal, role_arn)) | dict(variables)
        return environment | self._own_keys() | dict(variables)

    def keys(self) -> dict[str, str]:
        """Return the variables that give another process these clients' credentials.

        Raises
        ------
        RoleError
            The role cannot be assumed.
        """
        return self._known_roles().environment(self.chain) if self.chain else self._own_keys()

    def _own_keys(self) -> dict[str, str]:
        if self.credentials is not None:
            return {name.upper(): value for name, value in self.credentials.items()}
        names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
        return {name: os.environ[name] for name in names if name in os.environ}


def _name_the_caller(request: Any, **_: Any) -> None:
    """Say that a service asks: EventBridge takes events of the source ``aws.sagemaker`` from services only."""
    request.headers[SERVICE_HEADER] = "yes"

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
from localaws.settings import iam_enforced

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
    role : (str, str) or None
        The ARN of the role that the clients sign as, and the service that has asked for it, such as ``sagemaker``;
        None for the service itself, which may do everything.
    """

    endpoint_url: str | None
    region: str
    account_id: str
    role: tuple[str, str] | None = None
    _roles: Roles | None = None
    _clients: dict[str, Any] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def client(self, service: str) -> Any:
        """Return the client of a service such as ``s3``; several threads may use it.

        Of a role that cannot be assumed each request fails with `localaws.account.roles.RoleError`.
        """
        if self.role is not None:
            return self._known_roles().client(service, *self.role)
        with self._lock:
            if service not in self._clients:
                self._clients[service] = self._make_client(service)
            return self._clients[service]

    def _make_client(self, service: str) -> Any:
        client = make_client(service, endpoint_url=self.endpoint_url, region=self.region, config=_CONFIG)
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
        return replace(self, role=(role_arn, principal), _roles=self._known_roles())

    def as_service(self) -> Self:
        """Return the services as the service itself uses them."""
        return self if self.role is None else replace(self, role=None)

    def require(self, question: Question) -> None:
        """Return if these clients' role may make a request; the service itself may make any.

        Raises
        ------
        ClientError
            The answer that the request would get.
        """
        if self.role is not None:
            self._known_roles().require(*self.role, question)

    def _known_roles(self) -> Roles:
        with self._lock:
            if self._roles is None:
                self._roles = Roles(self.endpoint_url, self.region, _CONFIG)
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
        if self.endpoint_url:
            environment["AWS_ENDPOINT_URL"] = self.endpoint_url
        if role_arn is not None and iam_enforced():
            return environment | self._known_roles().environment(role_arn, principal) | dict(variables)
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
            if name in os.environ:
                environment[name] = os.environ[name]
        return environment | dict(variables)


def _name_the_caller(request: Any, **_: Any) -> None:
    """Say that a service asks: EventBridge takes events of the source ``aws.sagemaker`` from services only."""
    request.headers[SERVICE_HEADER] = "yes"

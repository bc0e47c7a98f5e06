"""Roles that services act as, where IAM is enforced: their credentials come from STS, as a service of AWS gets them.

1. A service asks STS for the role by the name of its principal, such as ``codepipeline.amazonaws.com``; the role's
   trust policy has to name it (`localaws.ministack.iam.hooks_decision`).
2. What it gets is good for an hour and renewed before that; STS forgets all of it when it is started again, so a key
   that is not known any more is renewed, too.
"""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.config import Config
from botocore.credentials import Credentials, ReadOnlyCredentials
from botocore.exceptions import ClientError

from localaws.account.permission import Question, require
from localaws.account.session import make_client

SERVICE_HEADER = "X-Localaws-Service"
"""Set by a service of ours, such as the local SageMaker, when it calls another one in its own name.

Its value is the service's principal where it asks for a role, such as ``codebuild.amazonaws.com``.
"""

_SECONDS, _EARLY_SECONDS = 3600, 300
# A chain of a service and one role.
_ONE_ROLE = 2
# A model server runs for long, and receives no new credentials.
_CONTAINER_SECONDS = 7 * 24 * 3600
# What AWS's own services call their sessions, where it is known.
_SESSION_NAMES = {"sagemaker": "SageMaker"}
_UNKNOWN_KEY = frozenset(
    {"ExpiredToken", "ExpiredTokenException", "InvalidAccessKeyId", "InvalidClientTokenId"}
    | {"InvalidToken", "UnrecognizedClientException"}
)


class RoleError(ClientError):  # type: ignore[misc] # botocore has no types
    """A role does not exist, or does not trust the service: what was to be done as that role is refused.

    Parameters
    ----------
    message : str
    """

    def __init__(self, message: str) -> None:
        answer = {"Error": {"Code": "AccessDenied", "Message": message}, "ResponseMetadata": {"HTTPStatusCode": 403}}
        super().__init__(answer, "AssumeRole")

    def __str__(self) -> str:
        return str(self.response["Error"]["Message"])


@dataclass
class Roles:
    """The roles of an account, for services.

    Parameters
    ----------
    endpoint_url : str or None
        Where STS answers; None for AWS itself.
    region : str
    config : botocore.config.Config or None
        That of the clients which are made here.
    credentials : mapping of str to str or None
        What a service signs with when it asks for a role; None for those of the process.
    """

    endpoint_url: str | None
    region: str
    config: Config | None
    credentials: Mapping[str, str] | None = None
    _sts: dict[str, Any] = field(default_factory=dict)
    _sessions: dict[tuple[str, ...], "_Session"] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def client(self, service: str, chain: tuple[str, ...]) -> Any:
        """Return the client of a service such as ``s3`` that signs as a role; the same one for the same role.

        Parameters
        ----------
        service : str
        chain : tuple of str
            The service that asks for a role, such as ``codepipeline``, the role's ARN, and those that it assumes.
        """
        session = self._session(chain)
        with self._lock:
            return session.client(service)

    def require(self, chain: tuple[str, ...], question: Question) -> None:
        """Return if a role may make a request.

        Raises
        ------
        ClientError
        """
        if self.endpoint_url is None:
            return
        credentials = self._session(chain).credentials
        try:
            require(self.endpoint_url, self.region, credentials.get_frozen_credentials(), question)
        except ClientError as error:
            if error.response["Error"]["Code"] not in _UNKNOWN_KEY:
                raise
            credentials.forget()
            require(self.endpoint_url, self.region, credentials.get_frozen_credentials(), question)

    def environment(self, chain: tuple[str, ...]) -> dict[str, str]:
        """Return the variables that give a container a role's credentials.

        Raises
        ------
        RoleError
        """
        # AWS gives a role that is assumed by another one an hour at most.
        found = self.assume(chain, _CONTAINER_SECONDS if len(chain) == _ONE_ROLE else _SECONDS)
        return {
            "AWS_ACCESS_KEY_ID": found.access_key,
            "AWS_SECRET_ACCESS_KEY": found.secret_key,
            "AWS_SESSION_TOKEN": found.token,
        }

    def assume(self, chain: tuple[str, ...], seconds: int) -> ReadOnlyCredentials:
        """Return credentials of a chain's last role, valid for so many seconds.

        Raises
        ------
        RoleError
            A role does not exist, or its trust policy does not name who assumes it.
        """
        *before, role_arn = chain
        principal = before[0]
        sts = self._sts_for(principal) if len(chain) == _ONE_ROLE else self.client("sts", tuple(before))
        try:
            answer = sts.assume_role(
                RoleArn=role_arn, RoleSessionName=_SESSION_NAMES.get(principal, principal), DurationSeconds=seconds
            )
        except RoleError:
            raise
        except ClientError as error:
            reason = error.response["Error"]["Message"]
            who = f"{principal}.amazonaws.com" if len(chain) == _ONE_ROLE else before[-1]
            raise RoleError(
                f"Could not assume role {role_arn}. Please ensure that the role exists and that its trust policy "
                f"allows {who} to assume it. ({reason})"
            ) from error
        found = answer["Credentials"]
        return ReadOnlyCredentials(found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"])

    def _session(self, chain: tuple[str, ...]) -> "_Session":
        with self._lock:
            if chain not in self._sessions:
                self._sessions[chain] = _Session(self, chain)
            return self._sessions[chain]

    def _sts_for(self, principal: str) -> Any:
        if principal not in self._sts:
            url, region = self.endpoint_url, self.region
            sts = make_client("sts", endpoint_url=url, region=region, credentials=self.credentials, config=self.config)
            headers = {SERVICE_HEADER: f"{principal}.amazonaws.com"}
            sts.meta.events.register("before-send", lambda request, **_: request.headers.update(headers))
            self._sts[principal] = sts
        return self._sts[principal]


class _Session:
    """The clients of one role."""

    def __init__(self, roles: Roles, chain: tuple[str, ...]) -> None:
        self._roles, self._clients = roles, dict[str, Any]()
        self.credentials = _RoleCredentials(roles, chain)

    def client(self, service: str) -> Any:
        if service not in self._clients:
            url, region, config = self._roles.endpoint_url, self._roles.region, self._roles.config
            client = make_client(service, endpoint_url=url, region=region, credentials=self.credentials, config=config)
            client.meta.events.register_first("needs-retry", self._renew)
            self._clients[service] = client
        return self._clients[service]

    def _renew(self, response: Any, attempts: int, **_: Any) -> float | None:
        """Ask once more, with new credentials, where the key is not known any more."""
        code = response[1].get("Error", {}).get("Code") if response else None
        if attempts > 1 or code not in _UNKNOWN_KEY:
            return None
        self.credentials.forget()
        return 0.0


class _RoleCredentials(Credentials):  # type: ignore[misc] # botocore has no types
    """A role's credentials, asked for when they are needed."""

    def __init__(self, roles: Roles, chain: tuple[str, ...]) -> None:
        super().__init__("not-asked-for-yet", "")
        self._ask: Callable[[], ReadOnlyCredentials] = lambda: roles.assume(chain, _SECONDS)
        self._found: ReadOnlyCredentials | None = None
        self._lock, self._due = threading.Lock(), 0.0

    def forget(self) -> None:
        """Ask again next time."""
        self._due = 0.0

    def get_frozen_credentials(self) -> ReadOnlyCredentials:
        """Return what a request is signed with.

        Raises
        ------
        RoleError
        """
        with self._lock:
            if self._found is None or time.monotonic() >= self._due:
                self._found, self._due = self._ask(), time.monotonic() + _SECONDS - _EARLY_SECONDS
            return self._found

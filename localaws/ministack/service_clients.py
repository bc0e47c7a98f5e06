"""The clients by which MiniStack's services reach the others: for themselves, or for a role."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from botocore.config import Config

from localaws.account.roles import Roles
from localaws.account.session import Clients, make_client
from localaws.protocol import routing
from localaws.settings import CREDENTIALS, REGION, iam_enforced


def own_clients(endpoint_url: str, servers: Mapping[str, str], config: Config | None = None) -> Clients:
    """Return what makes the clients of a service itself; the servers behind the gateway are asked straight.

    Parameters
    ----------
    endpoint_url : str
        Where MiniStack answers.
    servers : mapping of str to str
        The URLs of the servers behind the gateway, by name.
    config : botocore.config.Config or None
    """
    urls = routing.urls(servers)

    @cache
    def client(service: str) -> Any:
        url = urls.get(service, endpoint_url)
        return make_client(service, endpoint_url=url, region=REGION, credentials=CREDENTIALS, config=config)

    return client


def clients_of_roles(
    principal: str, endpoint_url: str, servers: Mapping[str, str], config: Config | None = None
) -> Callable[[str | None], Clients]:
    """Return what makes the clients of a role: the service's own where IAM is not enforced, or where there is no role.

    Parameters
    ----------
    principal : str
        The service that the role has to trust, such as ``states``.
    endpoint_url : str
        Where MiniStack answers.
    servers : mapping of str to str
        The URLs of the servers behind the gateway, by name.
    config : botocore.config.Config or None
    """
    own, roles = own_clients(endpoint_url, servers, config), Roles(endpoint_url, REGION, config)

    def clients_of(role_arn: str | None) -> Clients:
        if role_arn is None or not iam_enforced():
            return own
        return lambda service: roles.client(service, role_arn, principal)

    return clients_of

"""The clients by which MiniStack's services reach the others: for themselves, or for a role."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from botocore.config import Config

from localaws.account.roles import Roles
from localaws.account.session import Clients, make_client
from localaws.ministack.iam.hooks_accounts import current_account
from localaws.protocol import routing
from localaws.settings import REGION, iam_enforced, root_credentials


def own_clients(endpoint_url: str, servers: Mapping[str, str], config: Config | None = None) -> Clients:
    """Return what makes the clients of a service itself; the servers behind the gateway are asked straight.

    They belong to the root user of the account in which MiniStack works when they are asked for.

    Parameters
    ----------
    endpoint_url : str
        Where MiniStack answers.
    servers : mapping of str to str
        The URLs of the servers behind the gateway, by name.
    config : botocore.config.Config or None
    """
    urls, account = routing.urls(servers), current_account()

    @cache
    def client_in(account_id: str, service: str) -> Any:
        url, keys = urls.get(service, endpoint_url), root_credentials(account_id)
        return make_client(service, endpoint_url=url, region=REGION, credentials=keys, config=config)

    return lambda service: client_in(account(), service)


def log_clients(services_url: str) -> Callable[[str], Any]:
    """Return what makes the client of an account's CloudWatch Logs, by the account's id; it is tried once a call."""
    config = Config(retries={"total_max_attempts": 1})

    @cache
    def client_in(account_id: str) -> Any:
        keys = root_credentials(account_id)
        return make_client("logs", endpoint_url=services_url, region=REGION, credentials=keys, config=config)

    return client_in


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
    own, account = own_clients(endpoint_url, servers, config), current_account()

    @cache
    def roles_in(account_id: str) -> Roles:
        return Roles(endpoint_url, REGION, config, root_credentials(account_id))

    def clients_of(role_arn: str | None) -> Clients:
        if role_arn is None or not iam_enforced():
            return own
        return lambda service: roles_in(account()).client(service, (principal, role_arn))

    return clients_of

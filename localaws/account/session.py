"""The boto3 session of a process, from which every client is made.

A session reads botocore's models anew: a client from one of its own takes 0.1 s, one from a shared session 0.01 s. But
a session must not make two clients at once, so one thread at a time makes one; the clients themselves may be used by
many.

Source: "Multithreading or multiprocessing with sessions" and "... with clients" in boto3's guide.
"""

import threading
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import boto3
import botocore.session
from botocore.config import Config
from botocore.credentials import CredentialProvider, CredentialResolver, Credentials

Clients = Callable[[str], Any]
"""Returns the boto3 client of a service such as ``s3``."""

_making = threading.Lock()


def make_client(
    service: str,
    *,
    endpoint_url: str | None,
    region: str,
    credentials: Mapping[str, str] | Credentials | None = None,
    config: Config | None = None,
) -> Any:
    """Make a boto3 client; from any thread.

    Parameters
    ----------
    service : str
        Such as ``s3``.
    endpoint_url : str or None
        Where the service answers; None for AWS itself.
    region : str
    credentials : mapping of str to str, Credentials or None
        Keys by their names in boto3, such as ``aws_access_key_id``; or an object that knows when it has to be renewed;
        None for those of the process.
    config : botocore.config.Config or None
    """
    with _making:
        keys: Mapping[str, str] = {} if credentials is None or isinstance(credentials, Credentials) else credentials
        session = _session_of(credentials) if isinstance(credentials, Credentials) else _session()
        return session.client(service, endpoint_url=endpoint_url, region_name=region, config=config, **keys)


@cache
def _core() -> Any:
    return botocore.session.get_session()


@cache
def _session() -> boto3.Session:
    return boto3.Session(botocore_session=_core())


def _session_of(credentials: Credentials) -> boto3.Session:
    """Make a session whose clients sign with these credentials; the models are those that the other one has read."""
    core = botocore.session.get_session()
    core.register_component("data_loader", _core().get_component("data_loader"))
    core.register_component("credential_provider", CredentialResolver([_Given(credentials)]))
    return boto3.Session(botocore_session=core)


class _Given(CredentialProvider):  # type: ignore[misc] # botocore has no types
    """Hands out what it is given."""

    METHOD = CANONICAL_NAME = "localaws-given"

    def __init__(self, credentials: Credentials) -> None:
        super().__init__()
        self._credentials = credentials

    def load(self) -> Credentials:
        return self._credentials

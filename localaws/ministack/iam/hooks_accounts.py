"""IAM: the accounts of one MiniStack, as what is beside it has to know them."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from contextvars import copy_context
from typing import Any

from localaws.ministack.private import private
from localaws.settings import REGION


def account_finder() -> Callable[[str], str]:
    """Return a function that says whose account an access key belongs to, as MiniStack takes it.

    Hooks ``ministack.app._request_account_scope`` and ``AUTH``, ``ministack.core.responses.set_request_account_id`` and
    ``get_account_id``: what is done with each request.
    """
    of_key = private("ministack.app", "_request_account_scope")
    enforced = private("ministack.app", "AUTH")
    set_account = private("ministack.core.responses", "set_request_account_id")
    current = current_account()

    def find(key: str) -> str:
        set_account(of_key(key) if enforced else key)
        return current()

    return lambda key: copy_context().run(find, key)


def current_account() -> Callable[[], str]:
    """Return ``ministack.core.responses.get_account_id``: the account of what is being done now."""
    current: Callable[[], str] = private("ministack.core.responses", "get_account_id")
    return current


def account_scope() -> Callable[..., AbstractContextManager[Any]]:
    """Return a function that has what follows done in an account: ``ministack.core.responses.request_scope``."""
    scope = private("ministack.core.responses", "request_scope")
    return lambda account_id, region=REGION: scope(account_id, region)


def all_of(store: Any) -> list[Any]:
    """Return what is in a ``ministack.core.responses.AccountRegionScopedDict``, of all accounts and regions."""
    return list(store._data.values())

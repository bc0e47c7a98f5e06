"""The accounts of one server: each has services, a store and workers of its own, so that nothing of one is another's.

1. The first account is there from the start. Another one is made when its first request arrives, in the folder
   ``accounts/<id>`` of the server's state, and again at each later start.
2. Services that are made later are started and resume their work before they answer.
3. One account's service finds another's through `Context.peer`, and asks that account's policies first.
"""

import asyncio
import logging
from collections.abc import Iterable, Sequence
from pathlib import Path

from localaws.account import log_arns
from localaws.account.clients import Aws
from localaws.account.resource_tags import Tags
from localaws.api_errors import UnsupportedOperation
from localaws.protocol.asgi import Application
from localaws.protocol.model import operations_by_path
from localaws.service.context import Context
from localaws.service.service import Service
from localaws.settings import MOST_ACCOUNTS

logger = logging.getLogger(__name__)

_FOLDER = "accounts"


class Account:
    """The services of one account, by what a request says of them.

    Parameters
    ----------
    context : Context
    services : sequence of Service
    """

    def __init__(self, context: Context, services: Sequence[Service]) -> None:
        self.context, self.services = context, services
        # This loads the models now, not in the first caller's time.
        prefixes = [(service.model.metadata.get("targetPrefix"), service) for service in services]
        self.by_prefix = {str(prefix): service for prefix, service in prefixes if prefix}
        self._by_path = {
            path: (service, operation)
            for service in services
            for path, operation in operations_by_path(service.name).items()
        }
        self._routes = {path: answers for service in services for path, answers in service.routes().items()}

    def route(self, path: str) -> Application | None:
        """Return the application that serves a path beside the API, or None."""
        return next((self._routes[beginning] for beginning in self._routes if path.startswith(beginning)), None)

    def is_rest(self, path: str) -> bool:
        """Return whether a path is an operation of REST-JSON."""
        return path in self._by_path

    def operation(self, method: str, path: str, target: str) -> tuple[Service, str]:
        """Return what a request asks for: a service, and the name of its operation.

        Raises
        ------
        UnsupportedOperation
            No service here has its path or its ``X-Amz-Target``.
        """
        if path in self._by_path:
            service, operation = self._by_path[path]
            if operation.http["method"] != method:
                raise UnsupportedOperation(f"{operation.name} is {operation.http['method']} {path}, not {method}")
            return service, operation.name
        prefix, _, name = target.partition(".")
        if prefix not in self.by_prefix:
            there = ", ".join(sorted(self.by_prefix))
            raise UnsupportedOperation(f"X-Amz-Target '{target}' is not of a service of this server: {there}")
        return self.by_prefix[prefix], name

    async def start(self) -> None:
        """Start what runs in the server's event loop."""
        for service in self.services:
            await service.start()

    def recover(self) -> None:
        """Resume the work of the last server."""
        for service in self.services:
            try:
                service.recover()
            except Exception:
                logger.exception("%s could not resume its earlier work", service.name)

    def close(self) -> None:
        """Leave nothing running."""
        for service in self.services:
            service.close()
        self.context.outbox.close()


class Accounts:
    """The accounts of a server.

    Parameters
    ----------
    catalog : iterable of type of Service
    aws : Aws
        The other services, as the first account reaches them.
    state_dir : Path
        The server's.
    name : str
        Of the server; its stores are named after it.
    """

    def __init__(self, catalog: Iterable[type[Service]], aws: Aws, state_dir: Path, name: str) -> None:
        self._catalog, self._aws, self._name = tuple(catalog), aws, name
        self.state_dir = state_dir
        self._known: dict[str, Account] = {}
        self._lock = asyncio.Lock()
        there = [folder.name for folder in sorted((state_dir / _FOLDER).glob("[0-9]" * 12))]
        for account_id in (aws.account_id, *there):
            self._known[account_id] = self._make(account_id)

    @property
    def every(self) -> Sequence[Account]:
        """Return the accounts that are there."""
        return list(self._known.values())

    async def reach(self, account_id: str) -> Account:
        """Return an account; make it if it is new.

        Raises
        ------
        UnsupportedOperation
            There are too many.
        """
        if account_id in self._known:
            return self._known[account_id]
        async with self._lock:
            if account_id not in self._known:
                if len(self._known) >= MOST_ACCOUNTS:
                    raise UnsupportedOperation(f"Local AWS has {MOST_ACCOUNTS} accounts; {account_id} would be another")
                made = await asyncio.to_thread(self._make, account_id)
                made.context.outbox.start()
                await made.start()
                await asyncio.to_thread(made.recover)
                self._known[account_id] = made
            return self._known[account_id]

    def tags_of(self, arn: str) -> Tags:
        """Return the tags of a resource; none for what is not there."""
        account = self._known.get(arn.split(":", 5)[4]) if arn.startswith("arn:") else None
        return account.context.store.tags(log_arns.tagged(arn)) if account is not None else {}

    def _peer(self, service: str, account_id: str) -> Service | None:
        account = self._known.get(account_id)
        services = account.services if account is not None else ()
        return next((each for each in services if each.name == service), None)

    def _make(self, account_id: str) -> Account:
        aws = self._aws.of_account(account_id)
        is_first = account_id == self._aws.account_id
        folder = self.state_dir if is_first else self.state_dir / _FOLDER / account_id
        store_path = folder / f"{self._name}.sqlite"
        context = Context.of(store_path, aws, self.state_dir, account_dir=folder, peer=self._peer)
        return Account(context, [service(context) for service in self._catalog])

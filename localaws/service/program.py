"""A server program: services in a process of their own, from the options to SIGTERM."""

import argparse
import logging
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path

import uvicorn

from localaws.account.caller import Callers
from localaws.account.clients import Aws
from localaws.account.guard import guarded
from localaws.protocol.same_origin import SameOriginOnly
from localaws.service.accounts import Account, Accounts
from localaws.service.server import Server
from localaws.service.service import Service
from localaws.settings import ACCOUNT_ID, HOST, REGION, allowed_hosts

_OTHERS_SECONDS = 30.0


def parser(module: str, description: str, port: int) -> argparse.ArgumentParser:
    """Return the command-line parser of a server.

    Parameters
    ----------
    module : str
        A name such as ``localaws.sagemaker``; its last part names the folder of the server's state.
    description : str
    port : int
        The default port.
    """
    name = module.rpartition(".")[2]
    options = argparse.ArgumentParser(prog=f"python -m {module}", description=description)
    options.set_defaults(name=name)
    options.add_argument("--host", default=HOST, help="address to listen on (default: %(default)s)")
    options.add_argument("--port", type=int, default=port, help="port to listen on (default: %(default)s)")
    options.add_argument(
        "--state-dir",
        type=Path,
        default=Path(".localaws", name),
        help="where everything is kept (default: %(default)s)",
    )
    options.add_argument("--endpoint-url", help="where every other service is (default: AWS itself)")
    options.add_argument("--region", default=REGION, help="region of the ARNs (default: %(default)s)")
    options.add_argument("--account-id", default=ACCOUNT_ID, help="account of the ARNs (default: %(default)s)")
    return options


def serve(options: argparse.Namespace, catalog: Iterable[type[Service]]) -> None:
    """Serve until SIGTERM.

    Parameters
    ----------
    options : argparse.Namespace
        As parsed by `parser`.
    catalog : iterable of type of Service
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("botocore").setLevel(logging.WARNING)
    state_dir = options.state_dir.resolve()
    aws = Aws(options.endpoint_url, options.region, options.account_id)
    accounts = Accounts(catalog, aws, state_dir, options.name)
    there = accounts.every
    for account in there:
        account.context.outbox.start()
    threading.Thread(target=_recover, args=(aws, there), name="recovery", daemon=True).start()
    server = Server(accounts, Callers(options.endpoint_url, options.account_id))
    uvicorn.run(
        SameOriginOnly(guarded(server, options.endpoint_url, server.resource_tags), allowed_hosts()),
        host=options.host,
        port=options.port,
        log_level="warning",
        access_log=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=3,
    )


def _recover(aws: Aws, accounts: Sequence[Account]) -> None:
    """Resume the work of the last server as soon as the other services answer: they may still be starting."""
    aws.wait_until_there(_OTHERS_SECONDS)
    for account in accounts:
        account.recover()

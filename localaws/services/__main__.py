"""``python -m localaws.services``: the services that MiniStack lacks, as a process of their own."""

import argparse
import logging
import threading
from pathlib import Path

import uvicorn

from localaws.account.clients import Aws
from localaws.account.guard import guarded
from localaws.service.api import Api
from localaws.service.context import Context
from localaws.service.server import Server
from localaws.service.service import Service
from localaws.services.catalog import SERVICES
from localaws.settings import ACCOUNT_ID, HOST, REGION
from localaws.storage.store import Store

_SERVICES_SECONDS = 30.0


def main() -> None:
    """Read the options and serve until SIGTERM."""
    options = _parser().parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("botocore").setLevel(logging.WARNING)
    state_dir = options.state_dir.resolve()
    aws = Aws(options.endpoint_url, REGION, ACCOUNT_ID)
    context = Context(Store(state_dir / "services.sqlite"), aws, state_dir)
    services = [service(context) for service in SERVICES]
    threading.Thread(target=_go_on, args=(aws, services), name="recovery", daemon=True).start()

    def shut_down() -> None:
        for service in services:
            service.close()

    routes = {path: found for each in services for path, found in each.routes().items()}
    uvicorn.run(
        guarded(Server(Api(services), shut_down, routes, state_dir), options.endpoint_url),
        host=HOST,
        port=options.port,
        log_level="warning",
        access_log=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=3,
    )


def _go_on(aws: Aws, services: list[Service]) -> None:
    """Go on with what ran when the last server died, as soon as the other services answer."""
    aws.wait_until_there(_SERVICES_SECONDS)
    for service in services:
        service.recover()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m localaws.services", description=__doc__)
    parser.add_argument("--port", type=int, default=4568, help="port to listen on (default: %(default)s)")
    parser.add_argument(
        "--state-dir",
        type=Path,
        default=Path(".localaws/services"),
        help="where everything is kept (%(default)s)",
    )
    parser.add_argument("--endpoint-url", required=True, help="where every other service is")
    return parser


if __name__ == "__main__":
    main()

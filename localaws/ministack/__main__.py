"""``python -m localaws.ministack``: MiniStack, hooked, behind the gateway."""

import argparse
from collections.abc import Sequence
from pathlib import Path

import uvicorn

from localaws.errors import HookMissingError
from localaws.ministack import host
from localaws.ministack.composition import Options, compose
from localaws.settings import HOST


def main(argv: Sequence[str] | None = None) -> None:
    """Serve MiniStack until SIGTERM or SIGINT."""
    arguments = _parser().parse_args(argv)
    state_dir = arguments.state_dir.absolute()
    host.configure(arguments.port, state_dir)
    servers = {"sagemaker": arguments.sagemaker_url, "services": arguments.services_url}
    mail_dir = (arguments.outbox or state_dir / "outbox").absolute()
    try:
        gateway, parts = compose(Options(arguments.port, state_dir, servers, mail_dir))
    except HookMissingError as error:
        raise SystemExit(str(error)) from None
    parts.courier.start()
    uvicorn.run(
        gateway,
        host=HOST,
        port=arguments.port,
        lifespan="on",
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        date_header=False,  # MiniStack sets it
        timeout_keep_alive=75,
        timeout_graceful_shutdown=5,
    )
    parts.close()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m localaws.ministack", description=main.__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--state-dir", type=Path, required=True, help="where MiniStack's data goes")
    parser.add_argument("--sagemaker-url", required=True, help="where SageMaker's requests are sent")
    parser.add_argument("--services-url", required=True, help="where those for `localaws.services` are sent")
    parser.add_argument("--outbox", type=Path, help="where e-mails go (default: outbox in the state folder)")
    return parser


if __name__ == "__main__":
    main()

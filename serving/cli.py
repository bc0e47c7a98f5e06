"""The console script ``serving``, which SageMaker starts as ``serving serve``.

Exit codes: 0 when it was asked to stop, 1 when the model cannot be loaded or the port not be bound, 2 for a
wrong option or variable.
"""

import argparse
import logging
import os
import sys
from collections.abc import Sequence

from serving.errors import SettingError, StartError
from serving.log import configure_log
from serving.settings import DEFAULT_HOST, DEFAULT_MODEL_DIR, Settings, read_settings

log = logging.getLogger(__name__)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the server; give the exit code."""
    options = _parser().parse_args(arguments)
    try:
        settings = read_settings(os.environ, options.model_dir, options.host, options.port)
    except SettingError as error:
        print(f"serving: {error}", file=sys.stderr)
        return 2
    configure_log()
    try:
        _run(settings)
    except StartError as error:
        log.error("not started: %s", error, exc_info=error.__cause__)
        print(f"serving: {error}", file=sys.stderr)
        return 1
    return 0


def _run(settings: Settings) -> None:
    # Imported here, so that --help and a wrong option answer before NumPy and uvicorn are read.
    from serving.app import App  # noqa: PLC0415
    from serving.model import load_model  # noqa: PLC0415
    from serving.script import load_script  # noqa: PLC0415
    from serving.server import bind, serve  # noqa: PLC0415
    from serving.worker import Worker  # noqa: PLC0415

    with bind(settings.host, settings.port) as bound:
        model = load_model(settings.model_dir, load_script(settings.code_dir, settings.program))
        serve(App(model, Worker(), settings), bound, settings)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="serving",
        description="Serve a model as SageMaker expects: /ping, /invocations, /execution-parameters.",
        epilog="SageMaker's environment variables count too: SAGEMAKER_BIND_TO_PORT, SAGEMAKER_PROGRAM, "
        "SAGEMAKER_SUBMIT_DIRECTORY, SAGEMAKER_MODEL_SERVER_TIMEOUT, SAGEMAKER_MAX_PAYLOAD_IN_MB.",
    )
    parser.add_argument("command", nargs="?", choices=["serve"], help="what SageMaker says; may be left out")
    parser.add_argument("--model-dir", default=DEFAULT_MODEL_DIR, help="the unpacked model.tar.gz (%(default)s)")
    parser.add_argument("--host", default=DEFAULT_HOST, help="address to listen on (%(default)s)")
    parser.add_argument("--port", type=_port, help="port to listen on; 0 takes a free one (8080)")
    return parser


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: expected a whole number from 0 to 65535")
    return int(text)

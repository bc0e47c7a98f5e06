"""The console script ``serving``, which SageMaker starts as ``serving serve``.

Exit codes: 0 when it was asked to stop, 1 when the model cannot be loaded or the port not be bound, 2 for a
wrong option or variable.
"""

import argparse
import os
import sys
from collections.abc import Sequence

from serving.errors import SettingError, StartError
from serving.log import configure_log
from serving.settings import DEFAULT_HOST, DEFAULT_MODEL_DIR, Settings, read_settings


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the server; give the exit code."""
    options = _parser().parse_args(arguments)
    try:
        settings = read_settings(os.environ, options.model_dir, options.host, options.port, options.workers)
    except SettingError as error:
        print(f"serving: {error}", file=sys.stderr)
        return 2
    configure_log()
    return _serve(settings)


def _serve(settings: Settings) -> int:
    # NumPy's and the model's libraries would each start a thread for every CPU, in every worker.
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, len(os.sched_getaffinity(0)) // settings.workers)))
    # Imported here, so that --help and a wrong option answer before NumPy and uvloop are read.
    from serving.listener import bind  # noqa: PLC0415
    from serving.model import Model, load_model  # noqa: PLC0415
    from serving.script import load_script  # noqa: PLC0415
    from serving.supervisor import Supervisor  # noqa: PLC0415
    from serving.worker import report  # noqa: PLC0415

    def load() -> Model:
        return load_model(settings.model_dir, load_script(settings.code_dir, settings.program))

    try:
        with bind(settings.host, settings.port) as listener:
            return Supervisor(listener, load, settings).run()
    except StartError as error:
        report(error)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="serving",
        description="Serve a model as SageMaker expects: /ping, /invocations, /execution-parameters.",
        epilog="SageMaker's environment variables count too: SAGEMAKER_BIND_TO_PORT, SAGEMAKER_PROGRAM, "
        "SAGEMAKER_SUBMIT_DIRECTORY, SAGEMAKER_MODEL_SERVER_WORKERS, SAGEMAKER_MODEL_SERVER_TIMEOUT, "
        "SAGEMAKER_MAX_PAYLOAD_IN_MB.",
    )
    parser.add_argument("command", nargs="?", choices=["serve"], help="what SageMaker says; may be left out")
    parser.add_argument("--model-dir", default=DEFAULT_MODEL_DIR, help="the unpacked model.tar.gz (%(default)s)")
    parser.add_argument("--host", default=DEFAULT_HOST, help="address to listen on (%(default)s)")
    parser.add_argument("--port", type=_port, help="port to listen on; 0 takes a free one (8080)")
    parser.add_argument("--workers", type=_workers, help="processes that answer (one for each CPU)")
    return parser


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: expected a whole number from 0 to 65535")
    return int(text)


def _workers(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 1024:
        raise argparse.ArgumentTypeError(f"{text!r} workers cannot be had: expected a whole number from 1 to 1024")
    return int(text)

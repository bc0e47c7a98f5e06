"""The console script ``serving``, which SageMaker starts as ``serving serve``.

Exit codes: 0 when it was asked to stop, 1 when the model cannot be loaded or the port cannot be bound, 2 for
a wrong option or variable. Of ``serving check``: 0 when the model can be served, 1 when not.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from serving.errors import SettingError, StartError
from serving.log import configure_log
from serving.settings import DEFAULT_MODEL_DIR, VARIABLES, Settings, read_settings


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return the exit code."""
    options = _parser().parse_args(arguments)
    if options.command == "check":
        return _check(options)
    try:
        settings = read_settings(os.environ, options.model_dir, options.host, options.port, options.workers)
    except SettingError as error:
        print(f"serving: {error}", file=sys.stderr)
        return 2
    configure_log(settings.log_level)
    return _serve(settings)


def serve() -> int:
    """Run the program ``serve``, which SageMaker starts in a container, without arguments."""
    arguments = sys.argv[1:]
    return main(arguments if {"-h", "--help"} & set(arguments) else ["serve", *arguments])


def _check(options: argparse.Namespace) -> int:
    from serving.check import Sample, check  # noqa: PLC0415

    path = options.path or Path(options.model_dir or DEFAULT_MODEL_DIR)
    if not path.exists():
        print(f"serving: there is no {path}: name a model.tar.gz or a model directory.", file=sys.stderr)
        return 2
    try:
        body = options.sample.read_bytes() if options.sample else None
    except OSError as error:
        print(f"serving: the sample cannot be read: {error}", file=sys.stderr)
        return 2
    level = "ok"
    for finding in check(path, Sample(body, options.content_type, options.accept)):
        print(f"{finding.level:<8}{finding.stage:<9}{finding.sentence}", flush=True)
        level = finding.level if finding.level == "error" else level
    return 1 if level == "error" else 0


def _serve(settings: Settings) -> int:
    # NumPy's and the model's libraries would each start a thread for every CPU, in every worker.
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, len(os.sched_getaffinity(0)) // settings.workers)))
    # Imported here, so that --help and a wrong option answer before NumPy and uvloop are read.
    from serving.chain import Served, load  # noqa: PLC0415
    from serving.listener import bind  # noqa: PLC0415
    from serving.source import fetched, install_requirements  # noqa: PLC0415
    from serving.supervisor import Supervisor  # noqa: PLC0415
    from serving.time_limit import time_limit  # noqa: PLC0415
    from serving.worker import report  # noqa: PLC0415

    def load_served() -> Served | None:
        if settings.multi_model:
            return None
        with time_limit(settings.startup_timeout, "SAGEMAKER_STARTUP_TIMEOUT"):
            return load(settings.model_dir, settings.code_dir, settings.program)

    try:
        with ExitStack() as stack:
            listener = stack.enter_context(bind(settings.host, settings.port))
            if settings.source is not None:
                code_dir = stack.enter_context(fetched(settings.source, settings.region))
                settings = replace(settings, code_dir=code_dir)
            if settings.model_dir == Path(DEFAULT_MODEL_DIR):  # a container, whose packages are nobody else's
                install_requirements(settings.code_dir)
            if settings.multi_model:
                noted = stack.enter_context(tempfile.NamedTemporaryFile(prefix="serving-"))
                settings = replace(settings, loaded_models=Path(noted.name))
            return Supervisor(listener, load_served, settings).run()
    except StartError as error:
        report(error)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="serving",
        description="Serve a model as SageMaker expects: /ping, /invocations, /execution-parameters; and /metrics.",
        epilog=f"SageMaker's environment variables apply as well: {', '.join(VARIABLES)}.",
    )
    _add_server_options(parser)
    commands = parser.add_subparsers(dest="command", metavar="{serve,check}")
    commands.add_parser("serve", help="the argument that SageMaker passes; optional")
    check = commands.add_parser(
        "check",
        help="try a model.tar.gz before SageMaker does",
        description="Unpack, import, load and call a model as the server would; report what is wrong and what to do.",
    )
    check.add_argument("path", type=Path, nargs="?", help="a model.tar.gz or a model directory (--model-dir)")
    check.add_argument("--sample", type=Path, metavar="FILE", help="a body to send (a row of zeros, if possible)")
    check.add_argument("--content-type", default="application/json", help="the sample's type (%(default)s)")
    check.add_argument("--accept", default="*/*", help="the answer's type (%(default)s)")
    return parser


def _add_server_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model-dir", help=f"the unpacked model.tar.gz ({DEFAULT_MODEL_DIR})")
    where = "127.0.0.1; in a container, with SageMaker's variables or its model folder, 0.0.0.0"
    parser.add_argument("--host", help=f"address to listen on ({where})")
    parser.add_argument("--port", type=_port, help="port to listen on; 0 takes a free one (8080)")
    parser.add_argument("--workers", type=_workers, help="processes that answer (one for each CPU)")


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: expected a whole number from 0 to 65535")
    return int(text)


def _workers(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 1024:
        raise argparse.ArgumentTypeError(f"{text!r} workers cannot be had: expected a whole number from 1 to 1024")
    return int(text)

"""The server's settings: from the command line, then SageMaker's environment variables, then defaults.

The variables are those of AWS's own inference containers: ``parameters.py`` of sagemaker-inference, ``_params.py`` of
sagemaker-containers, and TorchServe's. Each of them is honoured, or refused at the start (`_WITHOUT_MEANING`).
``SAGEMAKER_MAX_PAYLOAD_IN_MB`` is what a batch transform job sets.
"""

import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from serving.errors import SettingError
from serving.media import JSON

LOOPBACK = "127.0.0.1"
ANY_HOST = "0.0.0.0"  # noqa: S104 - SageMaker calls a container from outside, on any of its interfaces
BASE_DIR = "/opt/ml"
DEFAULT_MODEL_DIR = f"{BASE_DIR}/model"
DEFAULT_PROGRAM = "inference.py"
# Not all of SAGEMAKER_*: some configure the SDK in a developer's shell.
_CONTAINER_VARIABLES = frozenset(
    f"SAGEMAKER_{name}"
    for name in ("BASE_DIR", "BIND_TO_PORT", "MULTI_MODEL", "PROGRAM", "SAFE_PORT_RANGE", "SUBMIT_DIRECTORY")
)
# What is about the program that AWS's containers start, and not about the model.
_WITHOUT_MEANING = {
    "SAGEMAKER_MODEL_SERVER_VMARGS": "is for a Java server, and this is none",
    "SAGEMAKER_FRAMEWORK_MODULE": "names another server's program, and this is the server",
}
MIB = 1024 * 1024


# The first that is set counts.
_WORKERS = ("SAGEMAKER_MODEL_SERVER_WORKERS", "SAGEMAKER_TS_MAX_WORKERS")
_TIMEOUT = (
    "SAGEMAKER_MODEL_SERVER_TIMEOUT_SECONDS",
    "SAGEMAKER_MODEL_SERVER_TIMEOUT",
    "SAGEMAKER_TS_RESPONSE_TIMEOUT",
)

VARIABLES = (
    *("SAGEMAKER_BASE_DIR", "SAGEMAKER_PROGRAM", "SAGEMAKER_SUBMIT_DIRECTORY", "SAGEMAKER_REGION"),
    *("SAGEMAKER_BIND_TO_PORT", "SAGEMAKER_SAFE_PORT_RANGE", *_WORKERS, *_TIMEOUT, "SAGEMAKER_STARTUP_TIMEOUT"),
    *("SAGEMAKER_MAX_PAYLOAD_IN_MB", "SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT", "SAGEMAKER_CONTAINER_LOG_LEVEL"),
    *("SAGEMAKER_MULTI_MODEL", "SAGEMAKER_TS_BATCH_SIZE", "SAGEMAKER_TS_MAX_BATCH_DELAY", "SAGEMAKER_SERVING_MODULE"),
)
"""What is honoured."""


@dataclass(frozen=True)
class Settings:
    """One server's settings.

    Attributes
    ----------
    model_dir : Path
        The unpacked model.tar.gz.
    code_dir : Path
        The folder of the script and its siblings, by default ``code`` in `model_dir`.
    program : str or None
        The script's file name; None when none is named: then inference.py, if there is one.
    host, port : str, int
        Where to listen. Port 0 takes a free one, which the log names.
    workers : int
        Processes that answer, each one call at a time; by default one for each CPU that this process may use.
    timeout : int
        Seconds that one invocation may take, its wait in the queue included; and that a caller may take to send
        one request.
    max_payload_mb : int
        Largest request body in units of 1,048,576 bytes (InvokeEndpoint's limit is 6 of these); 0 is no
        limit, as in CreateTransformJob's MaxPayloadInMB.
    multi_model : bool
        Serve many models, which come and go: see `repository`. There is one worker then.
    default_accept : str
        The type that is written for a caller who names none.
    log_level : int
        Of the records that are logged, the script's too: one of `logging`'s numbers.
    startup_timeout : int or None
        Seconds that the model may take to load; None is for ever.
    loaded_models : Path or None
        Where the worker of many models notes what it has loaded, for the one that replaces it should it die.
    source : str or None
        The URI of the archive that `code_dir` is to be fetched from, if it is in S3.
    region : str or None
        Of that archive, if it is another than the environment's.
    """

    model_dir: Path
    code_dir: Path
    program: str | None
    host: str
    port: int
    workers: int
    timeout: int
    max_payload_mb: int
    multi_model: bool
    default_accept: str = JSON
    log_level: int = logging.INFO
    startup_timeout: int | None = None
    loaded_models: Path | None = None
    source: str | None = None
    region: str | None = None

    @property
    def max_payload_bytes(self) -> int | None:
        """Largest request body in bytes, or None for no limit."""
        return self.max_payload_mb * MIB or None


def read_settings(
    environ: Mapping[str, str],
    model_dir: str | None = None,
    host: str | None = None,
    port: int | None = None,
    workers: int | None = None,
) -> Settings:
    """Join the command line's options with the environment's.

    Parameters
    ----------
    environ : Mapping[str, str]
        The environment variables.
    model_dir : str, optional
        As on the command line; None is ``model`` in SAGEMAKER_BASE_DIR, which is /opt/ml.
    host : str, optional
        As on the command line; None is every interface in a container, which its own network protects, and this
        machine alone elsewhere.
    port : int, optional
        As on the command line; None leaves it to SAGEMAKER_BIND_TO_PORT, then to the first of
        SAGEMAKER_SAFE_PORT_RANGE, then to 8080.
    workers : int, optional
        As on the command line; None leaves it to SAGEMAKER_MODEL_SERVER_WORKERS, to TorchServe's
        SAGEMAKER_TS_MAX_WORKERS, then to the number of CPUs.

    Raises
    ------
    SettingError
        A variable's value cannot be used, or `model_dir` is not a folder.
    """
    for name, reason in _WITHOUT_MEANING.items():
        if environ.get(name):
            raise SettingError(f"{name} {reason}: remove it from the model's environment.")
    multi_model = environ.get("SAGEMAKER_MULTI_MODEL", "").lower() == "true"
    model_dir = model_dir or f"{environ.get('SAGEMAKER_BASE_DIR') or BASE_DIR}/model"
    directory = Path(model_dir).absolute()
    if not directory.is_dir():
        raise SettingError(f"The model directory {model_dir} is not a folder: unpack model.tar.gz there, or name it.")
    submitted = environ.get("SAGEMAKER_SUBMIT_DIRECTORY") or ""
    cpus = 1 if multi_model else len(os.sched_getaffinity(0))
    return Settings(
        model_dir=directory,
        code_dir=_code_dir(submitted, directory),
        program=environ.get("SAGEMAKER_PROGRAM") or None,
        host=host or (ANY_HOST if _in_container(environ, model_dir) else LOOPBACK),
        port=_port(environ) if port is None else port,
        workers=_integer(environ, _WORKERS, cpus, 1, 1024) if workers is None else workers,
        timeout=_integer(environ, _TIMEOUT, 60, 1, 3600),
        max_payload_mb=_integer(environ, ("SAGEMAKER_MAX_PAYLOAD_IN_MB",), 6, 0, 100),
        multi_model=multi_model,
        default_accept=environ.get("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT") or JSON,
        log_level=_integer(environ, ("SAGEMAKER_CONTAINER_LOG_LEVEL",), logging.INFO, 0, 50),
        startup_timeout=_integer(environ, ("SAGEMAKER_STARTUP_TIMEOUT",), 0, 0, 3600) or None,
        source=submitted if submitted.startswith("s3://") else None,
        region=environ.get("SAGEMAKER_REGION") or None,
    )


def _in_container(environ: Mapping[str, str], model_dir: str) -> bool:
    """Return whether the server was started as SageMaker's contract says: with its variables, or on its folder."""
    return model_dir == DEFAULT_MODEL_DIR or not _CONTAINER_VARIABLES.isdisjoint(environ)


def _port(environ: Mapping[str, str]) -> int:
    """Return the port that the environment names.

    SAGEMAKER_SAFE_PORT_RANGE, such as 21000-21999, is what a container of a serial pipeline may use beside the port
    which it is bound to. Without SAGEMAKER_BIND_TO_PORT its first port is used, which is free.
    """
    safe = environ.get("SAGEMAKER_SAFE_PORT_RANGE")
    if not safe:
        return _integer(environ, ("SAGEMAKER_BIND_TO_PORT",), 8080, 0, 65535)
    first, _, last = safe.partition("-")
    if not (first.isdecimal() and last.isdecimal() and 0 < int(first) <= int(last) <= 65535):
        raise SettingError(
            f"SAGEMAKER_SAFE_PORT_RANGE has the value {safe!r}: expected two ports, such as 21000-21999."
        )
    return _integer(environ, ("SAGEMAKER_BIND_TO_PORT",), int(first), 0, 65535)


def _code_dir(submit_directory: str, model_dir: Path) -> Path:
    """Return the script's folder; what is in S3 is fetched to a folder of its own."""
    if not submit_directory or submit_directory.startswith("s3://"):
        return model_dir / "code"
    path = submit_directory.removeprefix("file://")
    if "://" in path:
        raise SettingError(
            f"SAGEMAKER_SUBMIT_DIRECTORY is {submit_directory!r}: expected a folder, or s3://BUCKET/sourcedir.tar.gz."
        )
    return Path(path)


def _integer(environ: Mapping[str, str], names: Sequence[str], default: int, low: int, high: int) -> int:
    """Return the number of the first variable that is set."""
    name = next((name for name in names if environ.get(name)), names[0])
    text = environ.get(name) or str(default)
    if not text.isdecimal() or not low <= int(text) <= high:
        raise SettingError(f"{name} has the value {text!r}: expected a whole number from {low} to {high}.")
    return int(text)

"""The program ``train``: what SageMaker starts in a training job's container that has no entry point.

In AWS's framework images that is sagemaker-training-toolkit (its README, "Training Toolkit"), whose contract tuning
jobs and images of one's own use; here it is for the project's image, and for images that are interpreters of a host::

    hyperparameters     sagemaker_program: the script; sagemaker_submit_directory: where it is, s3://.../sourcedir.tar.gz
    or the image        SAGEMAKER_PROGRAM, SAGEMAKER_SUBMIT_DIRECTORY; code that is not named is in /opt/ml/code
    or no script        SAGEMAKER_TRAINING_MODULE: the image's own algorithm, module:function, returns the exit code
    code                unpacked to /opt/ml/code
    environment         SM_MODEL_DIR, SM_CHANNEL_TRAIN, SM_HPS, SM_HP_ALPHA, SM_NUM_CPUS, SM_TRAINING_ENV, ...
    script              python3 train.py --alpha 0.5: a list of arguments, which no shell reads
    failure             the script's last words in /opt/ml/output/failure, unless it wrote some there itself

This file runs inside the container, as ``train`` or by its path with the image's interpreter: standard library only,
and the image's boto3 to fetch the code.
"""

import contextlib
import importlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import zlib
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path("/opt/ml")
_CODE = ROOT / "code"
_FAILURE = ROOT / "output" / "failure"
_LAST_LINES = 20
_FRAMEWORK = ("_tuning_objective_metric", "default_user_module_name")
_LOG_LEVEL = 20


_HELP = f"""\
usage: train

Run a training script as SageMaker's training jobs do. SageMaker starts it in a job's container, without arguments, with

  {ROOT}/input/config/hyperparameters.json, resourceconfig.json, inputdataconfig.json
  {ROOT}/input/data/CHANNEL   the channels' data

The script is what the hyperparameters sagemaker_program and sagemaker_submit_directory name, or else SAGEMAKER_PROGRAM
and SAGEMAKER_SUBMIT_DIRECTORY; its code is in {_CODE} where none is named. The other hyperparameters are its arguments,
and SM_MODEL_DIR, SM_CHANNEL_TRAIN, SM_HPS and others its environment. What it writes to {ROOT}/model becomes
model.tar.gz; why it failed is in {_FAILURE}.

Exit status: 0 the script succeeded, the script's own when it failed, 1 when it could not be run.
On this machine jobs run it: run-pipeline --local."""


class TrainError(Exception):
    """The script cannot be run, or failed; the text is the reason, the number the exit code.

    Parameters
    ----------
    reason : str
    exit_code : int, default=1
    """

    def __init__(self, reason: str, exit_code: int = 1) -> None:
        super().__init__(reason)
        self.exit_code = exit_code


@dataclass(frozen=True)
class _Submitted:
    """The script's file name, and where it is: a folder, an archive, or one in S3."""

    program: str
    directory: str


def main() -> int:
    """Run the script that the hyperparameters or the image name; return the exit code."""
    if {"-h", "--help"} & set(sys.argv[1:]):
        print(_HELP)
        return 0
    try:
        return _run()
    except TrainError as error:
        if not _FAILURE.exists() and _FAILURE.parent.is_dir():
            _FAILURE.write_text(str(error))
        print(f"train: {error}", file=sys.stderr)
        return error.exit_code


def _run() -> int:
    hyperparameters = decoded(_config("hyperparameters"))
    if not _program(hyperparameters) and (algorithm := os.environ.get("SAGEMAKER_TRAINING_MODULE")):
        return _run_algorithm(algorithm)
    own = {name: value for name, value in hyperparameters.items() if not is_framework(name)}
    submitted = _submitted(hyperparameters)
    _fetch_code(submitted.directory)
    arguments = script_arguments(own)
    environment = os.environ | sm_variables(_facts(hyperparameters, own, submitted, arguments))
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(_CODE), os.environ.get("PYTHONPATH")]))
    if (_CODE / "requirements.txt").is_file():
        install = [sys.executable, "-m", "pip", "install", "-r", "requirements.txt"]
        _call(install, environment, "InstallRequirementsError")
    program = submitted.program
    _call([*_interpreter(program), program, *arguments], environment, "ExecuteUserScriptError")
    return 0


def _run_algorithm(name: str) -> int:
    """Run the algorithm of an image in this process: it says itself why it failed."""
    module, _, function = name.partition(":")
    exit_code: int = getattr(importlib.import_module(module), function)()
    return exit_code


def _program(hyperparameters: Mapping[str, Any]) -> Any:
    return hyperparameters.get("sagemaker_program") or os.environ.get("SAGEMAKER_PROGRAM")


def _submitted(hyperparameters: Mapping[str, Any]) -> _Submitted:
    """Return what to run: as the job says, or else as the image does."""
    program = _program(hyperparameters)
    if not program:
        raise TrainError(
            "ClientError: no script is named: set the hyperparameter sagemaker_program, or"
            " SAGEMAKER_PROGRAM in the image or the job's Environment"
        )
    directory = hyperparameters.get("sagemaker_submit_directory") or os.environ.get("SAGEMAKER_SUBMIT_DIRECTORY")
    return _Submitted(str(program), str(directory or _CODE))


def _config(name: str) -> dict[str, Any]:
    path = ROOT / "input" / "config" / f"{name}.json"
    try:
        document: dict[str, Any] = json.loads(path.read_text())
    except OSError as error:
        raise TrainError(
            f"ClientError: {path} cannot be read: {error.strerror}. A training job has it: see `train -h`"
        ) from error
    return document


def decoded(hyperparameters: Mapping[str, str]) -> dict[str, Any]:
    """Return hyperparameters with values that are JSON decoded: older SDKs quote even strings."""
    values: dict[str, Any] = {}
    for name, text in hyperparameters.items():
        try:
            values[name] = json.loads(text)
        except ValueError:
            values[name] = text
    return values


def is_framework(name: str) -> bool:
    """Return whether a hyperparameter is for the image, not for the script."""
    return name.startswith("sagemaker_") or name in _FRAMEWORK


def script_arguments(hyperparameters: Mapping[str, Any]) -> list[str]:
    """Return the script's arguments, sorted by name: ``--alpha 0.5``, ``-x 1`` for a name of one letter."""
    arguments = []
    for name, value in sorted(hyperparameters.items()):
        text = ",".join(f"{key}={item}" for key, item in sorted(value.items())) if isinstance(value, dict) else value
        arguments += [f"--{name}" if len(name) > 1 else f"-{name}", str(text)]
    return arguments


def sm_variables(facts: Mapping[str, Any]) -> dict[str, str]:
    """Return the ``SM_...`` environment variables: texts as they are, all else as JSON."""
    variables = {f"SM_{name.upper()}": _text(value) for name, value in facts.items()}
    variables |= {f"SM_CHANNEL_{name.upper()}": path for name, path in facts["channel_input_dirs"].items()}
    variables |= {f"SM_HP_{name.upper()}": _text(value) for name, value in facts["hyperparameters"].items()}
    return variables | {
        "SM_HPS": _text(facts["hyperparameters"]),
        "SM_CHANNELS": _text(sorted(facts["channel_input_dirs"])),
        "SM_TRAINING_ENV": _text(dict(facts)),
    }


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, separators=(",", ":"))


def _facts(
    hyperparameters: Mapping[str, Any], own: Mapping[str, Any], submitted: _Submitted, arguments: Sequence[str]
) -> dict[str, Any]:
    resources, channels = _config("resourceconfig"), _config("inputdataconfig")
    return {
        "hosts": resources["hosts"],
        "current_host": resources["current_host"],
        "is_master": resources["current_host"] == sorted(resources["hosts"])[0],
        "master_hostname": sorted(resources["hosts"])[0],
        "current_instance_type": resources["current_instance_type"],
        "current_instance_group": resources["current_group_name"],
        "network_interface_name": resources["network_interface_name"],
        "resource_config": resources,
        "input_data_config": channels,
        "channel_input_dirs": {name: str(ROOT / "input" / "data" / name) for name in channels},
        "hyperparameters": dict(own),
        "framework_params": {name: value for name, value in hyperparameters.items() if is_framework(name)},
        "user_args": list(arguments),
        "user_entry_point": submitted.program,
        "module_name": Path(submitted.program).stem,
        "module_dir": submitted.directory,
        "log_level": hyperparameters.get("sagemaker_container_log_level", _LOG_LEVEL),
        "job_name": os.environ.get("TRAINING_JOB_NAME", ""),
        "num_cpus": len(os.sched_getaffinity(0)),
        "num_gpus": len(list(Path("/dev").glob("nvidia[0-9]*"))),
        "model_dir": str(ROOT / "model"),
        "input_dir": str(ROOT / "input"),
        "input_config_dir": str(ROOT / "input" / "config"),
        "output_dir": str(ROOT / "output"),
        "output_data_dir": str(ROOT / "output" / "data"),
        "output_intermediate_dir": str(ROOT / "output" / "intermediate"),
    }


def _fetch_code(source: str) -> None:
    if Path(source).is_dir():
        if Path(source) != _CODE:
            shutil.copytree(source, _CODE, dirs_exist_ok=True)
        return
    _CODE.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        packed = _downloaded(source, Path(folder)) if source.startswith("s3://") else Path(source)
        try:
            with tarfile.open(packed) as tar:
                if hasattr(tarfile, "data_filter"):
                    tar.extraction_filter = tarfile.data_filter
                tar.extractall(_CODE)  # noqa: S202 - code that runs next, with the same rights in the same container
        except (OSError, EOFError, zlib.error, ValueError, tarfile.TarError) as error:
            raise TrainError(f"ClientError: cannot unpack sagemaker_submit_directory '{source}': {error}") from error


def _downloaded(uri: str, folder: Path) -> Path:
    try:
        import boto3  # noqa: PLC0415 - not every image has it, nor needs it for code that is there
    except ImportError as error:
        raise TrainError(f"ClientError: {sys.executable} has no boto3 to download '{uri}' with") from error
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    target = folder / "sourcedir.tar.gz"
    try:
        boto3.client("s3").download_file(bucket, key, str(target))
    except Exception as error:  # botocore's errors have no common base
        raise TrainError(f"ClientError: cannot download sagemaker_submit_directory '{uri}': {error}") from error
    return target


def _interpreter(program: str) -> list[str]:
    if not (_CODE / program).is_file():
        there = ", ".join(sorted(path.name for path in _CODE.iterdir())) if _CODE.is_dir() else ""
        raise TrainError(
            f"ClientError: sagemaker_program '{program}' is not in sagemaker_submit_directory: {there or 'nothing'}"
        )
    if program.endswith(".py"):
        return [sys.executable]
    if program.endswith(".sh"):
        return ["/bin/sh"]
    raise TrainError(f"ClientError: sagemaker_program '{program}' is neither a .py nor a .sh file")


def _call(argv: Sequence[str], environment: Mapping[str, str], error_name: str) -> None:
    """Run a program in the code's folder, its standard error passed on and its end kept for the reason."""
    last: deque[str] = deque(maxlen=_LAST_LINES)
    with subprocess.Popen(argv, cwd=_CODE, env=environment, stderr=subprocess.PIPE) as process:
        signal.signal(signal.SIGTERM, lambda number, _: _pass_on(process, number))
        for line in process.stderr or ():
            sys.stderr.buffer.write(line)
            sys.stderr.buffer.flush()
            last.append(line.decode(errors="replace"))
    if process.returncode:
        words = "".join(last).strip()
        raise TrainError(
            f'{error_name}:\nExitCode {process.returncode}\nErrorMessage "{words}"\nCommand "{" ".join(argv)}"',
            max(process.returncode, 1),
        )


def _pass_on(process: "subprocess.Popen[bytes]", number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(number)


if __name__ == "__main__":
    sys.exit(main())

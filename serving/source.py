"""The script's folder, as AWS's containers make it before they serve: fetched, and what it requires installed.

Source: ``sagemaker_containers/_modules.py`` (``download_and_install``) and ``sagemaker_inference/model_server.py``
(``_install_requirements``).
"""

import importlib
import subprocess
import sys
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from serving.errors import StartError

_VARIABLE = "SAGEMAKER_SUBMIT_DIRECTORY"
_SHOWN = 1000


@contextmanager
def fetched(uri: str, region: str | None = None) -> Iterator[Path]:
    """Download and unpack ``s3://.../sourcedir.tar.gz``, for as long as the context lasts.

    Parameters
    ----------
    uri : str
    region : str, optional
        Of the bucket (SAGEMAKER_REGION); None is the environment's.

    Raises
    ------
    StartError
        It cannot be had, or is not such an archive.
    """
    with TemporaryDirectory(prefix="serving-code-") as folder:
        packed, code = Path(folder) / "sourcedir.tar.gz", Path(folder) / "code"
        _download(uri, packed, region)
        try:
            with tarfile.open(packed) as archive:
                archive.extractall(code, filter="data")  # refuses paths that lead out, devices, absolute links
        except (OSError, EOFError, zlib.error, tarfile.TarError) as error:
            raise StartError(f"{_VARIABLE} names {uri}, which cannot be unpacked: {error}") from error
        yield code


def install_requirements(code_dir: Path) -> None:
    """Install what ``requirements.txt`` beside the script names, if there is one.

    Raises
    ------
    StartError
        It cannot be installed.
    """
    required = code_dir / "requirements.txt"
    if not required.is_file():
        return
    command = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "-r", str(required)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        raise StartError(f"{required} cannot be installed: {done.stderr.strip()[-_SHOWN:]}")


def _download(uri: str, target: Path, region: str | None) -> None:
    try:
        boto3: Any = importlib.import_module("boto3")
    except ImportError as error:
        raise StartError(f"{_VARIABLE} names {uri}: to download it, the server needs the package boto3.") from error
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    try:
        boto3.client("s3", region_name=region).download_file(bucket, key, str(target))
    except Exception as error:  # botocore's errors have no common base
        raise StartError(f"{_VARIABLE} names {uri}, which cannot be downloaded: {error}") from error

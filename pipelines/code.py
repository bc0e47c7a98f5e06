"""The code of a step: a short list of files, kept in S3 under the hash of their contents.

The same files give the same address on every machine and every day, so a definition changes exactly when the
code does, step caching works, and an upload that has been made before is not made again. The files are
mounted into the container as an ordinary input; nothing is installed when a job runs, so a pure-Python
package that an image lacks travels along.
"""

import hashlib
import importlib.util
import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_SHARED = Path(__file__).parent / "containers"


def read_files(folder: Path, *names: str) -> dict[str, bytes]:
    """Read the named files of a folder: name in the container -> content."""
    return {name: (folder / name).read_bytes() for name in names}


def read_shared(*names: str) -> dict[str, bytes]:
    """Read files of `pipelines/containers`, the scripts and modules that several models have in common."""
    return read_files(_SHARED, *names)


def write(folder: Path, files: Mapping[str, bytes]) -> None:
    """Put files into a folder, made if need be: to run a script without SageMaker."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)


def read_package(name: str) -> dict[str, bytes]:
    """Pack the modules of an installed pure-Python package without its tests: `<name>.zip`, for `sys.path`.

    One object instead of a file for each module; Python imports from it as it lies. The same modules give the same
    bytes.

    Raises
    ------
    ModuleNotFoundError
        When the package is not installed here, or is a single module.
    """
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(f"the package {name!r} has to travel with the code and is not installed", name=name)
    root = Path(spec.submodule_search_locations[0])
    modules = sorted(path.relative_to(root) for path in root.rglob("*.py"))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:  # stored: how zlib packs depends on its version
        for module in modules:
            if "tests" not in module.parts:
                member = zipfile.ZipInfo(f"{name}/{module.as_posix()}")  # dated 1980-01-01
                archive.writestr(member, (root / module).read_bytes())
    return {f"{name}.zip": packed.getvalue()}


def content_hash(files: Mapping[str, bytes]) -> str:
    """Return the name of a set of files: 16 hexadecimal digits of the SHA-256 of their contents, in any order."""
    digest = hashlib.sha256()
    for name in sorted(files):
        for part in (name.encode(), files[name]):
            digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()[:16]


def upload(s3_client: Any, bucket: str, prefix: str, files: Mapping[str, bytes]) -> str:
    """Put the files under `s3://bucket/prefix/code/<hash>/`, those that are missing there; return that URI.

    The folder's name is its content's hash, so an object that is there is right, and an upload that was cut
    short is completed by the next one.
    """
    folder = f"{prefix}/code/{content_hash(files)}/"
    pages = s3_client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=folder)
    present = {item["Key"] for page in pages for item in page.get("Contents", ())}
    for name in sorted(files):
        if folder + name not in present:
            s3_client.put_object(Bucket=bucket, Key=folder + name, Body=files[name])
    return f"s3://{bucket}/{folder}"

"""The code of functions, as a zip file in the project's bucket, named by what is in it.

The same sources give the same bytes and the same key, on any machine and day: a stack changes when the code does. A
function may import modules of this project that need nothing but the standard library and boto3: they go with it.
"""

import ast
import hashlib
import io
import zipfile
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

# The earliest that a zip file can say.
_TIMESTAMP = (1980, 1, 1, 0, 0, 0)
_ROOT = Path(__file__).parent.parent
_PACKAGES = ("deploy", "model_road")


def pack(folder: Path) -> bytes:
    """Pack the Python files of a folder, and the modules of this project that they import, one by another."""
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*.py")}
    files |= {path.relative_to(_ROOT).as_posix(): path for path in _shared(files.values())}
    return archive({name: path.read_bytes() for name, path in sorted(files.items())})


def archive(files: Mapping[str, bytes], executable: Collection[str] = ()) -> bytes:
    """Pack files, in their order, those that are to be executable as such."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, _TIMESTAMP)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (0o755 if name in executable else 0o644) << 16
            packed.writestr(entry, content)
    return buffer.getvalue()


def _shared(files: Iterable[Path]) -> set[Path]:
    """Find the modules of this project that files import, with the packages that they lie in."""
    found: set[Path] = set()
    waiting = list(files)
    while waiting:
        fresh = {path for name in _imported(waiting.pop()) for path in _files_of(name)} - found
        found |= fresh
        waiting += fresh
    return found


def _imported(path: Path) -> Iterator[str]:
    """Yield what a file imports by its full name; a name that is imported from a package may be a module, too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (node.module, *(f"{node.module}.{name.name}" for name in node.names))


def _files_of(name: str) -> Iterator[Path]:
    """Yield the file of a module of this project, and those of its packages."""
    parts = name.split(".")
    if parts[0] not in _PACKAGES:
        return
    for number in range(1, len(parts) + 1):
        place = _ROOT.joinpath(*parts[:number])
        yield from (path for path in (place / "__init__.py", place.with_suffix(".py")) if path.is_file())


def publish(s3_client: Any, bucket: str, prefix: str, folder: Path) -> str:
    """Put the code of the function in a folder into the bucket, unless it is there; return its key."""
    content = pack(folder)
    place = key(folder.name, prefix, content)
    upload(s3_client, bucket, place, content)
    return place


def key(name: str, prefix: str, content: bytes) -> str:
    """Return the key of a function's code in the bucket."""
    return f"{prefix}/functions/{name}-{hashlib.sha256(content).hexdigest()[:16]}.zip"


def upload(s3_client: Any, bucket: str, key: str, content: bytes) -> None:
    """Put code into the bucket, unless it is there."""
    try:
        s3_client.head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] != 404:
            raise
        s3_client.put_object(Bucket=bucket, Key=key, Body=content)

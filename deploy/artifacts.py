"""The code of functions, as a zip file in the project's bucket, named by what is in it.

The same sources give the same bytes and the same key, on any machine and day: a stack changes when the code does.
"""

import hashlib
import io
import zipfile
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

# The earliest that a zip file can say.
_TIMESTAMP = (1980, 1, 1, 0, 0, 0)


def pack(folder: Path) -> bytes:
    """Pack the Python files of a folder."""
    return archive({path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*.py"))})


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


def key(name: str, prefix: str, content: bytes) -> str:
    """Say where in the bucket a function's code lies."""
    return f"{prefix}/functions/{name}-{hashlib.sha256(content).hexdigest()[:16]}.zip"


def upload(s3_client: Any, bucket: str, key: str, content: bytes) -> None:
    """Put code into the bucket, unless it is there."""
    try:
        s3_client.head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] != 404:
            raise
        s3_client.put_object(Bucket=bucket, Key=key, Body=content)

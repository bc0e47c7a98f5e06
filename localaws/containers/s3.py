"""Transfers between S3 and a job's folder: prefixes come down, folders go up, as SageMaker's agent moves them.

Small objects are fetched in one request each; large ones in parts, by boto3's transfer manager.
"""

import gzip
import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from localaws.containers.errors import JobFailure
from localaws.storage.archive import ArchiveError, copy_within

Client = Any
_ONE_REQUEST_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True)
class Location:
    """A bucket and a key or a key prefix."""

    bucket: str
    key: str

    @classmethod
    def of(cls, uri: str) -> "Location":
        """Parse ``s3://bucket/key``.

        Raises
        ------
        JobFailure
            If it is not such a URI.
        """
        scheme, _, rest = uri.partition("://")
        bucket, _, key = rest.partition("/")
        if scheme != "s3" or not bucket:
            raise JobFailure(f"ClientError: '{uri}' is not an S3 URI: s3://bucket/prefix was expected")
        return cls(bucket, key)

    def below(self, relative: str) -> "Location":
        """Return the location of a path below this one."""
        return Location(self.bucket, f"{self.key.rstrip('/')}/{relative}".lstrip("/"))

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"


@dataclass(frozen=True)
class S3Object:
    """An object under a prefix, and its path relative to that prefix."""

    location: Location
    relative: str
    size: int


def objects_under(client: Client, uri: str) -> list[S3Object]:
    """Return every object whose key begins with the URI's key (SageMaker's ``S3Prefix``), in key order.

    Raises
    ------
    JobFailure
        If there are none, or if S3 refuses the request, with SageMaker's sentence.
    """
    found = list_objects(client, uri)
    if not found:
        raise JobFailure(
            f'ClientError: No S3 objects found under S3 URL "{uri}" given in input data source. Please ensure that the'
            " bucket exists in the selected region, and that objects exist under that S3 prefix."
        )
    return found


def list_objects(client: Client, uri: str) -> list[S3Object]:
    """Return every object whose key begins with the URI's key, in key order; there may be none.

    Raises
    ------
    JobFailure
        If S3 refuses the request.
    """
    try:
        return list(_listing(client, Location.of(uri)))
    except (ClientError, BotoCoreError) as error:
        raise JobFailure(f"ClientError: Cannot list '{uri}': {error}") from error


def _listing(client: Client, prefix: Location) -> Iterator[S3Object]:
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=prefix.bucket, Prefix=prefix.key)
    for page in pages:
        for row in page.get("Contents", []):
            if not row["Key"].endswith("/"):  # consoles mark folders with empty objects
                location = Location(prefix.bucket, row["Key"])
                yield S3Object(location, _relative(row["Key"], prefix.key), row["Size"])


def _relative(key: str, prefix: str) -> str:
    if prefix and key.startswith(f"{prefix.rstrip('/')}/"):
        return key[len(prefix.rstrip("/")) + 1 :]
    folder = prefix.rpartition("/")[0]
    return key[len(folder) + 1 :] if folder else key


def fetch(client: Client, item: S3Object, target: Path) -> None:
    """Download one object to a file, creating its folder."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        if item.size > _ONE_REQUEST_BYTES:
            client.download_file(item.location.bucket, item.location.key, str(target))
        else:
            body = client.get_object(Bucket=item.location.bucket, Key=item.location.key)["Body"]
            target.write_bytes(body.read())
    except (ClientError, BotoCoreError) as error:
        raise JobFailure(f"ClientError: Data download failed: {item.location}: {error}") from error


def download_object(client: Client, item: S3Object, folder: Path, *, gunzip: bool = False) -> None:
    """Download an object into a folder, under its relative path.

    Parameters
    ----------
    client : boto3 S3 client
    item : S3Object
    folder : Path
    gunzip : bool, default=False
        Decompress it (``CompressionType: Gzip``); the suffix ``.gz`` is removed from its name.

    Raises
    ------
    JobFailure
        If the path would leave the folder, or if the download fails.
    """
    if ".." in PurePosixPath(item.relative).parts:
        raise JobFailure(f"ClientError: Data download failed: the key {item.location} leaves its folder")
    # A key with two slashes, s3://bucket/data//x, has a relative path that begins with one.
    target = folder / item.relative.lstrip("/")
    fetch(client, item, target)
    if gunzip:
        _gunzip(target, item)


def _gunzip(target: Path, item: S3Object) -> None:
    unpacked = target.with_name(f"{target.name}.unpacked")
    try:
        with gzip.open(target, "rb") as packed, unpacked.open("wb") as plain:
            copy_within(packed, plain, target.parent)
    except ArchiveError as error:
        raise JobFailure(f"ClientError: Data download failed: {item.location}: {error}") from error
    except (OSError, EOFError, zlib.error) as error:
        raise JobFailure(f"ClientError: Data download failed: {item.location} is not gzip: {error}") from error
    target.unlink()
    unpacked.rename(target.with_suffix("") if target.suffix == ".gz" else target)


def encryption(key_id: str | None) -> dict[str, str]:
    """Return the members of a write request that encrypt with the ``KmsKeyId`` of a job or an endpoint."""
    return {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key_id} if key_id else {}


def upload(client: Client, source: Path, target: Location, key_id: str | None = None) -> None:
    """Upload one file, encrypted with a KMS key if one is given.

    Raises
    ------
    JobFailure
        If S3 refuses the request.
    """
    try:
        if source.stat().st_size > _ONE_REQUEST_BYTES:
            client.upload_file(str(source), target.bucket, target.key, ExtraArgs=encryption(key_id))
        else:
            body = source.read_bytes()
            client.put_object(Bucket=target.bucket, Key=target.key, Body=body, **encryption(key_id))
    except (ClientError, BotoCoreError) as error:
        raise JobFailure(f"ClientError: Failed to upload {source.name} to {target}: {error}") from error


def upload_folder(client: Client, folder: Path, uri: str, key_id: str | None = None) -> None:
    """Upload every file of a folder under a prefix, keeping relative paths; only links inside it are followed."""
    target = Location.of(uri)
    inside = folder.resolve()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.resolve().is_relative_to(inside):
            upload(client, path, target.below(key_of(path, folder)), key_id)


def key_of(path: Path, folder: Path) -> str:
    """Return the key of a file of a folder, relative to the folder's.

    Raises
    ------
    JobFailure
        If the file's name is not UTF-8, as the keys of S3 are.
    """
    name = path.relative_to(folder).as_posix()
    try:
        name.encode()
    except UnicodeEncodeError as error:
        shown = os.fsencode(name).decode(errors="backslashreplace")
        raise JobFailure(f"ClientError: Failed to upload {shown}: a key of S3 is UTF-8, this file's name is not") from (
            error
        )
    return name


def read(client: Client, location: Location) -> bytes:
    """Return the content of one object.

    Raises
    ------
    JobFailure
        If S3 refuses the request.
    """
    try:
        body: bytes = client.get_object(Bucket=location.bucket, Key=location.key)["Body"].read()
    except (ClientError, BotoCoreError) as error:
        raise JobFailure(f"ClientError: Data download failed: {location}: {error}") from error
    return body


def write(client: Client, location: Location, content: bytes, key_id: str | None = None) -> None:
    """Write one object, encrypted with a KMS key if one is given.

    Raises
    ------
    JobFailure
        If S3 refuses the request.
    """
    try:
        client.put_object(Bucket=location.bucket, Key=location.key, Body=content, **encryption(key_id))
    except (ClientError, BotoCoreError) as error:
        raise JobFailure(f"ClientError: Failed to upload to {location}: {error}") from error


def exists(client: Client, uri: str) -> bool:
    """Return whether an object exists at this URI."""
    location = Location.of(uri)
    try:
        client.head_object(Bucket=location.bucket, Key=location.key)
    except ClientError:
        return False
    return True

"""What a build uploads to S3: one ZIP file, or the files themselves under a prefix."""

import hashlib
import os
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from localaws.document import Document
from localaws.services.codebuild.buildspec import FileSet
from localaws.services.codebuild.errors import PhaseFailure
from localaws.services.codebuild.file_sets import NothingFound, select


def upload(client: Any, wanted: Document, files: FileSet, source: Path, build: Document) -> Document:
    """Upload the files of an artifact.

    Parameters
    ----------
    client : S3 client
    wanted : dict
        ``ProjectArtifacts``.
    files : FileSet
    source : Path
        The folder that contains them.
    build : dict
        As returned by BatchGetBuilds.

    Returns
    -------
    dict
        ``BuildArtifacts``: the location and its checksums.

    Raises
    ------
    PhaseFailure
        If a file does not exist, or if S3 refuses it.
    """
    try:
        chosen = select(files, source)
    except NothingFound as error:
        raise PhaseFailure("CLIENT_ERROR", str(error)) from error
    bucket, key = wanted["location"].removeprefix("arn:aws:s3:::"), _key(wanted, files, build)
    encryption = _encryption(wanted, build)
    try:
        if wanted.get("packaging") == "ZIP":
            sums = _upload_zip(client, chosen, bucket, key, encryption)
        else:
            sums = {}
            for name, path in chosen.items():
                client.put_object(Bucket=bucket, Key=f"{key}/{name}".lstrip("/"), Body=path.read_bytes(), **encryption)
    except (ClientError, BotoCoreError) as error:
        message = f"Error in UPLOAD_ARTIFACTS phase: s3://{bucket}/{key}: {error}"
        raise PhaseFailure("CLIENT_ERROR", message) from error
    return {"location": f"arn:aws:s3:::{bucket}/{key}", **sums}


def planned(wanted: Document, build: Document) -> Document:
    """Return ``BuildArtifacts`` as it is before anything is uploaded."""
    kept = ("artifactIdentifier", "overrideArtifactName", "encryptionDisabled", "bucketOwnerAccess")
    known = {name: wanted[name] for name in kept if name in wanted}
    if wanted["type"] != "S3":
        return {**known, "location": ""}
    bucket = wanted["location"].removeprefix("arn:aws:s3:::")
    return {**known, "location": f"arn:aws:s3:::{bucket}/{_key(wanted, FileSet(()), build)}"}


def _key(wanted: Document, files: FileSet, build: Document) -> str:
    """Return ``path/namespace/name``, of which the first two may be absent."""
    name = wanted.get("name") or build["projectName"]
    if wanted.get("overrideArtifactName") and files.name:
        name = files.name
    namespace = build["id"].partition(":")[2] if wanted.get("namespaceType") == "BUILD_ID" else ""
    parts = (wanted.get("path", ""), namespace, name)
    return "/".join(part.strip("/") for part in parts if part.strip("/"))


def _encryption(wanted: Document, build: Document) -> Document:
    key = build["encryptionKey"]
    if wanted.get("encryptionDisabled") or key.endswith(":alias/aws/s3"):
        return {}
    return {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key}


def _upload_zip(client: Any, chosen: Mapping[str, Path], bucket: str, key: str, encryption: Document) -> Document:
    with tempfile.TemporaryFile() as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, strict_timestamps=False) as archive:
            for name, path in chosen.items():
                archive.write(path, name)
        sums = {}
        for algorithm in ("md5", "sha256"):
            file.seek(0)
            sums[f"{algorithm}sum"] = hashlib.file_digest(file, algorithm).hexdigest()
        file.seek(0, os.SEEK_SET)
        client.put_object(Bucket=bucket, Key=key, Body=file, **encryption)
    return sums

"""The inputs of a job: the objects that a data source of its request names, split among instances and downloaded.

A source names objects by a key prefix (``S3Prefix``) or by a manifest (``ManifestFile``): a JSON list of relative names
after ``{"prefix": "s3://bucket/folder/"}``. ``ShardedByS3Key`` distributes them to the instances in key order.
"""

import json
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from localaws.containers import s3
from localaws.containers.errors import JobFailure
from localaws.document import Document
from localaws.sagemaker.jobs.instances import Instance


@dataclass(frozen=True)
class Source:
    """A data source.

    Attributes
    ----------
    manifest : bool
        Whether the URI is that of a manifest.
    sharded : bool
        Whether each instance gets a share of the objects, instead of all of them.
    gunzip : bool
        Whether the objects are decompressed.
    """

    uri: str
    manifest: bool = False
    sharded: bool = False
    gunzip: bool = False

    @classmethod
    def of(cls, description: Document, *, gunzip: bool = False) -> "Source":
        """Parse an S3DataSource or a ProcessingS3Input, with AWS's defaults."""
        return cls(
            uri=description["S3Uri"],
            manifest=description.get("S3DataType") == "ManifestFile",
            sharded=description.get("S3DataDistributionType") == "ShardedByS3Key",
            gunzip=gunzip,
        )

    def objects(self, client: s3.Client) -> list[s3.S3Object]:
        """Return the objects that it names.

        Raises
        ------
        JobFailure
            If there are none, or if the manifest is invalid.
        """
        return _listed(client, self.uri) if self.manifest else s3.objects_under(client, self.uri)

    def download(self, client: s3.Client, folder: Path, instance: Instance, instances: int) -> None:
        """Download an instance's objects into a folder, keeping their relative paths.

        Raises
        ------
        JobFailure
            If there are no objects, if a key would leave the folder, or if a download fails.
        """
        found = self.objects(client)
        folder.mkdir(parents=True, exist_ok=True)
        for item in found[instance.number - 1 :: instances] if self.sharded else found:
            s3.download_object(client, item, folder, gunzip=self.gunzip)


def _listed(client: s3.Client, uri: str) -> list[s3.S3Object]:
    entries = _entries(client, uri)
    prefix = entries[0]["prefix"] if entries and isinstance(entries[0], dict) and "prefix" in entries[0] else None
    names = entries[1:]
    if not isinstance(prefix, str) or not names or not all(isinstance(name, str) for name in names):
        raise JobFailure(
            f'ClientError: The manifest {uri} must be a JSON list: {{"prefix": "s3://bucket/folder/"}}, then at least'
            " one name relative to it"
        )
    return [_named(client, prefix, name) for name in names]


def _entries(client: s3.Client, uri: str) -> list[Any]:
    location = s3.Location.of(uri)
    try:
        entries = json.loads(client.get_object(Bucket=location.bucket, Key=location.key)["Body"].read())
    except (ClientError, BotoCoreError, ValueError) as error:
        raise JobFailure(f"ClientError: The manifest {uri} cannot be read: {error}") from error
    return entries if isinstance(entries, list) else []


def _named(client: s3.Client, prefix: str, name: str) -> s3.S3Object:
    location = s3.Location.of(f"{prefix}{name}")
    try:
        size = client.head_object(Bucket=location.bucket, Key=location.key)["ContentLength"]
    except (ClientError, BotoCoreError) as error:
        raise JobFailure(f"ClientError: Data download failed: {location}, named by the manifest: {error}") from error
    return s3.S3Object(location, str(PurePosixPath(name)), size)

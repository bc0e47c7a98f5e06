"""Artifacts: zip files in the pipeline's artifact store."""

import hashlib
import io
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from botocore.exceptions import ClientError

from localaws.document import Document
from localaws.service.context import Context
from localaws.storage.archive import ArchiveError, read_from_zip

# Source: "Quotas in AWS CodePipeline", artifacts of CloudFormation actions; "AWS CloudFormation quotas", a template.
_ARTIFACT_BYTES = 256 * 1024 * 1024
_FILE_BYTES = 1024 * 1024


class ArtifactError(Exception):
    """An artifact does not contain what an action needs; the text says what."""


@dataclass(frozen=True)
class ArtifactStore:
    """Where a pipeline's artifacts are stored.

    Attributes
    ----------
    declaration : dict
        An ArtifactStore of CodePipeline's API.
    """

    context: Context
    declaration: Document

    @classmethod
    def of(cls, context: Context, pipeline: Document) -> "ArtifactStore":
        """Return the artifact store of a pipeline."""
        return cls(context, pipeline.get("artifactStore") or pipeline["artifactStores"][context.aws.region])

    @property
    def encryption_key(self) -> str | None:
        """The KMS key's ID or ARN, if the store names one."""
        return (self.declaration.get("encryptionKey") or {}).get("id")

    def location(self, pipeline: str, artifact: str, action_execution_id: str) -> Document:
        """Return where an action is to put an artifact; it is always the same for one action execution."""
        number = hashlib.sha256(f"{action_execution_id}/{artifact}".encode()).hexdigest()[:12]
        return {"bucket": self.declaration["location"], "key": f"{pipeline[:20]}/{artifact[:10]}/{number}"}

    def put(self, location: Document, path: Path) -> None:
        """Upload a file."""
        with path.open("rb") as file:
            self.context.aws.client("s3").put_object(
                Bucket=location["bucket"], Key=location["key"], Body=file, **self.encryption()
            )

    def put_files(self, location: Document, files: dict[str, bytes]) -> None:
        """Upload an artifact that consists of a few small files."""
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in files.items():
                archive.writestr(name, content)
        self.context.aws.client("s3").put_object(
            Bucket=location["bucket"], Key=location["key"], Body=buffer.getvalue(), **self.encryption()
        )

    def encryption(self) -> Document:
        """Return the members of PutObject for encryption."""
        key = self.encryption_key
        return {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key} if key else {}

    def read(self, location: Document, path: str) -> bytes:
        """Return a file of an artifact.

        Raises
        ------
        ArtifactError
            If it does not exist.
        """
        where = f"s3://{location['bucket']}/{location['key']}"
        try:
            stored = self.context.aws.client("s3").get_object(Bucket=location["bucket"], Key=location["key"])
            if stored["ContentLength"] > _ARTIFACT_BYTES:
                raise ArtifactError(f"The artifact {where} has more than {_ARTIFACT_BYTES:,} bytes")
            with tempfile.TemporaryFile() as file:
                for chunk in stored["Body"].iter_chunks(1024 * 1024):
                    file.write(chunk)
                return read_from_zip(file, path, _FILE_BYTES)
        except ClientError as error:
            raise ArtifactError(f"The artifact {where} cannot be read: {error}") from error
        except ArchiveError as error:
            raise ArtifactError(f"The artifact {where} cannot be unpacked: {error}") from error
        except KeyError as error:
            raise ArtifactError(f"File [{path}] does not exist in artifact {where}") from error

"""Source, S3: an object in a versioned bucket."""

from typing import ClassVar

from botocore.exceptions import ClientError

from localaws.document import Document
from localaws.service.context import Context
from localaws.services.codepipeline.actions.action import Job, Progress, SourceProvider, failed


class S3Source(SourceProvider):
    """The revision is the object's version."""

    categories = ("Source",)
    name = "S3"
    outputs = (1, 1)
    required = ("S3Bucket", "S3ObjectKey")
    optional = ("PollForSourceChanges", "AllowOverrideForS3ObjectKey")
    refused: ClassVar = {"AllowOverrideForS3ObjectKey": ("true",)}
    allowed: ClassVar = {"PollForSourceChanges": ("true", "false")}

    def start(self, job: Job) -> Progress:
        """Copy the object."""
        s3 = job.context.aws.client("s3")
        source = {"Bucket": job.configuration["S3Bucket"], "Key": job.configuration["S3ObjectKey"]}
        wanted = {"VersionId": job.revision} if job.revision else {}
        head = s3.head_object(**source, **wanted)
        version = head.get("VersionId")
        if version in (None, "null"):
            return failed(f"The S3 bucket {source['Bucket']} is not versioned: enable versioning", "ConfigurationError")
        [location] = job.outputs.values()
        s3.copy_object(
            Bucket=location["bucket"],
            Key=location["key"],
            CopySource={**source, "VersionId": version},
            **job.artifacts.encryption(),
        )
        summary = f"Amazon S3 version id: {version}"
        return Progress(
            "Succeeded",
            summary,
            external={"externalExecutionId": version, "externalExecutionSummary": summary},
            variables={
                "BucketName": source["Bucket"],
                "ObjectKey": source["Key"],
                "ETag": head["ETag"].strip('"'),
                "VersionId": version,
            },
            revision={"revisionId": version, "revisionSummary": summary},
        )

    def latest(self, context: Context, configuration: Document) -> str | None:
        """Return the object's newest version."""
        try:
            head = context.aws.client("s3").head_object(
                Bucket=configuration["S3Bucket"], Key=configuration["S3ObjectKey"]
            )
        except ClientError as error:
            if error.response["Error"]["Code"] in ("404", "NoSuchBucket", "NoSuchKey"):
                return None
            raise
        version: str | None = head.get("VersionId")
        return version

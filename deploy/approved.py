"""What was approved: digests of all that a version consists of, kept at its approval, compared before each deployment.

An approval names a version, but what an endpoint runs lies elsewhere: whoever may write its model.tar.gz, push its
image's tag or update the version could exchange it afterwards. So the approval keeps, on the version itself,

    ApprovedModel   2026-01-31T12:00:00Z containers=<SHA-256> data=<SHA-256> images=<SHA-256>

| digest | of |
|---|---|
| containers | what the version says of its containers: model data's URLs, images' names, environment |
| data | each object of the model data: its version's id, which S3 gives to no other content, or else its SHA-256 |
| images | the digest of every image as ECR has it; `unknown` where ECR does not tell, see `images` |

It is kept in the version's CustomerMetadataProperties because every road has them, with a project's stack or without,
because Studio shows them and because no deleted stack takes them along. Whoever may approve may write them: that is
UpdateModelPackage, which neither builds nor their jobs have; what they register may not have this property
(sagemaker:CustomerMetadataProperties is a condition key of CreateModelPackage).
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import ClientError

from deploy import packages
from deploy.errors import NotAsApprovedError
from deploy.packages import Package
from model_road.model_packages import APPROVED

# The templates' policies name it. It has no project's name in it: a version is approved once, not in a project.
PROPERTY = "ApprovedModel"
UNKNOWN = "unknown"

_IMAGE = re.compile(
    r"(?P<registry>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.[a-z0-9.-]+/(?P<repository>[^:@]+)"
    r"(?::(?P<tag>[^@]+))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?"
)
# SageMaker adds them itself when a version is registered.
_NOT_SAID = frozenset({"ImageDigest", "ModelDataETag"})
_WHAT = {"containers": "the description of the containers", "data": "the model data", "images": "the image"}

Client = Callable[..., Any]
"""Makes a client of a service: `boto3.client`, or a session's; it takes `region_name`."""


@dataclass(frozen=True)
class Digests:
    """The digests of a version."""

    containers: str
    data: str
    images: str

    def __str__(self) -> str:
        return " ".join(f"{name}={value}" for name, value in asdict(self).items())


def read(client: Client, package: Package) -> Digests:
    """Read what a version consists of now.

    Raises
    ------
    NotAsApprovedError
        When its model data are not there.
    """
    containers = package.document.get("InferenceSpecification", {}).get("Containers", [])
    said = [{key: value for key, value in each.items() if key not in _NOT_SAID} for each in containers]
    return Digests(
        containers=_digest([json.dumps(said, sort_keys=True, default=str)]),
        data=_digest(data(client("s3"), package, containers)),
        images=images(client, package, containers),
    )


def kept(package: Package) -> tuple[str, Digests] | None:
    """Return when a version was approved, and what it consisted of then; None when that was not kept."""
    time, *words = package.metadata.get(PROPERTY, "").split(" ")
    found = dict(word.partition("=")[::2] for word in words)
    return (time, Digests(**found)) if found.keys() == _WHAT.keys() else None


def approve(client: Client, sagemaker: Any, package: Package, reason: str) -> bool:
    """Approve a version and keep what it consists of, in one request; return whether that changed anything.

    Raises
    ------
    DeployError
        When there is nothing to approve.
    """
    digests, known = read(client, package), kept(package)
    properties = {} if known is not None and known[1] == digests else {PROPERTY: _now(digests)}
    return packages.set_approval(sagemaker, package, APPROVED, reason, properties)


def keep(client: Client, sagemaker: Any, package: Package) -> bool:
    """Keep what an approved version consists of, unless its approval has; return whether it had to be.

    `approve-model` keeps it itself, in the same request. For an approval in Studio or by another client the project's
    function start-deployment does, as soon as it hears of it.
    """
    if kept(package) is not None:
        return False
    properties = {PROPERTY: _now(read(client, package))}
    sagemaker.update_model_package(ModelPackageArn=package.arn, CustomerMetadataProperties=properties)
    return True


def check(client: Client, package: Package) -> None:
    """Make sure that a version is approved, and is what was approved.

    Raises
    ------
    NotAsApprovedError
    """
    again = f"`deploy-model approve-model {package.arn}`"
    if package.status != APPROVED:
        raise NotAsApprovedError(f"{package.short_name} is {package.status} in the registry: {again}")
    approval = kept(package)
    if approval is None:
        raise NotAsApprovedError(
            f"what {package.short_name} consisted of when it was approved was not kept, so that nobody knows whether "
            f"it still is that: look at it, then {again}"
        )
    time, then = approval
    now = asdict(read(client, package))
    changed = [name for name, digest in asdict(then).items() if digest not in (UNKNOWN, now[name])]
    if changed:
        places = ", ".join(_places(package))
        raise NotAsApprovedError(
            f"{' and '.join(_WHAT[name] for name in changed)} of {package.short_name} changed after the approval at "
            f"{time} ({places}); nothing was deployed. Build a new version, or look at what is there now and {again}"
        )


def data(s3: Any, package: Package, containers: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Yield a line for each object of the model data: its URL, and the id of its version or its content's SHA-256."""
    for uri, is_prefix in _sources(containers):
        bucket, key = urlsplit(uri).netloc, urlsplit(uri).path.removeprefix("/")
        for one in _keys(s3, bucket, key) if is_prefix else [key]:
            yield f"s3://{bucket}/{one} {_object(s3, package, bucket, one)}"


def images(client: Client, package: Package, containers: Iterable[Mapping[str, Any]]) -> str:
    """Return the digest of the images' digests, or `unknown`.

    AWS's own images are in AWS's accounts, which let others pull them; BatchGetImage, which a pull begins with, says
    the digest. Where a registry does not answer it, the image is compared by its name only.
    """
    found = [_image(client, package, each["Image"]) for each in containers if each.get("Image")]
    return UNKNOWN if UNKNOWN in found else _digest(found)


def _sources(containers: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, bool]]:
    """Yield the URIs of the model data, and whether each is a prefix."""
    for container in containers:
        if url := container.get("ModelDataUrl"):
            yield url, False
        sources = [container.get("ModelDataSource", {}).get("S3DataSource"), container.get("AdditionalS3DataSource")]
        for source in filter(None, sources):
            yield source["S3Uri"], source["S3DataType"] == "S3Prefix"


def _keys(s3: Any, bucket: str, prefix: str) -> list[str]:
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    return [item["Key"] for page in pages for item in page.get("Contents", ())]


def _object(s3: Any, package: Package, bucket: str, key: str) -> str:
    try:
        version = s3.head_object(Bucket=bucket, Key=key).get("VersionId", "null")
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] != 404:
            raise
        raise NotAsApprovedError(
            f"the model data s3://{bucket}/{key} of {package.short_name} are not there: build a new version"
        ) from error
    if version != "null":
        return f"version {version}"
    content = hashlib.sha256()
    for chunk in s3.get_object(Bucket=bucket, Key=key)["Body"].iter_chunks(1 << 20):
        content.update(chunk)
    return f"sha256:{content.hexdigest()}"


def _image(client: Client, package: Package, uri: str) -> str:
    """Return an image's name with its digest, or `unknown`."""
    named = _IMAGE.fullmatch(uri)
    if named is None:
        return UNKNOWN
    if named["digest"]:
        return uri
    try:
        answer = client("ecr", region_name=named["region"]).batch_get_image(
            registryId=named["registry"],
            repositoryName=named["repository"],
            imageIds=[{"imageTag": named["tag"] or "latest"}],
        )
    except ClientError as error:
        is_ours = named["registry"] == package.arn.split(":")[4]
        if is_ours and error.response["Error"]["Code"] != "RepositoryNotFoundException":
            raise
        return UNKNOWN
    return next((f"{uri}@{image['imageId']['imageDigest']}" for image in answer["images"]), UNKNOWN)


def _places(package: Package) -> Iterator[str]:
    containers = package.document.get("InferenceSpecification", {}).get("Containers", [])
    yield from (uri for uri, _ in _sources(containers))
    yield from (each["Image"] for each in containers if each.get("Image"))


def _now(digests: Digests) -> str:
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {digests}"


def _digest(lines: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()

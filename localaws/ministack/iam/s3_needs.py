"""What a request to S3 needs beside its own action: one for each thing that its headers ask for.

Source: "Required permissions for Amazon S3 API operations" in S3's User Guide.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote

Headers = Mapping[str, str]
"""By name in lower case."""

FindTags = Callable[[str, str, str], Mapping[str, str]]
"""Takes a bucket, a key and a version, empty for the latest; the object's tags."""

Need = tuple[str, str]
"""An action and an ARN."""

_TAGS, _DIRECTIVE = "x-amz-tagging", "x-amz-tagging-directive"
_GRANTS = (
    "x-amz-acl",
    *(f"x-amz-grant-{right}" for right in ("read", "write", "read-acp", "write-acp", "full-control")),
)
# The headers that need an action of their own: on an object that is put, on a bucket that is made.
_OF_OBJECT: Mapping[str, tuple[str, ...]] = {
    "s3:PutObjectTagging": (_TAGS,),
    "s3:PutObjectAcl": _GRANTS,
    "s3:PutObjectRetention": ("x-amz-object-lock-mode", "x-amz-object-lock-retain-until-date"),
    "s3:PutObjectLegalHold": ("x-amz-object-lock-legal-hold",),
}
_OF_BUCKET: Mapping[str, tuple[str, ...]] = {
    "s3:PutBucketAcl": _GRANTS,
    "s3:PutBucketObjectLockConfiguration": ("x-amz-bucket-object-lock-enabled",),
    "s3:PutBucketVersioning": ("x-amz-bucket-object-lock-enabled",),
    "s3:PutBucketOwnershipControls": ("x-amz-object-ownership",),
}
# The headers that are a condition key by the same name.
_CONDITIONS = (
    *_GRANTS,
    *("x-amz-copy-source", "x-amz-metadata-directive", "x-amz-storage-class", "x-amz-content-sha256"),
    *("x-amz-server-side-encryption", "x-amz-server-side-encryption-aws-kms-key-id"),
    "x-amz-website-redirect-location",
)


@dataclass(frozen=True)
class Path:
    """A bucket, and the key of an object in it, if there is one."""

    bucket: str
    key: str

    @property
    def arn(self) -> str:
        """Return the object's ARN, or the bucket's."""
        return f"arn:aws:s3:::{self.bucket}/{self.key}" if self.key else f"arn:aws:s3:::{self.bucket}"


def path_of(path: str) -> Path:
    """Return what a path names: ``/bucket/key``."""
    bucket, _, key = path.lstrip("/").partition("/")
    return Path(bucket, key)


def needs(action: str, path: Path, headers: Headers, find_tags: FindTags) -> Iterator[Need]:
    """Yield what a request needs beside its own action.

    Parameters
    ----------
    action : str
        Its own: ``s3:PutObject``.
    path : Path
    headers : mapping
    find_tags : callable(bucket, key, version) -> mapping
    """
    if action == "s3:CreateBucket":
        yield from _of_headers(_OF_BUCKET, path, headers)
    elif action == "s3:PutObject":
        yield from _of_headers(_OF_OBJECT, path, headers)
        if (source := _source(headers)) and headers.get(_DIRECTIVE, "COPY").upper() == "COPY":
            yield from _of_copied_tags(source, path, find_tags)


def _of_headers(table: Mapping[str, tuple[str, ...]], path: Path, headers: Headers) -> Iterator[Need]:
    for action, names in table.items():
        if any(headers.get(name) for name in names):
            yield action, path.arn


def _of_copied_tags(source: tuple[Path, str], path: Path, find_tags: FindTags) -> Iterator[Need]:
    origin, version = source
    if find_tags(origin.bucket, origin.key, version):
        yield f"s3:GetObject{'Version' if version else ''}Tagging", origin.arn
        yield "s3:PutObjectTagging", path.arn


def _source(headers: Headers) -> tuple[Path, str] | None:
    """Return what a request copies, and its version."""
    text, _, query = headers.get("x-amz-copy-source", "").partition("?")
    found = path_of(unquote(text))
    return (found, dict(parse_qsl(query)).get("versionId", "")) if found.key else None


def conditions(headers: Headers) -> dict[str, str | list[str]]:
    """Return the condition keys that a request's headers are: its tags, its encryption, what it copies."""
    found: dict[str, str | list[str]] = {f"s3:{name}": headers[name] for name in _CONDITIONS if headers.get(name)}
    tags = parse_qsl(headers.get(_TAGS, ""), keep_blank_values=True)
    found |= {f"s3:RequestObjectTag/{key}": value for key, value in tags}
    return found | ({"s3:RequestObjectTagKeys": [key for key, _ in tags]} if tags else {})

"""Where a build's files come from: a CodeCommit repository, an S3 object or folder, or no source.

The source that a pipeline passes (CODEPIPELINE) is an object in its artifact bucket: CodePipeline starts the build with
that object as its source.
"""

import os
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from localaws.account import git_credentials
from localaws.account.clients import Aws
from localaws.account.permission import Question
from localaws.containers.errors import JobFailure
from localaws.containers.s3 import download_object, objects_under
from localaws.document import Document
from localaws.services.codebuild.errors import PhaseFailure
from localaws.storage.archive import ArchiveError, unpack_zip

_GIT_SECONDS = 600
_BUILDSPEC = "buildspec.yml"


def fetch(aws: Aws, source: Document, version: str, target: Path) -> str:
    """Copy a source into an empty folder.

    Returns
    -------
    str
        The resolved version: a commit ID, an object's version, or an empty string.

    Raises
    ------
    PhaseFailure
    """
    kind = source["type"]
    if kind == "NO_SOURCE":
        return ""
    try:
        if kind == "CODECOMMIT":
            return _clone(aws, source, version, target)
        return _download(aws.client("s3"), source["location"].removeprefix("arn:aws:s3:::"), version, target)
    except (ClientError, BotoCoreError, JobFailure) as error:
        message = f"{error} for primary source and source version {version or '(the latest)'}"
        raise PhaseFailure("CLIENT_ERROR", message) from error


def read_buildspec(aws: Aws, buildspec: str, folder: Path) -> str:
    """Return the text of a buildspec: given as text, as a path in the source, or as the ARN of an S3 object.

    Raises
    ------
    PhaseFailure
        If it does not exist.
    """
    if "\n" in buildspec or ": " in buildspec:
        return buildspec
    if buildspec.startswith("arn:aws:s3:::"):
        bucket, _, key = buildspec.removeprefix("arn:aws:s3:::").partition("/")
        try:
            return str(aws.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read().decode())
        except ClientError as error:
            raise PhaseFailure("YAML_FILE_ERROR", f"{buildspec}: {error}") from error
    path = folder / (buildspec or _BUILDSPEC)
    if not path.resolve().is_relative_to(folder.resolve()) or not path.is_file():
        there = ", ".join(sorted(entry.name for entry in folder.iterdir())[:20]) or "nothing"
        message = f"stat {buildspec or _BUILDSPEC}: no such file or directory; the source has {there}"
        raise PhaseFailure("YAML_FILE_ERROR", message)
    return path.read_text()


def _download(client: Any, location: str, version: str, target: Path) -> str:
    bucket, _, key = location.partition("/")
    if key.endswith("/") or not key:
        for item in objects_under(client, f"s3://{bucket}/{key}"):
            download_object(client, item, target)
        return ""
    chosen = {"VersionId": version} if version else {}
    with tempfile.TemporaryFile() as file:
        answer = client.get_object(Bucket=bucket, Key=key, **chosen)
        for chunk in answer["Body"].iter_chunks(1024 * 1024):
            file.write(chunk)
        try:
            unpack_zip(file, target)
        except ArchiveError as error:
            raise PhaseFailure("CLIENT_ERROR", f"s3://{location} cannot be unpacked: {error}") from error
    return str(answer.get("VersionId") or answer["ETag"].strip('"'))


def _clone(aws: Aws, source: Document, version: str, target: Path) -> str:
    """Clone the repository of a URL, from the location that CodeCommit returns."""
    name = source["location"].rpartition("/v1/repos/")[2].strip("/")
    aws.require(Question("codecommit", "CodeCommit_20150413.GitPull", {"repositoryName": name}))
    codecommit = aws.as_service().client("codecommit")
    url = codecommit.get_repository(repositoryName=name)["repositoryMetadata"]["cloneUrlHttp"]
    depth = source.get("gitCloneDepth")
    shallow = ["--depth", str(depth)] if depth and not version else []
    _git(["clone", "--quiet", *shallow, url, str(target)], target, aws.account_id)
    if version:
        _git(
            ["checkout", "--quiet", version.removeprefix("refs/heads/").removeprefix("refs/tags/")],
            target,
            aws.account_id,
        )
    return _git(["rev-parse", "HEAD"], target, aws.account_id)


def _git(arguments: Sequence[str], folder: Path, account_id: str) -> str:
    environment = {**os.environ, "GIT_TERMINAL_PROMPT": "0", "GIT_CONFIG_NOSYSTEM": "1", "HOME": str(folder)}
    environment |= git_credentials.of_a_service(account_id)
    try:
        done = subprocess.run(
            ["git", "-c", "credential.helper=", *arguments],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=_GIT_SECONDS,
            check=False,
        )
    except FileNotFoundError as error:
        raise PhaseFailure("INTERNAL_SERVICE_ERROR", "git not found: install the package git") from error
    except subprocess.TimeoutExpired as error:
        raise PhaseFailure("CLIENT_ERROR", f"git {arguments[0]} took more than {_GIT_SECONDS} s") from error
    if done.returncode:
        raise PhaseFailure("CLIENT_ERROR", f"git {arguments[0]}: {done.stderr.strip()}")
    return done.stdout.strip()

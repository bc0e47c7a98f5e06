"""AWS::CodeCommit::Repository, with a first commit that is made of a zip file in S3 and pushed with git."""

import os
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from localaws.account import git_credentials
from localaws.account.session import Clients
from localaws.document import Document
from localaws.ministack.cloudformation.attempts import has_made
from localaws.ministack.cloudformation.provisioner import Provisioned, Provisioner, call, found_again
from localaws.ministack.iam.hooks_accounts import current_account
from localaws.storage.archive import ArchiveError, Limit, unpack_zip

_PUSH_SECONDS = 60
# Source: "Quotas in AWS CodeCommit", compressed archive for initializing a repository in CloudFormation.
_ARCHIVE_BYTES = 20 * 1024 * 1024
# Source: "Quotas in AWS CodeCommit", the largest file; here for all together.
_UNPACKED = Limit(2 * 1024**3)
_PERSON = ("-c", "user.name=AWS CodeCommit", "-c", "user.email=codecommit@localhost")


def provisioners(client: Clients) -> Mapping[str, Provisioner]:
    """Return the provisioner of the type."""
    return {"AWS::CodeCommit::Repository": _Repositories(client)}


class _Repositories:
    """Ref is the repository's id."""

    def __init__(self, client: Clients) -> None:
        self._client = client

    def create(self, logical_id: str, properties: Document, stack_name: str) -> Provisioned:
        if properties.get("Triggers"):
            raise ValueError(
                "Local AWS does not have Triggers of AWS::CodeCommit::Repository: use a rule of EventBridge"
            )
        request: Document = {"repositoryName": properties["RepositoryName"], "tags": _tags(properties)}
        for member in ("RepositoryDescription", "KmsKeyId"):
            if member in properties:
                request[f"{member[0].lower()}{member[1:]}"] = properties[member]
        if (
            before := found_again(self, logical_id, properties, stack_name)
        ) is not None:  # perhaps without its first commit
            self.delete(before[0], properties)
        made = call(self._client("codecommit").create_repository, **request)["repositoryMetadata"]
        if "Code" in properties:
            try:
                self._push(properties["Code"], made["cloneUrlHttp"])
            except ValueError:
                call(self._client("codecommit").delete_repository, repositoryName=made["repositoryName"])
                raise
        return _provisioned(made)

    def find(self, _logical_id: str, properties: Document, _stack_name: str) -> Provisioned | None:
        client = self._client("codecommit")
        try:
            found = client.get_repository(repositoryName=properties["RepositoryName"])["repositoryMetadata"]
        except client.exceptions.RepositoryDoesNotExistException:
            return None
        return _provisioned(found) if has_made(found["creationDate"]) else None

    def update(
        self, physical_id: str, old: Document, new: Document, stack_name: str, logical_id: str | None = None
    ) -> Provisioned:
        """Change what can be changed; as on AWS, code is for the first commit only."""
        if old["RepositoryName"] != new["RepositoryName"]:
            return self.create(logical_id or physical_id, new, stack_name)
        client, name = self._client("codecommit"), new["RepositoryName"]
        description = new.get("RepositoryDescription", "")
        call(client.update_repository_description, repositoryName=name, repositoryDescription=description)
        found = call(client.get_repository, repositoryName=name)["repositoryMetadata"]
        gone = sorted(_tags(old).keys() - _tags(new).keys())
        if gone:
            call(client.untag_resource, resourceArn=found["Arn"], tagKeys=gone)
        call(client.tag_resource, resourceArn=found["Arn"], tags=_tags(new))
        return _provisioned(found)

    def delete(self, _physical_id: str, properties: Document) -> None:
        call(self._client("codecommit").delete_repository, repositoryName=properties["RepositoryName"])

    def _push(self, code: Document, url: str) -> None:
        """Make the first commit of a zip file."""
        place = code["S3"]
        version = {"VersionId": place["ObjectVersion"]} if "ObjectVersion" in place else {}
        with tempfile.TemporaryDirectory() as name:
            folder, archive = Path(name) / "code", Path(name) / "code.zip"
            with archive.open("wb") as file:
                stored = call(self._client("s3").get_object, Bucket=place["Bucket"], Key=place["Key"], **version)
                if stored["ContentLength"] > _ARCHIVE_BYTES:
                    raise ValueError("Code archive supplied cannot be more than 20 MB compressed")
                file.write(stored["Body"].read())
            try:
                with archive.open("rb") as file:
                    unpack_zip(file, folder, _UNPACKED)
            except ArchiveError as error:
                raise ValueError(f"s3://{place['Bucket']}/{place['Key']} cannot be unpacked: {error}") from error
            branch = code.get("BranchName", "main")
            _git(folder, "init", "--quiet", f"--initial-branch={branch}")
            _git(folder, "add", "--all", "--force")
            _git(folder, *_PERSON, "commit", "--quiet", "--message", "Initial commit by AWS CodeCommit")
            _git(folder, "push", "--quiet", url, branch)


def _git(folder: Path, *arguments: str) -> None:
    own = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0"}
    own |= git_credentials.of_a_service(current_account()())
    try:
        done = subprocess.run(
            ["git", *arguments],
            cwd=folder,
            env={**os.environ, **own},
            capture_output=True,
            text=True,
            timeout=_PUSH_SECONDS,
            check=False,
        )
    except FileNotFoundError as error:
        raise ValueError("CodeCommit needs the git program, which is not on the PATH: install git") from error
    if done.returncode:
        raise ValueError(f"git {arguments[0]} failed: {done.stderr.strip()}")


def _provisioned(repository: Document) -> Provisioned:
    attributes = {
        "Arn": repository["Arn"],
        "Name": repository["repositoryName"],
        "CloneUrlHttp": repository["cloneUrlHttp"],
    }
    return repository["repositoryId"], attributes


def _tags(properties: Document) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in properties.get("Tags", ())}

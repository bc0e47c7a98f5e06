"""CodeCommit without git: repositories, branches, tags and blobs by its API alone."""

import subprocess
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.conftest import LocalAws
from tests.localaws.services.pipelines import Pipelines


@pytest.fixture
def codecommit(local_aws: LocalAws) -> Any:
    return local_aws.client("codecommit")


@pytest.fixture
def name(local_aws: LocalAws) -> str:
    """A repository with a commit on main."""
    return Pipelines(local_aws).repository(README="first")


def code(caught: pytest.ExceptionInfo[ClientError]) -> str:
    return str(caught.value.response["Error"]["Code"])


def test_another_branch_becomes_the_default_one(codecommit: Any, name: str) -> None:
    commit = codecommit.get_branch(repositoryName=name, branchName="main")["branch"]["commitId"]
    codecommit.create_branch(repositoryName=name, branchName="next", commitId=commit)
    assert codecommit.list_branches(repositoryName=name)["branches"] == ["main", "next"]
    codecommit.update_default_branch(repositoryName=name, defaultBranchName="next")
    told = codecommit.get_repository(repositoryName=name)["repositoryMetadata"]
    assert told["defaultBranch"] == "next"
    # What a clone checks out.
    listed = subprocess.run(
        ["git", "ls-remote", "--symref", told["cloneUrlHttp"], "HEAD"], capture_output=True, text=True, check=True
    )
    assert listed.stdout.startswith("ref: refs/heads/next\tHEAD\n")
    with pytest.raises(ClientError, match="next is the default branch") as caught:
        codecommit.delete_branch(repositoryName=name, branchName="next")
    assert code(caught) == "DefaultBranchCannotBeDeletedException"
    codecommit.delete_branch(repositoryName=name, branchName="main")
    assert codecommit.list_branches(repositoryName=name)["branches"] == ["next"]
    with pytest.raises(ClientError, match="The branch main of the repository") as caught:
        codecommit.update_default_branch(repositoryName=name, defaultBranchName="main")
    assert code(caught) == "BranchDoesNotExistException"


def test_repositories_are_listed_in_the_order_that_is_asked_for(codecommit: Any) -> None:
    own = f"repo-{uuid.uuid4().hex[:8]}"
    for last in ("b", "a"):
        codecommit.create_repository(repositoryName=f"{own}-{last}")
    codecommit.update_repository_description(repositoryName=f"{own}-b", repositoryDescription="changed last")

    def listed(**order: str) -> list[str]:
        names = [each["repositoryName"] for each in codecommit.list_repositories(**order)["repositories"]]
        return [each.removeprefix(own) for each in names if each.startswith(own)]

    assert listed() == listed(sortBy="repositoryName", order="ascending") == ["-a", "-b"]
    assert listed(order="descending") == ["-b", "-a"]
    assert listed(sortBy="lastModifiedDate", order="ascending") == ["-a", "-b"]
    told = codecommit.get_repository(repositoryName=f"{own}-b")["repositoryMetadata"]
    assert told["repositoryDescription"] == "changed last"
    for last in ("b", "a"):
        codecommit.delete_repository(repositoryName=f"{own}-{last}")
    assert listed() == []


def test_a_repository_has_tags(codecommit: Any, name: str) -> None:
    arn = codecommit.get_repository(repositoryName=name)["repositoryMetadata"]["Arn"]
    codecommit.tag_resource(resourceArn=arn, tags={"team": "ml", "of": "a test"})
    codecommit.untag_resource(resourceArn=arn, tagKeys=["of"])
    assert codecommit.list_tags_for_resource(resourceArn=arn)["tags"] == {"team": "ml"}
    with pytest.raises(ClientError) as caught:
        codecommit.tag_resource(resourceArn=f"{arn}-none", tags={"a": "b"})
    assert code(caught) == "RepositoryDoesNotExistException"


def test_a_blob_is_read_by_its_id(codecommit: Any, name: str) -> None:
    blob = codecommit.get_file(repositoryName=name, filePath="README")["blobId"]
    assert codecommit.get_blob(repositoryName=name, blobId=blob)["content"] == b"first"
    for wrong in ("0" * 40, "HEAD:README"):
        with pytest.raises(ClientError, match=f"The blob {wrong} does not exist") as caught:
            codecommit.get_blob(repositoryName=name, blobId=wrong)
        assert code(caught) == "BlobIdDoesNotExistException"


def test_commits_that_are_none(codecommit: Any, name: str) -> None:
    head = codecommit.get_branch(repositoryName=name, branchName="main")["branch"]["commitId"]

    def refused(operation: str, **request: Any) -> str:
        usual = {"repositoryName": name, "branchName": "main", "parentCommitId": head}
        with pytest.raises(ClientError) as caught:
            getattr(codecommit, operation)(**{**usual, **request})
        return code(caught)

    same = {"filePath": "README", "fileContent": b"first"}
    assert refused("create_commit") == "FileEntryRequiredException"
    assert refused("create_commit", putFiles=[same]) == "NoChangeException"
    assert refused("create_commit", deleteFiles=[{"filePath": "none"}]) == "FileDoesNotExistException"
    assert refused("create_commit", putFiles=[same], keepEmptyFolders=True) == "UnsupportedOperation"
    assert refused("create_commit", putFiles=[{**same, "filePath": "../x"}]) == "InvalidPathException"
    assert refused("create_commit", putFiles=[same], branchName="none") == "BranchDoesNotExistException"
    assert refused("put_file", **same) == "SameFileContentException"
    assert codecommit.get_branch(repositoryName=name, branchName="main")["branch"]["commitId"] == head


def test_names_that_are_none(codecommit: Any, name: str) -> None:
    commit = codecommit.get_branch(repositoryName=name, branchName="main")["branch"]["commitId"]
    for operation, request, expected in (
        ("create_repository", {"repositoryName": f"{name}.git"}, "ends with .git: choose another"),
        ("get_branch", {}, "GetBranch needs repositoryName and branchName"),
        ("create_branch", {"repositoryName": name, "branchName": "main", "commitId": commit}, "main exists already"),
        (
            "create_branch",
            {"repositoryName": name, "branchName": "x", "commitId": "0" * 40},
            f"The commit {'0' * 40} does not exist",
        ),
    ):
        with pytest.raises(ClientError, match=expected):
            getattr(codecommit, operation)(**request)

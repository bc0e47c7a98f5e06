"""Builds of a CodeCommit repository."""

import uuid
from collections.abc import Iterator

import pytest

from tests.localaws.services.codebuild.conftest import Project, spec


@pytest.fixture
def repository(project: Project) -> Iterator[str]:
    name = f"repo-{uuid.uuid4().hex[:12]}"
    project.local_aws.client("codecommit").create_repository(repositoryName=name)
    yield name
    project.local_aws.client("codecommit").delete_repository(repositoryName=name)


def commit(project: Project, repository: str, text: str, branch: str, parent: str | None = None) -> str:
    parents = {"parentCommitId": parent} if parent else {}
    put = {"filePath": "buildspec.yml", "fileContent": spec(f"echo {text}; cat .git/HEAD").encode()}
    client = project.local_aws.client("codecommit")
    made = client.create_commit(repositoryName=repository, branchName=branch, putFiles=[put], **parents)
    return str(made["commitId"])


def test_a_repository_is_built_at_its_branch_or_at_a_commit(project: Project, repository: str) -> None:
    first = commit(project, repository, "the-first", "main")
    second = commit(project, repository, "the-second", "main", first)
    # As a template names it: local AWS knows where the repository really is.
    location = f"https://git-codecommit.us-east-1.amazonaws.com/v1/repos/{repository}"
    project.create(source={"type": "CODECOMMIT", "location": location, "gitCloneDepth": 1})
    latest, earlier, named = (
        project.build(**request) for request in ({}, {"sourceVersion": first}, {"sourceVersion": "refs/heads/main"})
    )
    assert [build["resolvedSourceVersion"] for build in (latest, earlier, named)] == [second, first, second]
    assert "\nthe-second" in project.log(latest)
    assert "\nthe-first" in project.log(earlier)


def test_what_is_no_version_of_it_fails_the_download(project: Project, repository: str) -> None:
    commit(project, repository, "x", "main")
    project.create(source={"type": "CODECOMMIT", "location": f"x/v1/repos/{repository}"}, sourceVersion="nowhere")
    build = project.build()
    assert build["buildStatus"] == "FAILED"
    [context] = next(phase["contexts"] for phase in build["phases"] if phase["phaseType"] == "DOWNLOAD_SOURCE")
    assert context["statusCode"] == "CLIENT_ERROR"
    assert "git checkout" in context["message"] and "nowhere" in context["message"]

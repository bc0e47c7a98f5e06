"""CodeCommit: what git pushes is what the API shows, and EventBridge is told of it."""

import json
import os
import signal
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.conftest import LocalAws, wait_until_gone

Document = dict[str, Any]
GIT = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0"}
ME = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")


def git(folder: Path, *arguments: str) -> str:
    """What a git command prints, as a user runs it."""
    command = ["git", *ME, *arguments]
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, **GIT}, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


class Heard:
    """The events of a repository, in a queue."""

    def __init__(self, aws: LocalAws, arn: str) -> None:
        self._sqs, events = aws.client("sqs"), aws.client("events")
        name = f"heard-{uuid.uuid4().hex[:12]}"
        self._url = self._sqs.create_queue(QueueName=name)["QueueUrl"]
        pattern = {"detail-type": ["CodeCommit Repository State Change"], "resources": [arn]}
        events.put_rule(Name=name, EventPattern=json.dumps(pattern))
        events.put_targets(Rule=name, Targets=[{"Id": "q", "Arn": f"arn:aws:sqs:us-east-1:000000000000:{name}"}])

    def next(self) -> Document:
        """The detail of the next event."""
        deadline = time.monotonic() + 60
        while True:
            found = self._sqs.receive_message(QueueUrl=self._url).get("Messages")
            if found:
                self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=found[0]["ReceiptHandle"])
                event: Document = json.loads(found[0]["Body"])
                assert event["source"] == "aws.codecommit"
                return dict(event["detail"])
            assert time.monotonic() < deadline, "no event"
            time.sleep(0.05)


@pytest.fixture
def repository(local_aws: LocalAws) -> Iterator[Document]:
    """A new repository."""
    client = local_aws.client("codecommit")
    made = client.create_repository(
        repositoryName=f"repo-{uuid.uuid4().hex[:12]}", repositoryDescription="of a test", tags={"a": "b"}
    )["repositoryMetadata"]
    yield made
    client.delete_repository(repositoryName=made["repositoryName"])


def test_a_push_is_seen_by_the_api_and_by_eventbridge(
    local_aws: LocalAws, repository: Document, tmp_path: Path
) -> None:
    client, name = local_aws.client("codecommit"), repository["repositoryName"]
    heard = Heard(local_aws, repository["Arn"])
    git(tmp_path, "clone", "--quiet", repository["cloneUrlHttp"], "work")
    work = tmp_path / "work"
    (work / "src").mkdir()
    (work / "src" / "big.bin").write_bytes(os.urandom(2_000_000))
    (work / "run.sh").write_text("#!/bin/sh\n")
    (work / "run.sh").chmod(0o755)
    git(work, "checkout", "-q", "-b", "trunk")
    git(work, "add", "-A")
    git(work, "commit", "-q", "-m", "First\n\nof all")
    git(work, "push", "-q", "origin", "trunk")
    first = git(work, "rev-parse", "HEAD")

    created = heard.next()
    assert (created["event"], created["referenceName"], created["commitId"]) == ("referenceCreated", "trunk", first)
    assert "oldCommitId" not in created
    assert client.get_branch(repositoryName=name, branchName="trunk")["branch"]["commitId"] == first
    assert client.get_repository(repositoryName=name)["repositoryMetadata"]["defaultBranch"] == "trunk"
    commit = client.get_commit(repositoryName=name, commitId=first)["commit"]
    assert (commit["message"], commit["author"]["email"], commit["parents"]) == (
        "First\n\nof all",
        "ada@example.com",
        [],
    )
    found = client.get_file(repositoryName=name, filePath="src/big.bin")
    assert found["fileContent"] == (work / "src" / "big.bin").read_bytes()
    folder = client.get_folder(repositoryName=name, folderPath="/")
    assert [each["relativePath"] for each in folder["subFolders"]] == ["src"]
    assert [(each["relativePath"], each["fileMode"]) for each in folder["files"]] == [("run.sh", "EXECUTABLE")]

    put = client.put_file(
        repositoryName=name, branchName="trunk", fileContent=b"x = 1\n", filePath="src/a.py", parentCommitId=first
    )
    updated = heard.next()
    assert (updated["event"], updated["oldCommitId"], updated["commitId"]) == (
        "referenceUpdated",
        first,
        put["commitId"],
    )
    git(work, "pull", "-q", "origin", "trunk")
    assert (work / "src" / "a.py").read_text() == "x = 1\n"
    made = client.create_commit(
        repositoryName=name,
        branchName="trunk",
        parentCommitId=put["commitId"],
        putFiles=[{"filePath": "src/a.py", "fileContent": b"x = 2\n"}, {"filePath": "b", "fileContent": b""}],
        deleteFiles=[{"filePath": "run.sh"}],
    )
    differences = client.get_differences(
        repositoryName=name, beforeCommitSpecifier=put["commitId"], afterCommitSpecifier="trunk"
    )["differences"]
    assert [each["changeType"] for each in differences] == ["A", "D", "M"]
    assert [each["absolutePath"] for each in made["filesDeleted"]] == ["run.sh"]


def test_refusals(local_aws: LocalAws, repository: Document) -> None:
    client, name = local_aws.client("codecommit"), repository["repositoryName"]

    def refused(operation: str, **request: Any) -> str:
        with pytest.raises(ClientError) as caught:
            getattr(client, operation)(repositoryName=name, **request)
        return str(caught.value.response["Error"]["Code"])

    assert refused("create_repository") == "RepositoryNameExistsException"
    assert refused("get_branch", branchName="main") == "BranchDoesNotExistException"
    first = client.put_file(repositoryName=name, branchName="main", fileContent=b"1", filePath="a")["commitId"]
    content: Document = {"branchName": "main", "fileContent": b"2", "filePath": "a"}
    assert refused("put_file", **content) == "ParentCommitIdRequiredException"
    client.put_file(repositoryName=name, parentCommitId=first, **content)
    assert refused("put_file", parentCommitId=first, **content) == "ParentCommitIdOutdatedException"
    assert refused("put_file", **{**content, "filePath": "../a", "parentCommitId": "main"}) == "InvalidPathException"
    assert refused("get_file", filePath="b") == "FileDoesNotExistException"
    assert refused("get_commit", commitId="0" * 40) == "CommitIdDoesNotExistException"
    assert refused("create_branch", branchName="a..b", commitId=first) == "InvalidBranchNameException"
    assert refused("delete_branch", branchName="main") == "DefaultBranchCannotBeDeletedException"
    with pytest.raises(ClientError, match="does not exist"):
        client.get_repository(repositoryName=f"{name}-2")


def test_a_push_that_a_dead_server_did_not_tell_of_is_told(
    own_local_aws: Callable[[], LocalAws], tmp_path: Path
) -> None:
    aws = own_local_aws()
    made = aws.client("codecommit").create_repository(repositoryName="kept")["repositoryMetadata"]
    heard = Heard(aws, made["Arn"])
    pid = aws.pids()["services"]
    os.kill(pid, signal.SIGKILL)
    wait_until_gone([pid])
    work = tmp_path / "work"
    git(tmp_path, "init", "-q", "-b", "main", str(work))
    git(work, "commit", "-q", "--allow-empty", "-m", "while nobody looked")
    git(work, "push", "-q", str(aws.state_dir / "services" / "codecommit" / "kept.git"), "main")
    assert heard.next()["commitId"] == git(work, "rev-parse", "HEAD")

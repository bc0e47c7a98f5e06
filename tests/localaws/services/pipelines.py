"""Pipelines for tests."""

import time
import uuid
from collections.abc import Callable
from typing import Any

from tests.conftest import LocalAws

Document = dict[str, Any]
ROLE = "arn:aws:iam::000000000000:role/pipeline"


def action(category: str, provider: str, name: str = "", **members: Any) -> Document:
    """An action's declaration."""
    kind = {"category": category, "owner": "AWS", "provider": provider, "version": "1"}
    return {"name": name or provider, "actionTypeId": kind, **members}


def source(repository: str, poll: str = "false") -> Document:
    """A source action of the artifact Code, from the branch main of a repository."""
    return action(
        "Source",
        "CodeCommit",
        configuration={"RepositoryName": repository, "BranchName": "main", "PollForSourceChanges": poll},
        outputArtifacts=[{"name": "Code"}],
        namespace="Source",
    )


def stage(name: str, *actions: Document) -> Document:
    """A stage's declaration."""
    return {"name": name, "actions": list(actions)}


class Pipelines:
    """Pipelines of one local AWS.

    Parameters
    ----------
    aws : LocalAws
    """

    def __init__(self, aws: LocalAws) -> None:
        self.aws = aws
        self.client = aws.client("codepipeline")
        self.bucket = f"artifacts-{uuid.uuid4().hex[:12]}"
        aws.client("s3").create_bucket(Bucket=self.bucket)

    def repository(self, **files: str) -> str:
        """A repository with a first commit on main; its name."""
        name = f"code-{uuid.uuid4().hex[:12]}"
        codecommit = self.aws.client("codecommit")
        codecommit.create_repository(repositoryName=name)
        self.commit(name, **(files or {"README": "first"}))
        return name

    def commit(self, repository: str, **files: str) -> str:
        """Another commit on main; its id."""
        codecommit = self.aws.client("codecommit")
        try:
            head = codecommit.get_branch(repositoryName=repository, branchName="main")["branch"]["commitId"]
            parent = {"parentCommitId": head}
        except codecommit.exceptions.BranchDoesNotExistException:
            parent = {}
        put = [{"filePath": name.replace("_", "."), "fileContent": text.encode()} for name, text in files.items()]
        made = codecommit.create_commit(
            repositoryName=repository,
            branchName="main",
            commitMessage=f"Put {', '.join(files)}",
            putFiles=put,
            **parent,
        )
        return str(made["commitId"])

    def create(self, *stages: Document, **members: Any) -> str:
        """A pipeline, which starts at once; its name."""
        name = f"pipe-{uuid.uuid4().hex[:12]}"
        store = {"type": "S3", "location": self.bucket}
        declaration = {"name": name, "roleArn": ROLE, "artifactStore": store, "stages": list(stages), **members}
        self.client.create_pipeline(pipeline=declaration)
        return name

    def latest(self, name: str) -> Document:
        """The newest execution's summary."""
        found: Document = self.client.list_pipeline_executions(pipelineName=name)["pipelineExecutionSummaries"][0]
        return found

    def status(self, name: str, number: str) -> str:
        """An execution's status."""
        found = self.client.get_pipeline_execution(pipelineName=name, pipelineExecutionId=number)
        return str(found["pipelineExecution"]["status"])

    def end(self, name: str, number: str | None = None, seconds: float = 60) -> str:
        """The status in which an execution, by default the newest, has ended."""
        number = number or str(self.latest(name)["pipelineExecutionId"])

        def ended() -> str | None:
            status = self.status(name, number)
            return status if status not in ("InProgress", "Stopping") else None

        return str(self.wait(ended, seconds, lambda: self.client.get_pipeline_state(name=name)))

    def action_state(self, name: str, action_name: str) -> Document:
        """An action's latest execution; empty before there is one."""
        for each in self.client.get_pipeline_state(name=name)["stageStates"]:
            for state in each["actionStates"]:
                if state["actionName"] == action_name:
                    return dict(state.get("latestExecution", {}))
        raise AssertionError(f"{name} has no action {action_name}")

    def token(self, name: str, action_name: str) -> str:
        """The token of an approval, as soon as it is asked for."""
        return str(self.wait(lambda: self.action_state(name, action_name).get("token")))

    def answer(self, name: str, stage_name: str, action_name: str, status: str = "Approved") -> None:
        """Answer an approval, as soon as it is asked for."""
        self.client.put_approval_result(
            pipelineName=name,
            stageName=stage_name,
            actionName=action_name,
            result={"summary": "so be it", "status": status},
            token=self.token(name, action_name),
        )

    def wait(self, look: Callable[[], Any], seconds: float = 60, state: Callable[[], Any] = str) -> Any:
        """What `look` finds at last."""
        deadline = time.monotonic() + seconds
        while not (found := look()):
            assert time.monotonic() < deadline, state()
            time.sleep(0.05)
        return found

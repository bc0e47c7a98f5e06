"""Source, CodeCommit: the files of a branch's newest commit."""

import tempfile
from pathlib import Path
from typing import ClassVar

from botocore.exceptions import ClientError

from localaws.account.permission import Question
from localaws.document import Document
from localaws.service.context import Context
from localaws.services.codecommit.content import Content
from localaws.services.codecommit.repositories import Repositories
from localaws.services.codepipeline.actions.action import Job, Progress, SourceProvider, fetched

_UPLOAD = "CodeCommit_20150413.UploadArchive"
_MISSING = ("BranchDoesNotExistException", "RepositoryDoesNotExistException")


class CodeCommitSource(SourceProvider):
    """The revision is the commit."""

    categories = ("Source",)
    name = "CodeCommit"
    outputs = (1, 1)
    required = ("RepositoryName", "BranchName")
    optional = ("PollForSourceChanges", "OutputArtifactFormat")
    refused: ClassVar = {"OutputArtifactFormat": ("CODEBUILD_CLONE_REF",)}
    allowed: ClassVar = {"OutputArtifactFormat": ("CODE_ZIP",), "PollForSourceChanges": ("true", "false")}

    def start(self, job: Job) -> Progress:
        """Fetch the commit."""
        client = job.context.aws.client("codecommit")
        repository, branch = job.configuration["RepositoryName"], job.configuration["BranchName"]
        commit_id = (
            job.revision or client.get_branch(repositoryName=repository, branchName=branch)["branch"]["commitId"]
        )
        commit = client.get_commit(repositoryName=repository, commitId=commit_id)["commit"]
        [location] = job.outputs.values()
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "source.zip"
            # No client has this operation.
            job.context.aws.require(Question("codecommit", _UPLOAD, {"repositoryName": repository}))
            Content(Repositories(job.context)).archive(repository, commit_id, path)
            job.artifacts.put(location, path)
        own = {"RepositoryName": repository, "CommitterDate": commit["committer"].get("date", "")}
        return fetched(commit_id, commit, branch, own)

    def latest(self, context: Context, configuration: Document) -> str | None:
        """Return the branch's last commit."""
        try:
            found = context.aws.client("codecommit").get_branch(
                repositoryName=configuration["RepositoryName"], branchName=configuration["BranchName"]
            )
        except ClientError as error:
            if error.response["Error"]["Code"] in _MISSING:
                return None
            raise
        return str(found["branch"]["commitId"])

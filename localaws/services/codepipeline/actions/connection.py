"""Source, CodeStarSourceConnection: a local repository stands for the one behind a connection.

``codepipeline/connections.json`` in the services' state folder maps them: ``{"owner/name": "/home/me/repository"}``.
"""

import json
import tempfile
from pathlib import Path
from typing import ClassVar

from localaws.api_errors import UnsupportedOperation
from localaws.document import Document
from localaws.service.context import Context
from localaws.services.codecommit.content import describe
from localaws.services.codecommit.git import Git
from localaws.services.codepipeline.actions.action import Job, Progress, SourceProvider, failed, fetched


class CodeConnection(SourceProvider):
    """The revision is the commit."""

    categories = ("Source",)
    name = "CodeStarSourceConnection"
    outputs = (1, 1)
    required = ("ConnectionArn", "FullRepositoryId", "BranchName")
    optional = ("DetectChanges", "OutputArtifactFormat")
    refused: ClassVar = {"OutputArtifactFormat": ("CODEBUILD_CLONE_REF",)}
    allowed: ClassVar = {"OutputArtifactFormat": ("CODE_ZIP",), "DetectChanges": ("true", "false")}

    def start(self, job: Job) -> Progress:
        """Fetch the commit."""
        name, branch = job.configuration["FullRepositoryId"], job.configuration["BranchName"]
        git = _repository(job.context, name)
        commit_id = job.revision or git.commit_of(f"refs/heads/{branch}")
        if commit_id is None:
            return failed(f"The repository {name}, which is {git.folder} here, has no branch {branch}")
        commit = describe(git, commit_id)
        [location] = job.outputs.values()
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "source.zip"
            git.run("archive", "--format=zip", f"--output={path}", commit_id)
            job.artifacts.put(location, path)
        own = {"FullRepositoryName": name, "ConnectionArn": job.configuration["ConnectionArn"]}
        return fetched(commit_id, commit, branch, own)

    def latest(self, context: Context, configuration: Document) -> str | None:
        """Return the branch's last commit."""
        git = _repository(context, configuration["FullRepositoryId"])
        return git.commit_of(f"refs/heads/{configuration['BranchName']}")


def _repository(context: Context, name: str) -> Git:
    """Return the local repository that stands for one behind a connection.

    Raises
    ------
    UnsupportedOperation
    """
    path = context.state_dir / "codepipeline" / "connections.json"
    known: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    if name not in known:
        raise UnsupportedOperation(
            f"Local AWS does not have connections: map {name} to a repository on this machine in {path}, "
            f'such as {{"{name}": "/path/to/repository"}}'
        )
    folder = Path(known[name])
    return Git(folder / ".git" if (folder / ".git").exists() else folder)

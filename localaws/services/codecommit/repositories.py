"""Repositories and their branches."""

import shutil
import time
import uuid
from pathlib import Path
from typing import Any

from localaws.api_errors import ValidationError
from localaws.document import Document
from localaws.service.context import Context
from localaws.services.codecommit.errors import (
    BranchDoesNotExist,
    BranchNameExists,
    CommitDoesNotExist,
    DefaultBranchCannotBeDeleted,
    InvalidBranchName,
    RepositoryDoesNotExist,
    RepositoryNameExists,
)
from localaws.services.codecommit.git import Git, GitError
from localaws.storage.store import Resource

KIND = "codecommit/repository"
_BRANCHES, _TAGS = "refs/heads/", "refs/tags/"


class Repositories:
    """The account's repositories.

    Parameters
    ----------
    context : Context
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self.folder: Path = context.account_dir / "codecommit"

    def create(self, request: Document) -> Document:
        """Handle CreateRepository."""
        name = request["repositoryName"]
        if name.endswith(".git"):
            raise ValidationError(f"The repository name {name} ends with .git: choose another")
        now = time.time()
        document = {
            "accountId": self._context.aws.account_id,
            "repositoryId": str(uuid.uuid4()),
            "repositoryName": name,
            "repositoryDescription": request.get("repositoryDescription"),
            "creationDate": now,
            "lastModifiedDate": now,
            "cloneUrlHttp": f"{self._context.aws.endpoint_url}/v1/repos/{name}",
            "Arn": self._context.arn("codecommit", name),
            "kmsKeyId": request.get("kmsKeyId"),
        }
        self.git(name).init()
        if not self._context.store.add(Resource(KIND, name, document["Arn"], document, {"references": {}})):
            raise RepositoryNameExists(f"Repository named {name} already exists")
        self._context.store.tag(document["Arn"], request.get("tags", {}))
        return {"repositoryMetadata": document}

    def get(self, name: str) -> Resource:
        """Return the repository with this name.

        Raises
        ------
        RepositoryDoesNotExist
        """
        found = self._context.store.by_arn(self._context.arn("codecommit", name))
        if found is None:
            raise RepositoryDoesNotExist(f"{name} does not exist")
        return found

    def git(self, name: str) -> Git:
        """Return git in the repository of this name, which need not exist."""
        return Git(self.folder / f"{name}.git")

    def describe(self, request: Document) -> Document:
        """Handle GetRepository."""
        return {"repositoryMetadata": self.get(request["repositoryName"]).document}

    def batch_get(self, request: Document) -> Document:
        """Handle BatchGetRepositories."""
        found, missing = [], []
        for name in request["repositoryNames"]:
            try:
                found.append(self.get(name).document)
            except RepositoryDoesNotExist:
                missing.append(name)
        return {"repositories": found, "repositoriesNotFound": missing}

    def every(self, request: Document) -> Document:
        """Handle ListRepositories; all repositories are on one page."""
        member = request.get("sortBy", "repositoryName")
        found = sorted(self._context.store.every(KIND), key=lambda each: each.document[member])
        if request.get("order") == "descending":
            found.reverse()
        return {"repositories": [{name: each.document[name] for name in _LISTED} for each in found]}

    def delete(self, request: Document) -> Document:
        """Handle DeleteRepository; deleting an absent repository succeeds."""
        try:
            repository = self.get(request["repositoryName"])
        except RepositoryDoesNotExist:
            return {}
        self._context.store.remove(repository.arn)
        shutil.rmtree(self.git(repository.name).folder)
        return {"repositoryId": repository.document["repositoryId"]}

    def update_description(self, request: Document) -> Document:
        """Handle UpdateRepositoryDescription."""
        self._update(request["repositoryName"], repositoryDescription=request.get("repositoryDescription"))
        return {}

    def update_default_branch(self, request: Document) -> Document:
        """Handle UpdateDefaultBranch."""
        name, branch = request["repositoryName"], request["defaultBranchName"]
        self.head(name, branch)
        self.git(name).run("symbolic-ref", "HEAD", _BRANCHES + branch)
        self._update(name, defaultBranch=branch)
        return {}

    def head(self, name: str, branch: str) -> str:
        """Return the last commit of a branch.

        Raises
        ------
        BranchDoesNotExist
        """
        self.get(name)
        commit = self.git(name).references().get(_BRANCHES + branch)
        if commit is None:
            raise BranchDoesNotExist(f"The branch {branch} of the repository {name} does not exist")
        return commit

    def branch(self, request: Document) -> Document:
        """Handle GetBranch."""
        missing = [member for member in ("repositoryName", "branchName") if not request.get(member)]
        if missing:
            raise ValidationError(f"GetBranch needs {' and '.join(missing)}")
        name = request["branchName"].removeprefix(_BRANCHES)
        return {"branch": {"branchName": name, "commitId": self.head(request["repositoryName"], name)}}

    def branches(self, request: Document) -> Document:
        """Handle ListBranches."""
        self.get(request["repositoryName"])
        references = self.git(request["repositoryName"]).references()
        return {"branches": [name[len(_BRANCHES) :] for name in references if name.startswith(_BRANCHES)]}

    def create_branch(self, request: Document) -> Document:
        """Handle CreateBranch."""
        name, branch = request["repositoryName"], request["branchName"]
        self.get(name)
        git = self.git(name)
        if git.commit_of(request["commitId"]) is None:
            raise CommitDoesNotExist(f"The commit {request['commitId']} does not exist")
        if _BRANCHES + branch in git.references():
            raise BranchNameExists(f"The branch {branch} exists already")
        try:
            git.run("check-ref-format", _BRANCHES + branch)
            git.run("update-ref", _BRANCHES + branch, request["commitId"], "0" * 40)
        except GitError as error:
            raise InvalidBranchName(f"Git does not accept a branch named {branch}: {error}") from error
        self.announce(name)
        return {}

    def delete_branch(self, request: Document) -> Document:
        """Handle DeleteBranch."""
        name, branch = request["repositoryName"], request["branchName"]
        if self.get(name).document.get("defaultBranch") == branch:
            raise DefaultBranchCannotBeDeleted(f"{branch} is the default branch of {name}: choose another one first")
        try:
            commit = self.head(name, branch)
        except BranchDoesNotExist:
            return {}
        self.git(name).run("update-ref", "-d", _BRANCHES + branch, commit)
        self.announce(name)
        return {"deletedBranch": {"branchName": branch, "commitId": commit}}

    def announce(self, name: str) -> None:
        """Send EventBridge the references that have changed since the last announcement."""
        repository = self.get(name)
        with self._context.store.transaction():
            now = self.git(name).references()

            def edit(document: Document, internal: Document) -> None:
                before = internal["references"]
                for reference in sorted({*before, *now}):
                    if before.get(reference) != now.get(reference):
                        detail = _change(document, reference, before.get(reference), now.get(reference))
                        self._tell(detail, repository.arn)
                        document["lastModifiedDate"] = time.time()
                internal["references"] = now
                self._choose_default_branch(name, document, now)

            self._context.store.change(repository.arn, edit)

    def announce_all(self) -> None:
        """Announce the changes that a server did not announce before it died."""
        for repository in self._context.store.every(KIND):
            self.announce(repository.name)

    def _tell(self, detail: Document, arn: str) -> None:
        self._context.outbox.event("codecommit", "CodeCommit Repository State Change", detail, [arn])

    def _choose_default_branch(self, name: str, document: Document, references: dict[str, str]) -> None:
        """Make the first branch that is pushed the default branch."""
        branches = [reference for reference in references if reference.startswith(_BRANCHES)]
        if branches and not document.get("defaultBranch"):
            chosen = next((each for each in branches if each == f"{_BRANCHES}main"), branches[0])
            document["defaultBranch"] = chosen[len(_BRANCHES) :]
            self.git(name).run("symbolic-ref", "HEAD", chosen)

    def _update(self, name: str, **members: Any) -> None:
        arn = self.get(name).arn
        self._context.store.change(arn, lambda document, _: document.update(members, lastModifiedDate=time.time()))


_LISTED = ("repositoryName", "repositoryId")


def _change(repository: Document, reference: str, old: str | None, new: str | None) -> Document:
    """Return an event's detail, as in the guide's "Monitoring CodeCommit events"."""
    is_branch = reference.startswith(_BRANCHES)
    commits = {"commitId": new or old, "oldCommitId": old}
    happened = "referenceDeleted" if new is None else "referenceUpdated" if old else "referenceCreated"
    return {
        "event": happened,
        "repositoryName": repository["repositoryName"],
        "repositoryId": repository["repositoryId"],
        "referenceType": "branch" if is_branch else "tag",
        "referenceName": reference[len(_BRANCHES if is_branch else _TAGS) :],
        "referenceFullName": reference,
        "callerUserArn": f"arn:aws:iam::{repository['accountId']}:root",
        **{name: commit for name, commit in commits.items() if commit},
    }

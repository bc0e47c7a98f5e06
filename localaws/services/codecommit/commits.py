"""Commits made by the API: CreateCommit and PutFile, built in an index of their own and published in one step."""

import base64
import binascii
import tempfile
from pathlib import Path

from localaws.api_errors import SerializationError, UnsupportedOperation
from localaws.document import Document
from localaws.services.codecommit.content import FILE_MODES, entries
from localaws.services.codecommit.errors import (
    BranchDoesNotExist,
    FileDoesNotExist,
    FileEntryRequired,
    InvalidPath,
    NoChange,
    ParentCommitIdOutdated,
    ParentCommitIdRequired,
    SameFileContent,
)
from localaws.services.codecommit.git import Git, GitError
from localaws.services.codecommit.repositories import Repositories

_GIT_MODES = {name: mode for mode, name in FILE_MODES.items()}
_NO_COMMIT = "0" * 40


class Commits:
    """Writes to repositories.

    Parameters
    ----------
    repositories : Repositories
    """

    def __init__(self, repositories: Repositories) -> None:
        self._repositories = repositories

    def create(self, request: Document) -> Document:
        """Handle CreateCommit."""
        put, delete = request.get("putFiles", []), request.get("deleteFiles", [])
        if request.get("keepEmptyFolders") or any("sourceFile" in file for file in put):
            raise UnsupportedOperation("CreateCommit with keepEmptyFolders or sourceFile: put the files themselves")
        modes = request.get("setFileModes", [])
        if not (put or delete or modes):
            raise FileEntryRequired("A commit needs at least one file in putFiles, deleteFiles or setFileModes")
        git, parent = self._parent(request)
        before = {} if parent is None else _blobs(git, parent)
        after = dict(before)
        for file in put:
            after[_path(file)] = (file.get("fileMode", "NORMAL"), _blob(git, file.get("fileContent", "")))
        for file in (*delete, *modes):
            if _path(file) not in before:
                raise FileDoesNotExist(f"The file {file['filePath']} does not exist in the branch")
        for file in modes:
            after[_path(file)] = (file["fileMode"], after[_path(file)][1])
        for file in delete:
            del after[_path(file)]
        if after == before:
            raise NoChange("The commit would change nothing")
        commit, tree = self._publish(git, request, parent, after)
        return {"commitId": commit, "treeId": tree, **_changes(before, after)}

    def put_file(self, request: Document) -> Document:
        """Handle PutFile."""
        git, parent = self._parent(request)
        before = {} if parent is None else _blobs(git, parent)
        path = _path(request)
        blob = _blob(git, request["fileContent"])
        entry = (request.get("fileMode", "NORMAL"), blob)
        if before.get(path) == entry:
            raise SameFileContent(f"The file {path} has this content already")
        message = request.get("commitMessage") or f"{'Edited' if path in before else 'Added'} {path}"
        made = {**request, "commitMessage": message, "authorName": request.get("name")}
        commit, tree = self._publish(git, made, parent, {**before, path: entry})
        return {"commitId": commit, "blobId": blob, "treeId": tree}

    def _parent(self, request: Document) -> tuple[Git, str | None]:
        """Return the repository, and the parent of the new commit; None for the first commit of a branch."""
        name, branch = request["repositoryName"], request["branchName"]
        repository = self._repositories.get(name)
        git = self._repositories.git(name)
        given = request.get("parentCommitId")
        try:
            head = self._repositories.head(name, branch)
        except BranchDoesNotExist:
            if repository.document.get("defaultBranch"):
                raise
            return git, None
        if given is None:
            raise ParentCommitIdRequired(f"The branch {branch} has commits: name the last one, parentCommitId={head}")
        if git.commit_of(given) != head:
            raise ParentCommitIdOutdated(f"The last commit of {branch} is {head}, not {given}")
        return git, head

    def _publish(
        self, git: Git, request: Document, parent: str | None, files: dict[str, tuple[str, str]]
    ) -> tuple[str, str]:
        with tempfile.TemporaryDirectory() as folder:
            env = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
            lines = "".join(f"{_GIT_MODES[mode]} {blob}\t{path}\0" for path, (mode, blob) in files.items())
            try:
                git.run("update-index", "-z", "--index-info", stdin=lines.encode(), env=env)
                tree = git.text("write-tree", env=env)
            except GitError as error:
                raise InvalidPath(f"Git does not accept these files: {error}") from error
        name, email = request.get("authorName") or "root", request.get("email") or "root@localhost"
        people = {
            f"GIT_{role}_{part}": value
            for role in ("AUTHOR", "COMMITTER")
            for part, value in (("NAME", name), ("EMAIL", email))
        }
        parents = ["-p", parent] if parent else []
        message = (request.get("commitMessage") or "").encode()
        commit = git.text("commit-tree", tree, *parents, stdin=message, env=people)
        try:
            git.run("update-ref", f"refs/heads/{request['branchName']}", commit, parent or _NO_COMMIT)
        except GitError as error:
            raise ParentCommitIdOutdated(f"The branch has changed in the meantime: {error}") from error
        self._repositories.announce(request["repositoryName"])
        return commit, tree


def _blobs(git: Git, commit: str) -> dict[str, tuple[str, str]]:
    """Return mode and blob of each file of a commit."""
    found: dict[str, tuple[str, str]] = {}
    todo = [("", commit)]
    while todo:
        folder, tree = todo.pop()
        for entry in entries(git, tree):
            if entry.kind == "tree":
                todo.append((f"{folder}{entry.path}/", entry.number))
            elif entry.kind == "blob":
                found[folder + entry.path] = (FILE_MODES[entry.mode], entry.number)
            else:
                raise UnsupportedOperation(f"{folder}{entry.path} is a submodule: commit with git push")
    return found


def _blob(git: Git, content: str) -> str:
    try:
        return git.text("hash-object", "-w", "--stdin", stdin=base64.b64decode(content, validate=True))
    except binascii.Error as error:
        raise SerializationError(f"fileContent is not base64: {error}") from error


def _path(file: Document) -> str:
    path: str = file["filePath"].removeprefix("/")
    if not path or any(part in ("", ".", "..", ".git") for part in path.split("/")):
        raise InvalidPath(f"{file['filePath']} is not a valid path of a file in a repository")
    return path


def _changes(before: dict[str, tuple[str, str]], after: dict[str, tuple[str, str]]) -> Document:
    def shown(paths: set[str], files: dict[str, tuple[str, str]]) -> list[Document]:
        return [{"absolutePath": path, "blobId": files[path][1], "fileMode": files[path][0]} for path in sorted(paths)]

    kept = before.keys() & after.keys()
    return {
        "filesAdded": shown(after.keys() - before.keys(), after),
        "filesUpdated": shown({path for path in kept if before[path] != after[path]}, after),
        "filesDeleted": shown(before.keys() - after.keys(), before),
    }

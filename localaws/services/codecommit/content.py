"""The content of a commit: the commit itself, files, folders, differences, and everything as an archive."""

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from localaws.api_errors import ValidationError
from localaws.document import Document
from localaws.services.codecommit.errors import (
    BlobIdDoesNotExist,
    CommitDoesNotExist,
    CommitIdDoesNotExist,
    FileDoesNotExist,
    FolderDoesNotExist,
)
from localaws.services.codecommit.git import Git, GitError
from localaws.services.codecommit.repositories import Repositories

FILE_MODES = {"100644": "NORMAL", "100755": "EXECUTABLE", "120000": "SYMLINK"}
_PERSON = re.compile(r"(?P<name>.*) <(?P<email>[^>]*)> (?P<date>\d+ [+-]\d{4})")
_DIFFERENCES = 100


@dataclass(frozen=True)
class Entry:
    """A line of a tree.

    Attributes
    ----------
    kind : str
        ``blob``, ``tree`` or ``commit`` (a submodule).
    path : str
        From the root of the repository.
    """

    mode: str
    kind: str
    number: str
    size: int
    path: str


class Content:
    """Reads from repositories.

    Parameters
    ----------
    repositories : Repositories
    """

    def __init__(self, repositories: Repositories) -> None:
        self._repositories = repositories

    def commit(self, request: Document) -> Document:
        """Handle GetCommit."""
        git = self._git(request)
        number = request["commitId"]
        if git.commit_of(number) is None:
            raise CommitIdDoesNotExist(f"The commit {number} does not exist in {request['repositoryName']}")
        return {"commit": describe(git, number)}

    def file(self, request: Document) -> Document:
        """Handle GetFile."""
        git = self._git(request)
        commit = self._commit(git, request.get("commitSpecifier"))
        path = request["filePath"].strip("/")
        found = [each for each in entries(git, commit, path) if each.kind == "blob" and each.path == path]
        if not found:
            raise FileDoesNotExist(f"The file {path} does not exist in the commit {commit}")
        return {
            "commitId": commit,
            "blobId": found[0].number,
            "filePath": path,
            "fileMode": FILE_MODES[found[0].mode],
            "fileSize": found[0].size,
            "fileContent": base64.b64encode(git.run("cat-file", "blob", found[0].number)).decode(),
        }

    def blob(self, request: Document) -> Document:
        """Handle GetBlob."""
        number = request["blobId"]
        try:
            if not re.fullmatch("[0-9a-f]{40}", number):
                raise GitError(f"{number} is not an ID")
            return {"content": base64.b64encode(self._git(request).run("cat-file", "blob", number)).decode()}
        except GitError as error:
            raise BlobIdDoesNotExist(f"The blob {number} does not exist in {request['repositoryName']}") from error

    def folder(self, request: Document) -> Document:
        """Handle GetFolder."""
        git = self._git(request)
        commit = self._commit(git, request.get("commitSpecifier"))
        path = request["folderPath"].strip("/")
        try:
            tree = git.text("rev-parse", "--verify", "--quiet", f"{commit}:{path}")
            found = list(entries(git, tree))
        except GitError as error:
            raise FolderDoesNotExist(f"The folder {path} does not exist in the commit {commit}") from error
        lists: dict[str, list[Document]] = {"subFolders": [], "files": [], "symbolicLinks": [], "subModules": []}
        for entry in found:
            named = {"relativePath": entry.path, "absolutePath": f"{path}/{entry.path}".lstrip("/")}
            if entry.kind == "tree":
                lists["subFolders"].append({**named, "treeId": entry.number})
            elif entry.kind == "commit":
                lists["subModules"].append({**named, "commitId": entry.number})
            else:
                member = "symbolicLinks" if entry.mode == "120000" else "files"
                lists[member].append({**named, "blobId": entry.number, "fileMode": FILE_MODES[entry.mode]})
        return {"commitId": commit, "folderPath": path, "treeId": tree, **lists}

    def differences(self, request: Document) -> Document:
        """Handle GetDifferences; a renamed file shows as one deleted and one added, as on AWS."""
        git = self._git(request)
        after = self._commit(git, request["afterCommitSpecifier"])
        before = request.get("beforeCommitSpecifier")
        base = self._commit(git, before) if before else git.text("hash-object", "-t", "tree", "--stdin")
        paths = [path.strip("/") for path in (request.get("beforePath"), request.get("afterPath")) if path]
        listed = git.text("diff-tree", "-r", "-z", "--no-renames", base, after, "--", *paths).split("\0")
        found = [_difference(line, path) for line, path in zip(listed[::2], listed[1::2], strict=False)]
        first = _offset(request.get("NextToken"))
        last = first + min(int(request.get("MaxResults") or _DIFFERENCES), _DIFFERENCES)
        token = {"NextToken": str(last)} if last < len(found) else {}
        return {"differences": found[first:last], **token}

    def archive(self, name: str, commit: str, path: Path) -> None:
        """Write all files of a commit to a zip file."""
        self._repositories.get(name)
        self._repositories.git(name).run("archive", "--format=zip", f"--output={path}", commit)

    def _git(self, request: Document) -> Git:
        self._repositories.get(request["repositoryName"])
        return self._repositories.git(request["repositoryName"])

    def _commit(self, git: Git, specifier: str | None) -> str:
        commit = git.commit_of(specifier or "HEAD")
        if commit is None:
            raise CommitDoesNotExist(f"The commit, branch or tag {specifier or 'HEAD'} does not exist")
        return commit


def describe(git: Git, number: str) -> Document:
    """Return a commit as CodeCommit shows it."""
    head, _, message = git.text("cat-file", "commit", number).partition("\n\n")
    lines = [line.partition(" ") for line in head.splitlines()]
    people = {}
    for role in ("author", "committer"):
        [text] = [value for name, _, value in lines if name == role]
        person = _PERSON.fullmatch(text)
        people[role] = person.groupdict() if person else {"name": text}
    return {
        "commitId": number,
        "treeId": next(value for name, _, value in lines if name == "tree"),
        "parents": [value for name, _, value in lines if name == "parent"],
        "message": message,
        "additionalData": "",
        **people,
    }


def entries(git: Git, tree: str, *paths: str) -> Iterator[Entry]:
    """Yield the lines of a tree; if paths are given, only theirs."""
    for line in git.text("ls-tree", "-z", "--long", tree, "--", *paths).split("\0"):
        if line:
            head, _, path = line.partition("\t")
            mode, kind, number, size = head.split()
            yield Entry(mode, kind, number, 0 if size == "-" else int(size), path)


def _difference(line: str, path: str) -> Document:
    old_mode, new_mode, old, new, letter = line.lstrip(":").split(" ")
    found: Document = {"changeType": "M" if letter == "T" else letter}
    if letter != "A":
        found["beforeBlob"] = {"blobId": old, "path": path, "mode": old_mode}
    if letter != "D":
        found["afterBlob"] = {"blobId": new, "path": path, "mode": new_mode}
    return found


def _offset(token: str | None) -> int:
    if token and not token.isdecimal():
        raise ValidationError(f"Invalid NextToken '{token}': pass the one that the last page returned")
    return int(token or 0)

"""The git program, in one bare repository."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from localaws.services.codecommit.errors import GitFailed

_SECONDS = 60.0


class GitError(Exception):
    """A git command failed; the text is what it said."""


def git_program() -> str:
    """Where git is.

    Raises
    ------
    GitFailed
    """
    found = shutil.which("git")
    if found is None:
        raise GitFailed("CodeCommit needs the git program, which is not on the PATH of local AWS: install git")
    return found


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of a git program: nobody's own settings, no question to a terminal."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    own = {
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "LC_ALL": "C",
    }
    return {**kept, **own, **(extra or {})}


class Git:
    """One bare repository.

    Parameters
    ----------
    folder : Path
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, *arguments: str, stdin: bytes = b"", env: Mapping[str, str] | None = None) -> bytes:
        """What a git command prints.

        Raises
        ------
        GitError
            It ended with an error.
        """
        done = subprocess.run(
            [git_program(), f"--git-dir={self.folder}", *arguments],
            input=stdin,
            env=environment(env),
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
        if done.returncode:
            raise GitError(done.stderr.decode(errors="replace").strip())
        return done.stdout

    def text(self, *arguments: str, stdin: bytes = b"", env: Mapping[str, str] | None = None) -> str:
        """What a git command prints, as text without the last line's end."""
        return self.run(*arguments, stdin=stdin, env=env).decode(errors="replace").rstrip("\n")

    def init(self) -> None:
        """Make the repository, unless it is there."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.run("init", "--quiet", "--bare", "--initial-branch=main")
        self.run("config", "http.receivepack", "true")

    def references(self) -> dict[str, str]:
        """Branches and tags with the commits that they stand for."""
        listed = self.text("for-each-ref", "--format=%(refname) %(objectname)", "refs/heads", "refs/tags")
        found = [line.partition(" ") for line in listed.splitlines()]
        return {name: commit for name, _, commit in found}

    def commit_of(self, specifier: str) -> str | None:
        """The commit that a branch, tag, HEAD or id means, or None."""
        try:
            return self.text("rev-parse", "--quiet", "--verify", "--end-of-options", f"{specifier}^{{commit}}")
        except GitError:
            return None

"""The git program, in one bare repository."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from localaws.services.codecommit.errors import GitFailed

_SECONDS = 60.0


class GitError(Exception):
    """A git command failed; the text is its error output."""


def git_program() -> str:
    """Return the path of git.

    Raises
    ------
    GitFailed
    """
    found = shutil.which("git")
    if found is None:
        raise GitFailed("CodeCommit needs the git program, which is not on the PATH of local AWS: install git")
    return found


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment of a git program: no user's settings, no prompt on a terminal."""
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
        """Run a git command and return its output.

        Raises
        ------
        GitError
            If it fails.
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
        """Return the output of a git command as text, without the last newline."""
        return self.run(*arguments, stdin=stdin, env=env).decode(errors="replace").rstrip("\n")

    def init(self) -> None:
        """Create the repository unless it exists."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.run("init", "--quiet", "--bare", "--initial-branch=main")
        self.run("config", "http.receivepack", "true")

    def references(self) -> dict[str, str]:
        """Return branches and tags with their commits."""
        listed = self.text("for-each-ref", "--format=%(refname) %(objectname)", "refs/heads", "refs/tags")
        found = [line.partition(" ") for line in listed.splitlines()]
        return {name: commit for name, _, commit in found}

    def commit_of(self, specifier: str) -> str | None:
        """Return the commit that a branch, tag, HEAD or ID refers to, or None."""
        try:
            return self.text("rev-parse", "--quiet", "--verify", "--end-of-options", f"{specifier}^{{commit}}")
        except GitError:
            return None

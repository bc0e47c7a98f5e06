"""The first commit of a project's repository: what git tracks in a working copy, and what the user names beside it."""

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from deploy import artifacts, secret_scan
from model_road.errors import UsageError

# What ModelBuild and ModelDeploy start with; without them a repository is not one of this kind.
_BUILD_SPECIFICATIONS = ("codebuild-buildspec.yml", "deploy/buildspec.yml", "deploy/test/buildspec.yml")
# What CloudFormation takes as a repository's first commit, compressed; source: "Quotas in AWS CodeCommit".
_MOST_BYTES = 20 * 1024 * 1024
_SHOWN = 10


@dataclass(frozen=True)
class FirstCommit:
    """A packed working copy.

    Attributes
    ----------
    packed : bytes
    count, size : int
        The number of files, and their bytes before they are packed.
    new : sequence of str
        Those that git does not track: the user has named them.
    left_out : sequence of str
        Those that are new, not ignored, and not named.
    """

    packed: bytes
    count: int
    size: int
    new: Sequence[str]
    left_out: Sequence[str]

    def lines(self) -> list[str]:
        """Return what is said before it goes."""
        said = [f"First commit   {self.count} files, {self.size / 1e6:.1f} MB: what git tracks"]
        if self.new:
            said = [f"{said[0]}, and {_listed(self.new, len(self.new))}"]
        if self.left_out:
            these = _listed(self.left_out, _SHOWN)
            said.append(f"Left out       {these}: git does not track them; --include FILE takes one along")
        return said


def read(source: Path, include: Sequence[str] = (), not_secret: Sequence[str] = ()) -> FirstCommit:
    """Pack a working copy.

    Parameters
    ----------
    source : Path
        A git working copy of the project.
    include : sequence of str
        Files and folders of it that git does not track, and that go, too.
    not_secret : sequence of str
        Files of it that hold no secret, whatever they look like.

    Raises
    ------
    UsageError
        When it is not a git working copy, or not of such a project, or larger than CloudFormation takes it, or has
        what looks like a secret.
    """
    missing = [name for name in _BUILD_SPECIFICATIONS if not (source / name).is_file()]
    if missing:
        raise UsageError(
            f"{source.absolute()} is not a working copy of this project ({missing[0]} is missing): name one with "
            "--source"
        )
    tracked = frozenset(_listed_by_git(source, "--cached"))
    untracked = [name for name in _BUILD_SPECIFICATIONS if name not in tracked]
    if untracked:
        raise UsageError(
            f"git does not track {untracked[0]} in {source.absolute()}, and the first commit is what git tracks: "
            "run git add . there, and look at git status"
        )
    new = frozenset(name for path in include for name in _named(source, path)) - tracked
    names = sorted(tracked | new)
    files = {name: source / name for name in names if (source / name).is_file()}
    _refuse_links(source, files)
    _refuse_secrets(files, new, not_secret)
    executable = frozenset(name for name, path in files.items() if path.stat().st_mode & 0o100)
    packed = artifacts.archive({name: path.read_bytes() for name, path in files.items()}, executable)
    if len(packed) > _MOST_BYTES:
        largest = max(files, key=lambda name: files[name].stat().st_size)
        raise UsageError(
            f"{source.absolute()} has {len(packed) / 2**20:.1f} MB compressed, and CloudFormation takes 20 MB as a "
            f"repository's first commit: let git track no more than code ({largest} is the largest file)"
        )
    left_out = [name for name in _listed_by_git(source, "--others", "--exclude-standard") if name not in new]
    return FirstCommit(packed, len(files), sum(path.stat().st_size for path in files.values()), sorted(new), left_out)


def _listed_by_git(source: Path, *options: str) -> list[str]:
    command = ["git", "-C", str(source), "ls-files", "-z", *options]
    try:
        done = subprocess.run(command, capture_output=True, check=True)
    except FileNotFoundError as error:
        raise UsageError("git is not on the PATH: install it; the first commit is what git tracks") from error
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode(errors="replace").strip()
        raise UsageError(
            f"git cannot list the files of {source.absolute()}: {said}. Clone the project with git, or run git init "
            "and git add . there: the first commit is what git tracks"
        ) from error
    return sorted(name.decode(errors="surrogateescape") for name in done.stdout.split(b"\0") if name)


def _named(source: Path, path: str) -> list[str]:
    """Return the files that the user names: a file, ignored or not, or what git does not ignore in a folder."""
    place = Path(path) if Path(path).is_absolute() else source / path
    root = source.resolve()
    if not place.exists() or not place.resolve().is_relative_to(root):
        raise UsageError(f"--include {path}: there is no such file in {source.absolute()}")
    name = place.absolute().relative_to(source.absolute()).as_posix()
    if place.is_file():
        return [name]
    return _listed_by_git(source, "--others", "--exclude-standard", "--", name)


def _refuse_links(source: Path, files: dict[str, Path]) -> None:
    """Refuse a link that would bring along what is not in the working copy."""
    root = source.resolve()
    out = [name for name, path in files.items() if not path.resolve().is_relative_to(root)]
    if out:
        raise UsageError(f"{source.absolute()}: {_listed(out, _SHOWN)} leads out of the working copy, as a link")


def _refuse_secrets(files: dict[str, Path], new: frozenset[str], not_secret: Sequence[str]) -> None:
    unknown = [name for name in not_secret if name not in files]
    if unknown:
        raise UsageError(f"--not-secret {unknown[0]}: no file of the first commit has this name")
    asked = {name: path for name, path in files.items() if name not in not_secret}
    found = list(secret_scan.scan(asked, new))
    if found:
        raise UsageError(
            "What looks like a secret does not go into the first commit: "
            f"{_listed([str(each) for each in found], _SHOWN)}. "
            "Take it out (git rm --cached FILE, and a new key for one that others have seen), or say that it is none: "
            "--not-secret FILE, or a comment at the end of the line, pragma: allowlist secret"
        )


def _listed(names: Sequence[str], most: int) -> str:
    # A name may have a line end, or bytes that are no text.
    shown = [name if name.isprintable() else repr(name) for name in names[:most]]
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return f"{', '.join(shown)}{more}"

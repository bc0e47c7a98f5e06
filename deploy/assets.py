"""What the project's stack is made of besides its template: nested templates, functions' code, the first commit.

All of it lies in one bucket under a prefix that ends in a hash of the content: an installation never changes what an
earlier one has put there, and a stack changes when one of these does.

    <prefix>/<hash>/templates/build.yml ...
    <prefix>/<hash>/functions/<name>.zip ...
    <prefix>/<hash>/code.zip
"""

import hashlib
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy import artifacts, stages
from deploy.errors import DeployError
from model_road.errors import UsageError

PROJECT_TEMPLATE = stages.FOLDER / "templates" / "project.yml"
_FUNCTIONS = stages.FOLDER / "functions"
# What ModelBuild and ModelDeploy start with; without them a repository is not one of this kind.
_BUILD_SPECIFICATIONS = ("codebuild-buildspec.yml", "deploy/buildspec.yml", "deploy/test/buildspec.yml")
_HASH_LENGTH = 16
# What CloudFormation takes as a repository's first commit, compressed; source: "Quotas in AWS CodeCommit".
_FIRST_COMMIT_BYTES = 20 * 1024 * 1024


@dataclass(frozen=True)
class Assets:
    """Files by key, relative to the prefix."""

    files: Mapping[str, bytes]

    @property
    def digest(self) -> str:
        """The same for the same files."""
        content = hashlib.sha256()
        for key, body in sorted(self.files.items()):
            content.update(f"{key}\0{len(body)}\0".encode())
            content.update(body)
        return content.hexdigest()[:_HASH_LENGTH]


def collect(source: Path) -> Assets:
    """Read the assets of this installation, and the first commit from a working copy.

    Parameters
    ----------
    source : Path
        A git working copy of the project.

    Raises
    ------
    UsageError
        When it is not one.
    """
    templates = (path for path in PROJECT_TEMPLATE.parent.glob("*.yml") if path != PROJECT_TEMPLATE)
    functions = (path for path in _FUNCTIONS.iterdir() if any(path.glob("*.py")))
    return Assets(
        {
            **{f"templates/{path.name}": path.read_bytes() for path in templates},
            **{f"functions/{path.name}.zip": artifacts.pack(path) for path in functions},
            "code.zip": first_commit(source),
        }
    )


def first_commit(source: Path) -> bytes:
    """Pack a working copy: what git knows, and what is new and not ignored.

    Raises
    ------
    UsageError
        When it is not a git working copy, or not of such a project, or larger than CloudFormation takes it.
    """
    missing = [name for name in _BUILD_SPECIFICATIONS if not (source / name).is_file()]
    if missing:
        raise UsageError(
            f"{source.absolute()} is not a working copy of this project ({missing[0]} is missing): name one with "
            "--source"
        )
    command = ["git", "-C", str(source), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        done = subprocess.run(command, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        said = getattr(error, "stderr", b"").decode(errors="replace").strip() or error
        raise UsageError(f"git cannot list the files of {source.absolute()}: {said}") from error
    names = sorted(name.decode() for name in done.stdout.split(b"\0") if name)
    files = {name: source / name for name in names if (source / name).is_file()}
    packed = artifacts.archive({name: path.read_bytes() for name, path in files.items()}, executable=_executable(files))
    if len(packed) > _FIRST_COMMIT_BYTES:
        largest = max(files, key=lambda name: files[name].stat().st_size)
        raise UsageError(
            f"{source.absolute()} has {len(packed) / 2**20:.1f} MB compressed, and CloudFormation takes 20 MB as a "
            f"repository's first commit: leave out what is no code ({largest} is the largest file), in .gitignore for "
            "instance"
        )
    return packed


def _executable(files: Mapping[str, Path]) -> frozenset[str]:
    return frozenset(name for name, path in files.items() if path.stat().st_mode & 0o100)


def upload(s3: Any, bucket: str, prefix: str, assets: Assets) -> str:
    """Put the assets into a bucket, those that are not there yet; return the prefix with their hash."""
    place = f"{prefix}/{assets.digest}"
    for key, body in assets.files.items():
        artifacts.upload(s3, bucket, f"{place}/{key}", body)
    return place


def installed_template(bucket: str, place: str) -> str:
    """Return project.yml with defaults that name the assets, so that Studio's users need not know them.

    Raises
    ------
    DeployError
        When the template does not have these parameters.
    """
    text = stages.read_template(PROJECT_TEMPLATE)
    for name, value in (("AssetsBucket", bucket), ("AssetsPrefix", place)):
        declared = f"\n  {name}:\n    Type: String\n"
        if declared not in text:
            raise DeployError(f"{PROJECT_TEMPLATE} has no parameter {name}; install model-road again")
        text = text.replace(declared, f"{declared}    Default: {value}\n")
    return text

"""What the project's stack is made of besides its template: nested templates, functions' code, the first commit.

All of it lies in one bucket under a prefix that ends in a hash of the content: an installation never changes what an
earlier one has put there, and a stack changes when one of these does.

    <prefix>/<hash>/templates/build.yml ...
    <prefix>/<hash>/functions/<name>.zip ...
    <prefix>/<hash>/code.zip
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from deploy import artifacts, stages
from deploy.errors import DeployError
from deploy.first_commit import FirstCommit

PROJECT_TEMPLATE = stages.FOLDER / "templates" / "project.yml"
_FUNCTIONS = stages.FOLDER / "functions"
_HASH_LENGTH = 16


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


def collect(commit: FirstCommit) -> Assets:
    """Read the assets of this installation, to go with a first commit."""
    templates = (path for path in PROJECT_TEMPLATE.parent.glob("*.yml") if path != PROJECT_TEMPLATE)
    functions = (path for path in _FUNCTIONS.iterdir() if any(path.glob("*.py")))
    return Assets(
        {
            **{f"templates/{path.name}": path.read_bytes() for path in templates},
            **{f"functions/{path.name}.zip": artifacts.pack(path) for path in functions},
            "code.zip": commit.packed,
        }
    )


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

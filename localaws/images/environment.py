"""An installed image: a folder with a Python environment, and what was written down when it was made.

::

    ~/.cache/localaws/images/                        or $LOCALAWS_IMAGES_DIR
        sagemaker-scikit-learn-1.4-2                 a link to the environment that is complete
        sagemaker-scikit-learn-1.4-2.lock            held while one is made or removed
        sagemaker-scikit-learn-1.4-2@<random>/       the environment
            bin/python  bin/train  bin/serve  lib/...
            localaws-image.json

The folder is outside of any state folder: `local-aws reset` leaves it, and all of a user's projects share it.
"""

import functools
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from localaws.images.definition import Definition

RECORD = "localaws-image.json"
IMAGES_DIR_VARIABLE = "LOCALAWS_IMAGES_DIR"
_DIST_INFO = re.compile(r"(?P<name>.+?)-(?P<version>[^-]+)\.dist-info")


def images_dir(environ: Mapping[str, str] = os.environ) -> Path:
    """Return the folder of the installed images."""
    if chosen := environ.get(IMAGES_DIR_VARIABLE):
        return Path(chosen).absolute()
    return Path(environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "localaws" / "images"


@dataclass(frozen=True)
class Environment:
    """The environment of an image.

    Attributes
    ----------
    folder : Path
    python_version : str
        Of the Python that it was made with, such as ``3.12.1``.
    digest : str
        That of the definition that it was made from.
    """

    definition: Definition
    folder: Path
    python_version: str
    digest: str

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / "bin" / "python"

    @property
    def is_whole(self) -> bool:
        """Whether the Python that it was made with is still there."""
        return self.python.exists()

    @property
    def is_current(self) -> bool:
        """Whether it was made from the definition as it is now."""
        return self.is_whole and self.digest == self.definition.digest

    @property
    def has_own_python(self) -> bool:
        """Whether its Python is of the image's version."""
        return self.python_version.split(".")[:2] == self.definition.python.split(".")[:2]

    @property
    def difference(self) -> str | None:
        """The line about what is not as in the image; None if nothing is known."""
        name = self.definition.name
        if not self.has_own_python:
            return f"the environment of {name} has Python {self.python_version}, the image {self.definition.python}"
        if not self.is_current:
            return f"the environment of {name} is out of date. Make it anew: local-aws images install {name}"
        return None

    @property
    def site_packages(self) -> Path:
        """The folder of its packages."""
        major_minor = ".".join(self.python_version.split(".")[:2])
        return self.folder / "lib" / f"python{major_minor}" / "site-packages"

    @functools.cached_property
    def versions(self) -> dict[str, str]:
        """The version of each package that is installed in it, by name."""
        return installed_versions(self.site_packages)

    @property
    def size(self) -> int:
        """How many bytes its files have."""
        return sum(path.lstat().st_size for path in self.folder.rglob("*"))


def find(definition: Definition, folder: Path) -> Environment | None:
    """Return the environment of an image; None if it is not installed.

    Parameters
    ----------
    definition : Definition
    folder : Path
        That of all images.
    """
    try:
        real = (folder / definition.folder_name).resolve(strict=True)
        record = json.loads((real / RECORD).read_text())
    except (OSError, ValueError):
        return None
    return Environment(definition, real, record["python"], record["digest"])


def installed_versions(site_packages: Path) -> dict[str, str]:
    """Return the version of each package in a folder, by its normalized name."""
    matches = (_DIST_INFO.fullmatch(path.name) for path in site_packages.glob("*.dist-info"))
    return {re.sub(r"[-_.]+", "-", match["name"]).lower(): match["version"] for match in matches if match}

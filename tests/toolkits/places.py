"""An environment that stands for an image, and how a program runs in it: as a container, with a folder as /opt/ml."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from localaws.containers.container import Command, Container, Limits
from localaws.images import catalog
from localaws.images.environment import find, images_dir
from training import train

# A container has no way to a package index: what it needs is in its image, or travels with the code.
_NO_INDEX = {
    "PIP_CONFIG_FILE": "/dev/null",
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
    "PIP_NO_CACHE_DIR": "1",
    "PIP_RETRIES": "0",
    "PYTHONDONTWRITEBYTECODE": "1",
}
_LIMITS = Limits(seconds=120, grace_seconds=0)
_LAST_LINES = 15


class JudgeError(Exception):
    """Something cannot be judged, or failed where it must not; the text is for the person at the terminal."""


@dataclass(frozen=True)
class Place:
    """An environment.

    Attributes
    ----------
    name : str
    python : Path
    train : sequence of str
        The command line of its `train`.
    protected : Path
        The folder of its packages, which no container writes to.
    variables : mapping of str to str
        What the image sets.
    """

    name: str
    python: Path
    train: Sequence[str]
    protected: Path
    variables: Mapping[str, str]

    def command(self, argv: Sequence[str], variables: Mapping[str, str]) -> Command:
        """Return a command line as it runs here."""
        environment = {**_NO_INDEX, **self.variables, **variables}
        return Command(argv, environment, self.python, [self.protected])

    def run(self, folder: Path, argv: Sequence[str], **variables: str) -> str:
        """Run a program to its end, with a folder as /opt/ml; return what it printed.

        Raises
        ------
        JudgeError
            It failed.
        """
        log = folder.with_suffix(".log")
        log.unlink(missing_ok=True)
        with Container(folder, self.command(argv, variables), log) as container:
            code = container.wait(_LIMITS)
        if code != 0:
            raise JudgeError(f"{self.name}: {' '.join(argv)} ended with {code}:\n{end_of(log)}")
        return log.read_text(errors="replace")


def end_of(log: Path) -> str:
    """Return the last lines of a log."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-_LAST_LINES:])


def here() -> Place:
    """Return this project's environment, with its own programs."""
    return Place("serving", Path(sys.executable), [sys.executable, train.__file__], Path(sys.prefix), {})


def of_image(name: str) -> Place:
    """Return the environment of one of AWS's images.

    Raises
    ------
    JudgeError
        It is not installed.
    """
    definition = catalog.named(name)
    made = find(definition, images_dir())
    if made is None:
        raise JudgeError(f"{name} is not installed: local-aws images install {name}")
    return Place(
        definition.name, made.python, [str(made.folder / "bin" / "train")], made.folder, definition.framework.variables
    )

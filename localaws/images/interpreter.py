"""Which Python an image's environment is made with: its own version, or the nearest that its packages install on.

In this order: the version on this host (uv's own, those on PATH, pyenv's), the version downloaded by uv, which takes a
network that reaches GitHub, then the other versions on this host by their distance.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from localaws.errors import ImageError
from localaws.images.uv import run_uv

MINORS = range(7, 15)


@dataclass(frozen=True)
class Interpreter:
    """A Python to make an environment with.

    Attributes
    ----------
    version : str
        Such as ``3.12``.
    request : str
        What uv is asked for: a path, or a version that it downloads.
    """

    version: str
    request: str


def candidates(version: str) -> Iterator[Interpreter]:
    """Yield the Pythons for an image, the best first; each is looked for when its turn has come."""
    own = on_this_host(version)
    if own:
        yield own
    else:
        yield Interpreter(version, version)
    wanted = minor(version)
    for number in sorted(MINORS, key=lambda each: (abs(each - wanted), -each)):
        if number != wanted and (other := on_this_host(f"3.{number}")):
            yield other


def minor(version: str) -> int:
    """Return the 12 of 3.12 or 3.12.1."""
    return int(version.split(".")[1])


def on_this_host(version: str) -> Interpreter | None:
    """Return the Python of a version that is on this host, None if there is none."""
    try:
        path = run_uv(["python", "find", "--no-python-downloads", "--no-project", "--system", version])
        return Interpreter(version, path.strip())
    except ImageError:
        return _of_pyenv(version)


def _of_pyenv(version: str) -> Interpreter | None:
    """Return pyenv's, whose program on PATH runs only the version that pyenv is set to."""
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    found = sorted(root.glob(f"versions/{version}.*/bin/python"), key=lambda path: _numbers(path.parts[-3]))
    return Interpreter(version, str(found[-1])) if found else None


def _numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".") if part.isdigit()]

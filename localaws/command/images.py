"""``local-aws images``: what stands for AWS's container images."""

import json
import sys
from collections.abc import Callable, Sequence
from typing import Any

from localaws.images import catalog
from localaws.images.definition import Definition
from localaws.images.environment import Environment, find, images_dir
from localaws.images.install import install, remove

Say = Callable[[str], None]


def show_list(as_json: bool, say: Say) -> None:
    """Print the images that can be installed, what is in them, and whether they are there."""
    documents = [_document(definition) for definition in catalog.DEFINITIONS]
    if as_json:
        say(json.dumps(documents, indent=2))
        return
    rows = [("IMAGE", "PYTHON", "PACKAGES", "HERE")]
    rows += [(each["name"], each["python"], _packages(each["versions"]), _here(each)) for each in documents]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
    for row in rows:
        say("  ".join([*(text.ljust(width) for text, width in zip(row, widths, strict=False)), row[-1]]))


def _document(definition: Definition) -> dict[str, Any]:
    environment = find(definition, images_dir())
    pins = definition.pins
    return {
        "name": definition.name,
        "python": definition.python,
        "versions": {name: pins[name] for name in definition.framework.compared},
        "source": definition.source,
        "installed": None if environment is None else _installed(environment),
    }


def _installed(environment: Environment) -> dict[str, Any]:
    return {
        "interpreter": str(environment.python),
        "python": environment.python_version,
        "bytes": environment.size,
        "is_current": environment.is_current,
    }


def _packages(versions: dict[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in versions.items())


def _here(document: dict[str, Any]) -> str:
    installed = document["installed"]
    if installed is None:
        return "not installed"
    state = "installed" if installed["is_current"] else "out of date: install it again"
    return f"{state}, Python {installed['python']}, {installed['bytes'] / 2**20:,.0f} MiB"


def install_all(names: Sequence[str], say: Say) -> None:
    """Make the environments of these images, and print the interpreter of each; what is going on goes to stderr."""
    for definition in [catalog.named(name) for name in names]:
        environment = install(definition, images_dir(), _progress)
        if not environment.has_own_python:
            _progress(f"{definition.name}: {_other_python(environment)}")
        say(str(environment.python))


def remove_all(names: Sequence[str], say: Say) -> None:
    """Delete the environments of these images."""
    for definition in [catalog.named(name) for name in names]:
        removed = remove(definition, images_dir(), _progress)
        say(f"removed {definition.name}" if removed else f"{definition.name} is not installed")


def _other_python(environment: Environment) -> str:
    return (
        f"the image has Python {environment.definition.python}, this environment {environment.python_version}:"
        " what depends on the version can differ"
    )


def _progress(line: str) -> None:
    print(line, file=sys.stderr, flush=True)

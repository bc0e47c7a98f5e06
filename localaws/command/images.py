"""``local-aws images``: what stands for AWS's container images."""

import json
import platform
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from localaws.api_errors import ApiError
from localaws.errors import ImageError
from localaws.images import catalog
from localaws.images.definition import Definition
from localaws.images.environment import Environment, find, images_dir
from localaws.images.install import install, remove
from localaws.sagemaker.jobs.images import FRAMEWORKS, mapped_images, versions_here

Say = Callable[[str], None]


def show_list(server_data: Path, as_json: bool, say: Say) -> None:
    """Print what stands for which image.

    Parameters
    ----------
    server_data : Path
        The folder of the local SageMaker, which may have an ``images.json``.
    as_json : bool
    say : callable
    """
    documents = [_document(definition) for definition in catalog.DEFINITIONS]
    mapped = _mapped(server_data)
    if as_json:
        say(json.dumps({"images": documents, "others": _host(), "mapped": mapped}, indent=2))
        return
    rows = [("IMAGE", "PYTHON", "PACKAGES", "HERE")]
    rows += [(each["name"], each["python"], _packages(each["versions"]), _here(each)) for each in documents]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
    for row in rows:
        say("  ".join([*(text.ljust(width) for text, width in zip(row, widths, strict=False)), row[-1]]))
    host = _host()
    say(f"\n{host['interpreter']} stands for what is not installed, of: {', '.join(host['repositories'])}.")
    say(f"It has Python {host['python']}, {_packages(host['versions'])}.")
    for name, interpreter in mapped.items():
        say(f"{interpreter} stands for {name} (images.json).")


def _mapped(server_data: Path) -> dict[str, str]:
    try:
        return mapped_images(server_data)
    except ApiError as error:
        raise ImageError(str(error)) from error


def _host() -> dict[str, Any]:
    names = {name: None for definition in catalog.DEFINITIONS for name in definition.framework.compared}
    return {
        "interpreter": sys.executable,
        "python": platform.python_version(),
        "versions": {name: version for name, version in versions_here(tuple(names)).items() if version},
        "repositories": list(FRAMEWORKS),
    }


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
        if environment.difference:
            _progress(environment.difference)
        say(str(environment.python))


def remove_all(names: Sequence[str], say: Say) -> None:
    """Delete the environments of these images."""
    for definition in [catalog.named(name) for name in names]:
        removed = remove(definition, images_dir(), _progress)
        say(f"removed {definition.name}" if removed else f"{definition.name} is not installed")


def _progress(line: str) -> None:
    print(line, file=sys.stderr, flush=True)

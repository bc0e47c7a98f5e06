"""A private name of MiniStack's, or an error that says which one is missing."""

import importlib
import importlib.metadata
from typing import Any

from localaws.errors import HookMissingError


def private(module: str, name: str) -> Any:
    """Return a private name of MiniStack's, whose type is unknown.

    Raises
    ------
    HookMissingError
        The installed MiniStack does not have it.
    """
    try:
        return getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise HookMissingError(
            f"MiniStack {installed_version()} has no {module}.{name}, which localaws/ministack needs "
            f"({error}). Install the version that setup.cfg names: pip install 'ministack==1.5.33'"
        ) from error


def installed_version() -> str:
    """Return the installed version of MiniStack."""
    try:
        return importlib.metadata.version("ministack")
    except importlib.metadata.PackageNotFoundError:
        return "(not installed)"

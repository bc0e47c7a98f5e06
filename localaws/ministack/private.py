"""A private name of MiniStack's, or an error that says which one is missing."""

import importlib
import importlib.metadata
from typing import Any

from localaws.errors import HookMissingError


def private(module: str, name: str) -> Any:
    """A name of MiniStack's, whose types are unknown.

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
    """The version of MiniStack that is installed."""
    try:
        return importlib.metadata.version("ministack")
    except importlib.metadata.PackageNotFoundError:
        return "(not installed)"

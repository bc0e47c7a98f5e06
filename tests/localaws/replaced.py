"""``python -m tests.localaws.replaced FOLDER``: which names of MiniStack each hook replaces, as they are installed.

A process of its own: it installs the hooks, and MiniStack reads its environment when it is imported.
"""

import importlib
import json
import pkgutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from localaws.ministack import host
from localaws.ministack.composition import Composition, Options
from localaws.ministack.hook import in_order


def _names(module: str, found: Any, depth: int) -> Iterator[tuple[str, Any]]:
    """What a module has, its classes and the tables in which it keeps functions."""
    for name, value in list(found.items()):
        yield f"{module}.{name}", value
        if isinstance(value, type) and value.__module__ == module:
            yield from _names(f"{module}.{name}", vars(value), 0)
        elif depth and isinstance(value, dict) and not str(name).startswith("__"):
            yield from _names(f"{module}.{name}", value, depth - 1)


def _everything() -> dict[str, Any]:
    modules = [(name, module) for name, module in list(sys.modules.items()) if name.partition(".")[0] == "ministack"]
    return {key: value for name, module in modules for key, value in _names(name, vars(module), 2) if callable(value)}


def main(folder: Path) -> None:
    """Print a JSON array of service, name, module, `after` and replaced names of each hook."""
    host.configure(1, folder)
    host.load_application()
    for package in ("ministack.core", "ministack.services"):  # a module that a hook imports has replaced nothing
        for module in pkgutil.walk_packages(importlib.import_module(package).__path__, f"{package}."):
            importlib.import_module(module.name)
    servers = dict.fromkeys(("sagemaker", "services"), "http://127.0.0.1:1")
    hooks = in_order(Composition(Options(1, folder, servers, folder)).hooks())
    found, before = [], _everything()
    for hook in hooks:
        hook.install()
        after = _everything()
        replaced = sorted(name for name, value in before.items() if after.get(name) is not value)
        module = getattr(hook.install, "func", hook.install).__module__
        found.append(
            {"service": hook.service, "name": hook.name, "module": module, "after": hook.after, "replaced": replaced}
        )
        before = after
    print(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]))

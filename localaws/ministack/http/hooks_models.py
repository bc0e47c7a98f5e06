"""The names and models of AWS's services, which take seconds to read."""

import importlib
from collections.abc import Callable
from typing import Any

from localaws.ministack.pieces import elsewhere
from localaws.ministack.private import private

_READERS = (("ministack.core.router", "_is_aws_service_name"), ("ministack.core.responses", "_service_model"))


def read_models_elsewhere() -> None:
    """Read botocore's models outside of the event loop: all of them when a request is signed for an unknown service.

    Hooks ``ministack.core.router._is_aws_service_name`` and ``ministack.core.responses._service_model``, each of which
    remembers what it has read.
    """
    for module, name in (
        ("ministack.core.router", "_is_aws_service_name"),
        ("ministack.core.responses", "_service_model"),
    ):
        setattr(importlib.import_module(module), name, remembered(private(module, name)))


def remembered(find: Callable[[str], Any]) -> Callable[[str], Any]:
    """Return a function that finds each name once, elsewhere."""
    known: dict[str, Any] = {}

    def found(name: str) -> Any:
        if name not in known:
            known[name] = elsewhere(lambda: find(name))
        return known[name]

    return found

"""The names and models of AWS's services, which take seconds to read."""

import importlib
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from localaws.ministack.pieces import elsewhere
from localaws.ministack.private import private

# botocore knows 400 names; a request may be signed for any.
_MOST_NAMES = 1000


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
    return lru_cache(maxsize=_MOST_NAMES)(lambda name: elsewhere(lambda: find(name)))

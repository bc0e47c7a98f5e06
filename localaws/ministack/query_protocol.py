"""Requests of AWS's query protocol and their responses, as MiniStack's functions take and return them."""

from typing import Any

Parameters = dict[str, Any]
"""A list of texts for each name."""
Response = tuple[int, Any, bytes]
"""Status, headers and body."""


def first(parameters: Parameters, name: str) -> str:
    """Return a parameter's value; empty when it is not given."""
    value = parameters.get(name) or ""
    return str(value[0] if isinstance(value, list) else value)

"""Policy documents of IAM, in which one thing may stand where a list is meant."""

from typing import Any


def listed(value: Any) -> list[Any]:
    """Give what is a list or a single thing as a list."""
    return list(value) if isinstance(value, list | tuple) else [value]


def statements(document: dict[str, Any]) -> list[dict[str, Any]]:
    """Give the statements of a document."""
    return listed(document.get("Statement", []))

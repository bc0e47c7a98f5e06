"""A template's values as an API wants them."""

from collections.abc import Callable
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape


def typed(shape: Shape, value: Any) -> Any:
    """Return a template's value with the API's types: numbers and booleans may have come as strings."""
    if isinstance(shape, StructureShape):
        members = shape.members
        return {name: typed(members[name], item) if name in members else item for name, item in value.items()}
    if isinstance(shape, ListShape):
        return [typed(shape.member, item) for item in value]
    if isinstance(shape, MapShape):
        return {key: typed(shape.value, item) for key, item in value.items()}
    return _SCALARS.get(shape.type_name, lambda scalar: scalar)(value)


def _boolean(value: Any) -> bool:
    return value if isinstance(value, bool) else str(value).lower() == "true"


_SCALARS: dict[str, Callable[[Any], Any]] = {
    "integer": int,
    "long": int,
    "float": float,
    "double": float,
    "boolean": _boolean,
    "string": str,
}

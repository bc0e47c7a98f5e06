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


def as_text(value: Any) -> str:
    """Return a scalar of a template as CloudFormation writes it where text is wanted: `true`, not Python's `True`."""
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def _boolean(value: Any) -> bool:
    return value if isinstance(value, bool) else str(value).lower() == "true"


_SCALARS: dict[str, Callable[[Any], Any]] = {
    "integer": int,
    "long": int,
    "float": float,
    "double": float,
    "boolean": _boolean,
    "string": as_text,
}

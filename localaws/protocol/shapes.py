"""What a shape of botocore's service models allows, and what a document has of it.

The check of a request answers in AWS's sentences, one for each broken constraint. They follow the pattern of AWS's
validation framework, as seen in answers of its services::

    1 validation error detected: Value 'a_b' at 'processingJobName' failed to satisfy constraint: Member must satisfy
    regular expression pattern: ^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}
"""

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

from localaws.api_errors import SerializationError, ValidationError
from localaws.document import Document

# Java's Unicode classes, which AWS's patterns use, in the terms of Python's re: as wide as the original or wider.
_UNICODE_CLASSES = {
    r"\p{L}": r"\w",
    r"\p{M}": "\u0300-\u036f",
    r"\p{Z}": r"\s",
    r"\p{S}": "$+<=>^`|~\u00a2-\u00b8\u2000-\u2bff",
    r"\p{N}": r"\d",
    r"\p{P}": r"!-/:-@\[-`{-~\u2010-\u2027",
    r"\p{Alnum}": "a-zA-Z0-9",
}
_JSON_TYPES = {
    "string": (str,),
    "integer": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
    "boolean": (bool,),
    "timestamp": (int, float, str),
    "structure": (dict,),
    "map": (dict,),
    "list": (list,),
    "blob": (str,),
}
DYNAMIC = ("Get", "Std:Join", "Std:JsonGet")
"""Keys of the pipeline definition language that stand for a value known only when the step starts."""


def check_members(shape: StructureShape, request: Document, *, dynamic: bool = False) -> None:
    """Refuse a request that a shape does not allow.

    Parameters
    ----------
    shape : StructureShape
    request : dict
        The request as it came, parsed from JSON.
    dynamic : bool, default=False
        Accept expressions of SageMaker's pipeline definition language wherever a value may stand, and let the name be
        absent: the arguments of a pipeline step, where SageMaker names the job itself.

    Raises
    ------
    ValidationError
        Naming every broken constraint, in AWS's words.
    SerializationError
        A member has another JSON type.
    """
    if broken := broken_constraints(shape, request, dynamic=dynamic):
        noun = "error" if len(broken) == 1 else "errors"
        raise ValidationError(f"{len(broken)} validation {noun} detected: {'; '.join(broken)}")


def broken_constraints(shape: StructureShape, document: Document, *, dynamic: bool = False) -> list[str]:
    """Return a sentence in AWS's words for each constraint of a shape that a document breaks.

    Raises
    ------
    ValidationError
        The document has a member that the shape has not.
    SerializationError
        A member has another JSON type.
    """
    return list(_broken(shape, document, "", dynamic))


def members_of(shape: StructureShape, document: Document) -> Document:
    """Return the members of a structure that a document has."""
    return {name: document[name] for name in shape.members if document.get(name) is not None}


@cache
def compiled(pattern: str) -> re.Pattern[str] | None:
    """Return a pattern of AWS's, compiled; None for what Python lacks, such as ranges of surrogates."""
    try:
        return re.compile(in_python(pattern), re.DOTALL)
    except re.error:
        return None


def in_python(pattern: str) -> str:
    """Return a pattern of AWS's, which has Java's Unicode classes, as Python's `re` takes it."""
    for java, python in _UNICODE_CLASSES.items():
        pattern = pattern.replace(java, python)
    return pattern


def _broken(shape: Shape, value: Any, path: str, dynamic: bool) -> Iterator[str]:
    """Yield every constraint of `shape` that `value` breaks, in AWS's words."""
    if dynamic and isinstance(value, dict) and len(value) == 1 and next(iter(value)) in DYNAMIC:
        return
    _check_type(shape, value, path)
    if isinstance(shape, StructureShape):
        yield from _broken_members(shape, value, path, dynamic)
    elif isinstance(shape, ListShape):
        yield from _broken_size(shape, len(value), value, path, "length")
        for index, item in enumerate(value, start=1):
            yield from _broken(shape.member, item, f"{path}.{index}.member", dynamic)
    elif isinstance(shape, MapShape):
        yield from _broken_size(shape, len(value), value, path, "length")
        for key, item in value.items():
            yield from _broken(shape.key, key, f"{path}.{key}.key", dynamic)
            yield from _broken(shape.value, item, f"{path}.{key}.member", dynamic)
    elif shape.type_name == "string":
        yield from _broken_string(shape, value, path)
    elif shape.type_name in ("integer", "long", "float", "double"):
        yield from _broken_size(shape, value, value, path, "value")


def _check_type(shape: Shape, value: Any, path: str) -> None:
    expected = _JSON_TYPES[shape.type_name]
    if not isinstance(value, expected) or (isinstance(value, bool) and bool not in expected):
        found = json.dumps(value, default=str)[:100]
        raise SerializationError(f"{found} at '{path or 'request'}' can not be converted to a {shape.type_name}")


def _broken_members(shape: StructureShape, value: Document, path: str, dynamic: bool) -> Iterator[str]:
    prefix = f"{path}." if path else ""
    for name in shape.required_members:
        given_by_pipelines = dynamic and not path and name.endswith("Name")
        if value.get(name) is None and not given_by_pipelines:
            yield f"Value null at '{prefix}{_camel(name)}' failed to satisfy constraint: Member must not be null"
    for name, item in value.items():
        if name not in shape.members:
            raise ValidationError(
                f"Unknown member '{prefix}{name}': {shape.name} has {', '.join(sorted(shape.members))}"
            )
        if item is not None:
            yield from _broken(shape.members[name], item, prefix + _camel(name), dynamic)


def _broken_size(shape: Shape, size: float, value: Any, path: str, what: str) -> Iterator[str]:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if least is not None and size < least:
        yield _failed(value, path, f"Member must have {what} greater than or equal to {least}")
    if most is not None and size > most:
        yield _failed(value, path, f"Member must have {what} less than or equal to {most}")


def _broken_string(shape: Shape, value: str, path: str) -> Iterator[str]:
    yield from _broken_size(shape, len(value), value, path, "length")
    allowed = shape.metadata.get("enum")
    if allowed and value not in allowed:
        yield _failed(value, path, f"Member must satisfy enum value set: [{', '.join(allowed)}]")
    pattern = shape.metadata.get("pattern")
    if pattern and (found := compiled(pattern)) and not found.fullmatch(value):
        yield _failed(value, path, f"Member must satisfy regular expression pattern: {pattern}")


def _failed(value: Any, path: str, constraint: str) -> str:
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    shown = text if len(text) <= 200 else f"{text[:200]}..."
    return f"Value '{shown}' at '{path}' failed to satisfy constraint: {constraint}"


def _camel(name: str) -> str:
    return name[0].lower() + name[1:]

"""What is wrong with a request's body, in the words of API Gateway's validator.

They are the value of ``$context.error.validationErrorString``. API Gateway validates with a Java library for JSON
schema draft 4 (com.github.fge) and shows its messages in brackets, such as ``[object has missing required properties
(["x"])]``. What is inside something wrong is not looked at.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from jsonschema_rs import ValidationError


def words(errors: Sequence[ValidationError], document: Any) -> str:
    """Return the errors of a document, in brackets."""
    return f"[{', '.join(_each(list(_outermost(errors)), document))}]"


def _outermost(errors: Sequence[ValidationError]) -> Iterator[ValidationError]:
    paths = {tuple(error.instance_path) for error in errors}
    for error in errors:
        path = tuple(error.instance_path)
        if not any(path[:length] in paths for length in range(len(path))):
            yield error


def _each(errors: Sequence[ValidationError], document: Any) -> Iterator[str]:
    incomplete = []
    for error in errors:
        details = error.kind.as_dict()
        if error.kind.name == "required":  # an error for each property, where API Gateway has one for the object
            if error.instance_path not in incomplete:
                incomplete.append(error.instance_path)
                missing = {each.kind.as_dict()["property"] for each in errors if _same_place(each, error)}
                yield f"object has missing required properties ({_list(sorted(missing))})"
        elif error.kind.name in _WORDS:
            yield _WORDS[error.kind.name](details, _found(document, error.instance_path))
        else:
            yield error.message


def _same_place(one: ValidationError, other: ValidationError) -> bool:
    return one.kind.name == other.kind.name and one.instance_path == other.instance_path


def _found(document: Any, path: Sequence[str | int]) -> Any:
    for part in path:
        document = document[part]
    return document


def _type(details: Mapping[str, Any], value: Any) -> str:
    wanted = details["types"]
    # An integer is a number: the library names both.
    allowed = sorted({*wanted, *(["integer"] if "number" in wanted else [])})
    return f"instance type ({_type_of(value)}) does not match any allowed primitive type (allowed: {_list(allowed)})"


def _additional(details: Mapping[str, Any], _value: Any) -> str:
    unknown = sorted(details["unexpected"])
    return f"object instance has properties which are not allowed by the schema: {_list(unknown)}"


def _max_items(details: Mapping[str, Any], value: Any) -> str:
    return f"array is too long: must have at most {details['limit']} elements but instance has {len(value)} elements"


def _min_items(details: Mapping[str, Any], value: Any) -> str:
    return f"array is too short: must have at least {details['limit']} elements but instance has {len(value)} elements"


def _list(names: Sequence[str]) -> str:
    return json.dumps(names, separators=(",", ":"))


def _type_of(value: Any) -> str:
    kinds = {dict: "object", list: "array", str: "string", bool: "boolean", int: "integer", float: "number"}
    return kinds.get(type(value), "null")


_WORDS: Mapping[str, Callable[[Mapping[str, Any], Any], str]] = {
    "additionalProperties": _additional,
    "maxItems": _max_items,
    "minItems": _min_items,
    "type": _type,
}

"""What is wrong with a request's body, in the words of API Gateway's validator.

They are the value of ``$context.error.validationErrorString``. API Gateway validates with a Java library for JSON
schema draft 4 (com.github.fge) and shows its messages in brackets, such as ``[object has missing required properties
(["x"])]``. What is inside something wrong is not looked at.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from jsonschema import Draft4Validator, ValidationError
from referencing import Registry
from referencing.exceptions import Unresolvable

_MOST = 5
_NO_JSON = "[the body is not JSON]"


def explain(schema: Any, body: bytes | str | None) -> str:
    """Say what a model's schema has against a body.

    Parameters
    ----------
    schema : JSON schema, draft 4
    body : bytes, str or None

    Returns
    -------
    str
        At most five errors, in brackets.
    """
    try:
        document = json.loads(body or "")
    except (ValueError, RecursionError):
        return _NO_JSON
    try:
        # The registry is empty: no schema is looked for in the network.
        errors = list(islice(Draft4Validator(schema, registry=Registry()).iter_errors(document), _MOST))
    except (Unresolvable, RecursionError):
        errors = []
    return f"[{', '.join(_words(error) for error in _outermost(errors))}]"


def _outermost(errors: Sequence[ValidationError]) -> Iterator[ValidationError]:
    paths = {tuple(error.absolute_path) for error in errors}
    for error in errors:
        path = tuple(error.absolute_path)
        if not any(path[:length] in paths for length in range(len(path))):
            yield error


def _words(error: ValidationError) -> str:
    make = _WORDS.get(error.validator)
    return make(error) if make else error.message


def _type(error: ValidationError) -> str:
    wanted = [error.validator_value] if isinstance(error.validator_value, str) else list(error.validator_value)
    # An integer is a number: the library names both.
    allowed = sorted({*wanted, *(["integer"] if "number" in wanted else [])})
    found = _type_of(error.instance)
    return f"instance type ({found}) does not match any allowed primitive type (allowed: {_list(allowed)})"


def _required(error: ValidationError) -> str:
    return f"object has missing required properties ({_list(sorted(set(error.validator_value) - set(error.instance)))})"


def _additional(error: ValidationError) -> str:
    unknown = sorted(set(error.instance) - set(error.schema.get("properties", {})))
    return f"object instance has properties which are not allowed by the schema: {_list(unknown)}"


def _max_items(error: ValidationError) -> str:
    most, found = error.validator_value, len(error.instance)
    return f"array is too long: must have at most {most} elements but instance has {found} elements"


def _min_items(error: ValidationError) -> str:
    fewest, found = error.validator_value, len(error.instance)
    return f"array is too short: must have at least {fewest} elements but instance has {found} elements"


def _list(names: Sequence[str]) -> str:
    return json.dumps(names, separators=(",", ":"))


def _type_of(value: Any) -> str:
    kinds = {dict: "object", list: "array", str: "string", bool: "boolean", int: "integer", float: "number"}
    return kinds.get(type(value), "null")


_WORDS: Mapping[str, Callable[[ValidationError], str]] = {
    "additionalProperties": _additional,
    "maxItems": _max_items,
    "minItems": _min_items,
    "required": _required,
    "type": _type,
}

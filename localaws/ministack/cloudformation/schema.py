"""What a resource's properties may be: CloudFormation's own schemas, as cfn-lint brings them along.

CloudFormation checks the properties of a resource when it comes to it, with all references resolved, and words what is
wrong as the Java library "everit-org/json-schema" does. Numbers and booleans may be text, and the other way round:
parameters are text.

Only cfn-lint's data is used: one file of a few milliseconds for a type, instead of the half second that importing it
takes.
"""

import json
import operator
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft7Validator, ValidationError
from jsonschema.validators import extend

from localaws.account.cfn_lint import data_folder
from localaws.document import Document
from localaws.ministack.cloudformation.typed_values import as_text
from localaws.protocol.shapes import compiled, in_python
from localaws.settings import REGION

_JAVA_NAMES = {dict: "JSONObject", list: "JSONArray", str: "String", bool: "Boolean", int: "Integer", float: "Double"}


def check(resource_type: str, logical_id: str, properties: Mapping[str, Any]) -> None:
    """Refuse properties that the schema of a type does not allow; types without a schema are let through.

    Raises
    ------
    ValueError
        In CloudFormation's words.
    """
    validator = _validator(resource_type)
    if validator is None:
        return
    broken = [sentence for error in validator.iter_errors(properties) for sentence in _sentences(error)]
    broken += [f"#: extraneous key [{name}] is not permitted" for name in _read_only(resource_type) & set(properties)]
    if broken:
        message = "\n".join(sorted(broken))
        raise ValueError(f"Properties validation failed for resource {logical_id} with message:\n{message}")


def with_types(resource_type: str, properties: Document) -> Document:
    """Return properties with text where a type's schema has text, and booleans where it has booleans."""
    whole = _schema(resource_type)
    return properties if whole is None else _typed(whole, properties, whole)


def _typed(node: Document, value: Any, whole: Document) -> Any:
    if "$ref" in node:
        node = whole.get("definitions", {}).get(node["$ref"].rpartition("/")[2], {})
    if isinstance(value, dict):
        return {key: _typed(_member(node, key), item, whole) for key, item in value.items()}
    if isinstance(value, list):
        items = node.get("items", {})
        return [_typed(items if isinstance(items, dict) else {}, item, whole) for item in value]
    kind = node.get("type")
    # Of several types, as of a function's variables, CloudFormation makes text.
    if (kind == "string" or (isinstance(kind, list) and "string" in kind)) and isinstance(value, bool | int | float):
        return as_text(value)
    if kind == "boolean" and isinstance(value, str) and _is_boolean(None, value):
        return value.lower() == "true"
    return value


def _member(node: Document, name: str) -> Document:
    """Return the schema of an object's member; one without any type if the schema says nothing of it."""
    patterns = node.get("patternProperties", {})
    matching = (found for pattern, found in patterns.items() if (made := compiled(pattern)) and made.search(name))
    found: Any = node.get("properties", {}).get(name) or next(matching, None) or node.get("additionalProperties")
    return found if isinstance(found, dict) else {}


def text(resource_type: str) -> str | None:
    """Return the schema of a type as CloudFormation publishes it; None for a type without one."""
    name = _files().get(resource_type)
    return None if name is None else (_folder() / "resources" / f"{name}.json").read_text()


def create_only(resource_type: str) -> frozenset[str]:
    """Return the properties of a type whose change replaces the resource."""
    return _properties(resource_type, "createOnlyProperties")


def _read_only(resource_type: str) -> frozenset[str]:
    return _properties(resource_type, "readOnlyProperties")


def _properties(resource_type: str, member: str) -> frozenset[str]:
    """Return those that a schema lists as ``/properties/Name``; deeper ones are left out."""
    pointers = (pointer.split("/") for pointer in (_schema(resource_type) or {}).get(member, ()))
    return frozenset(parts[2] for parts in pointers if len(parts) == len(("", "properties", "Name")))


def _folder() -> Path:
    return data_folder() / "schemas"


@cache
def _files() -> Mapping[str, str]:
    """Return the file of each type, by the region's list."""
    found: dict[str, str] = json.loads((_folder() / "providers" / f"{REGION}.json").read_text())
    return found


@cache
def _schema(resource_type: str) -> Document | None:
    published = text(resource_type)
    if published is None:
        return None
    found: Document = json.loads(published, object_hook=_with_own_patterns)
    return found


def _with_own_patterns(node: Document) -> Document:
    """Return a node with its patterns of names as Python's `re` takes them; one that Python lacks matches all names."""
    named = node.get("patternProperties")
    if named is None:
        return node
    return {**node, "patternProperties": {in_python(key) if compiled(key) else "": named[key] for key in named}}


@cache
def _validator(resource_type: str) -> Draft7Validator | None:
    schema = _schema(resource_type)
    return None if schema is None else _Validator(schema)


def _is_integer(_checker: object, value: object) -> bool:
    return (isinstance(value, int) and not isinstance(value, bool)) or _reads(value, int)


def _is_number(_checker: object, value: object) -> bool:
    return (isinstance(value, int | float) and not isinstance(value, bool)) or _reads(value, float)


def _is_boolean(_checker: object, value: object) -> bool:
    return isinstance(value, bool) or (isinstance(value, str) and value.lower() in ("true", "false"))


def _is_string(_checker: object, value: object) -> bool:
    return isinstance(value, str | int | float)


def _reads(value: object, kind: type[int] | type[float]) -> bool:
    try:
        return isinstance(value, str) and kind(value) is not None
    except ValueError:
        return False


def _pattern(_validator: object, pattern: str, value: object, _schema: object) -> Iterator[ValidationError]:
    if isinstance(value, str) and (found := compiled(pattern)) and not found.search(value):
        yield ValidationError(f"string [{value}] does not match pattern {pattern}")


def _length(rule: str, fits: Callable[[int, int], bool]) -> Any:
    """Return a check of the length of text; a number in its place has no length."""

    def check_length(_validator: object, limit: int, value: object, _schema: object) -> Iterator[ValidationError]:
        if isinstance(value, str) and not fits(len(value), limit):
            yield ValidationError(f"expected {rule}: {limit}, actual: {len(value)}")

    return check_length


def _bound(words: str, fits: Callable[[float, float], bool]) -> Any:
    """Return a check of the size of a number, which may be written as text."""

    def check_bound(validator: Any, limit: float, value: Any, _schema: object) -> Iterator[ValidationError]:
        if validator.is_type(value, "number") and not fits(float(value), limit):
            yield ValidationError(f"{value} is not {words} {limit}")

    return check_bound


def _enum(_validator: object, allowed: list[object], value: object, _schema: object) -> Iterator[ValidationError]:
    """Check a value against an enumeration; text may stand for a number or a boolean."""
    if value not in allowed and str(value) not in {json.dumps(each).strip('"') for each in allowed}:
        yield ValidationError(f"{value} is not a valid enum value")


_Validator = extend(
    Draft7Validator,
    {
        "pattern": _pattern,
        "enum": _enum,
        "minLength": _length("minLength", operator.ge),
        "maxLength": _length("maxLength", operator.le),
        "minimum": _bound("greater or equal to", operator.ge),
        "maximum": _bound("less or equal to", operator.le),
    },
    type_checker=Draft7Validator.TYPE_CHECKER.redefine_many(
        {"integer": _is_integer, "number": _is_number, "boolean": _is_boolean, "string": _is_string}
    ),
)


def _sentences(error: ValidationError) -> Iterator[str]:
    """Yield what is wrong at one place, in CloudFormation's words."""
    place = "#" + "".join(f"/{part}" for part in error.absolute_path)
    value, rule, limit = error.instance, str(error.validator), error.validator_value
    if rule == "additionalProperties":
        for name in sorted(set(value) - set(error.schema.get("properties", {}))):
            yield f"{place}: extraneous key [{name}] is not permitted"
    elif rule == "required":
        # One error for each key that is missing; jsonschema only says it in words.
        yield f"{place}: required key [{error.message.split(chr(39))[1]}] not found"
    else:
        yield f"{place}: {_WORDS.get(rule, lambda *_: error.message)(value, limit, error)}"


def _type_sentence(value: object, expected: object, _: ValidationError) -> str:
    names = expected if isinstance(expected, list) else [expected]
    wanted = {"object": "JSONObject", "array": "JSONArray"}
    shown = " or ".join(wanted.get(str(name), str(name).capitalize()) for name in names)
    return f"expected type: {shown}, found: {_JAVA_NAMES.get(type(value), 'Null')}"


_WORDS: Mapping[str, Any] = {
    "type": _type_sentence,
    "minItems": lambda value, limit, _: f"expected minimum item count: {limit}, found: {len(value)}",
    "maxItems": lambda value, limit, _: f"expected maximum item count: {limit}, found: {len(value)}",
    "uniqueItems": lambda *_: "array items are not unique",
    "oneOf": lambda *found: f"{_matching(found[2])} subschemas matched instead of one",
    "anyOf": lambda _, limit, __: f"no subschema matched out of the total {len(limit)} subschemas",
}


def _matching(error: ValidationError) -> int:
    """Return how many schemas of a oneOf match; an error without context means more than one."""
    return 0 if error.context else 2

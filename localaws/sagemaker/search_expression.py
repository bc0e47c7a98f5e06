"""Whether a document matches a SearchExpression. Pure functions over documents.

::

    expression   Filters, NestedFilters and SubExpressions, joined by And (the default) or Or
    filter       Name Operator Value: the name is a path through maps, structures and lists
    nested       filters that one item of a list must pass together

Values are compared by type: times as ISO 8601, numbers as numbers, strings as strings, which have no order; a
hyperparameter that holds a number is one. A missing value passes only NotExists and NotEquals.
"""

import math
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from localaws.document import Document
from localaws.sagemaker.errors import ValidationError

_WITHOUT_VALUE = ("Exists", "NotExists")
_PARAMETER_VALUES = ("NumberValue", "StringValue")


def check(expression: Document, properties: frozenset[str]) -> None:
    """Refuse an expression that names a property which the resource does not have, or lacks a value.

    Parameters
    ----------
    expression : dict
        A SearchExpression whose shape is valid.
    properties : frozenset of str
        The first words that the names in it may have.

    Raises
    ------
    ValidationError
    """
    for one in _filters(expression):
        name, operator = one["Name"], one.get("Operator", "Equals")
        if name.partition(".")[0] not in properties:
            raise ValidationError(f"Unknown property name: {name}. There are {', '.join(sorted(properties))}")
        if (operator in _WITHOUT_VALUE) == ("Value" in one):
            fault = "takes no Value" if operator in _WITHOUT_VALUE else "needs a Value"
            raise ValidationError(f"The filter on {name} with the operator {operator} {fault}")
        if _is_time(name) and "Value" in one:
            for text in _wanted(operator, one["Value"]):
                _seconds(text, name)


def _filters(expression: Document) -> Iterator[Document]:
    yield from expression.get("Filters") or []
    for nested in expression.get("NestedFilters") or []:
        yield from nested["Filters"]
    for inner in expression.get("SubExpressions") or []:
        yield from _filters(inner)


def matches(expression: Document, document: Document) -> bool:
    """Return whether a document matches an expression."""
    outcomes = [
        *(_passes(one, document) for one in expression.get("Filters") or []),
        *(_passes_nested(one, document) for one in expression.get("NestedFilters") or []),
        *(matches(one, document) for one in expression.get("SubExpressions") or []),
    ]
    if not outcomes:
        return True
    return any(outcomes) if expression.get("Operator") == "Or" else all(outcomes)


def values(node: Any, path: str) -> Iterator[Any]:
    """Yield all values at a dotted path; keys of maps may contain dots themselves."""
    if isinstance(node, list):
        for item in node:
            yield from values(item, path)
    elif not path:
        yield _plain(node)
    elif isinstance(node, dict):
        words = path.split(".")
        for count in range(len(words), 0, -1):
            key = ".".join(words[:count])
            if key in node:
                yield from values(node[key], ".".join(words[count:]))
                return


def _plain(node: Any) -> Any:
    """Return a plain value; a trial component's parameter is a structure of one value."""
    if isinstance(node, dict) and len(node) == 1 and next(iter(node)) in _PARAMETER_VALUES:
        return next(iter(node.values()))
    return node


def _passes_nested(nested: Document, document: Document) -> bool:
    path = nested["NestedPropertyName"]
    items = list(_items(document, path.split(".")))
    return any(all(_passes(one, _placed(item, path.split("."))) for one in nested["Filters"]) for item in items)


def _items(node: Any, words: list[str]) -> Iterator[Any]:
    if isinstance(node, list):
        for item in node:
            yield from _items(item, words)
    elif not words:
        yield node
    elif isinstance(node, dict) and words[0] in node:
        yield from _items(node[words[0]], words[1:])


def _placed(item: Any, words: list[str]) -> Document:
    """Return an item under the path that the filters' names begin with."""
    for word in reversed(words):
        item = {word: item}
    return dict(item)


def _passes(one: Document, document: Document) -> bool:
    name, operator = one["Name"], one.get("Operator", "Equals")
    found = [value for value in values(document, name) if value is not None]
    if operator in _WITHOUT_VALUE:
        return bool(found) is (operator == "Exists")
    wanted = list(_wanted(operator, one["Value"]))
    if operator == "NotEquals":
        return not any(_compare(value, "Equals", text, name) for value in found for text in wanted)
    return any(_compare(value, operator, text, name) for value in found for text in wanted)


def _wanted(operator: str, value: str) -> list[str]:
    return [text.strip() for text in value.split(",")] if operator == "In" else [value]


def _compare(value: Any, operator: str, text: str, name: str) -> bool:
    if operator == "Contains":
        return isinstance(value, str) and text in value
    if isinstance(value, bool):
        return operator in ("Equals", "In") and text.lower() == str(value).lower()
    wanted = _seconds(text, name) if _is_time(name) else _number(text)
    number = _number(value) if not isinstance(value, str) or name.startswith("HyperParameters.") else None
    if number is None or wanted is None:
        return operator in ("Equals", "In") and bool(value == text)
    outcomes = {
        "Equals": number == wanted,
        "In": number == wanted,
        "GreaterThan": number > wanted,
        "GreaterThanOrEqualTo": number >= wanted,
        "LessThan": number < wanted,
        "LessThanOrEqualTo": number <= wanted,
    }
    return outcomes[operator]


def _is_time(name: str) -> bool:
    return "." not in name and name.endswith("Time")


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def _seconds(text: str, name: str) -> float:
    number = _number(text)
    if number is not None:
        return number
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ValidationError(f"Value '{text}' of {name} is not an ISO 8601 time like 2026-01-31T12:00:00Z") from error
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()

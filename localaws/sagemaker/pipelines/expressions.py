"""The expressions of a pipeline definition: their references, their values, and whether a condition holds.

Pure functions over JSON; what must be read from elsewhere is passed in with the `Scope`.
"""

import json
import operator
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from localaws.document import Document
from localaws.protocol.shapes import DYNAMIC

_PATH_PART = re.compile(r"\.?([^.\[\]]+)|\['([^']*)'\]|\[(\d+)\]")


_COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "GreaterThan": operator.gt,
    "GreaterThanOrEqualTo": operator.ge,
    "LessThan": operator.lt,
    "LessThanOrEqualTo": operator.le,
}


@dataclass(frozen=True)
class Scope:
    """The values that expressions are resolved against.

    Attributes
    ----------
    parameters : mapping
        Values by name.
    execution : mapping
        The facts of the execution, such as ``PipelineExecutionId``.
    properties : mapping of str to dict
        The Describe response for each finished step's job.
    read_property_file : callable
        Takes a step's name and a property file's name; returns the parsed JSON.
    read_s3_json : callable
        Takes an S3 URI; returns the parsed JSON.
    """

    parameters: Mapping[str, Any]
    execution: Mapping[str, Any]
    read_property_file: Callable[[str, str], Any]
    read_s3_json: Callable[[str], Any]
    properties: Mapping[str, Document] = field(default_factory=dict)


class UnresolvedError(Exception):
    """An expression has no value; the message says which and why."""


def referred_steps(node: Any) -> Iterator[str]:
    """Yield the steps that the expressions in a document refer to."""
    for reference in references(node):
        if reference.startswith("Steps."):
            yield path_of(reference)[1]


def references(node: Any) -> Iterator[str]:
    """Yield the references of the ``Get`` expressions in a document, such as ``Parameters.Threshold``."""
    if isinstance(node, dict):
        if set(node) == {"Get"} and isinstance(node["Get"], str):
            yield node["Get"]
        else:
            for value in node.values():
                yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def json_gets(node: Any) -> Iterator[Document]:
    """Yield what the ``Std:JsonGet`` expressions in a document say."""
    if isinstance(node, dict) and set(node) == {"Std:JsonGet"} and isinstance(node["Std:JsonGet"], dict):
        yield node["Std:JsonGet"]
    for value in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from json_gets(value)


def path_of(text: str) -> list[str]:
    """Split a reference into its parts: names, ``['keys']`` and ``[positions]``."""
    return [next(part for part in match.groups() if part is not None) for match in _PATH_PART.finditer(text)]


def resolve(node: Any, scope: Scope) -> Any:
    """Return a document with every expression replaced by its value.

    Raises
    ------
    UnresolvedError
        If an expression has no value.
    """
    if isinstance(node, list):
        return [resolve(item, scope) for item in node]
    if not isinstance(node, dict):
        return node
    if len(node) == 1 and next(iter(node)) in DYNAMIC:
        return _value(node, scope)
    return {key: resolve(value, scope) for key, value in node.items()}


def _value(node: Document, scope: Scope) -> Any:
    if "Get" in node:
        return _get(node["Get"], scope)
    if "Std:Join" in node:
        join = node["Std:Join"]
        return join["On"].join(as_text(resolve(value, scope)) for value in join["Values"])
    source = node["Std:JsonGet"]
    if "PropertyFile" in source:
        _, step, _, name = path_of(source["PropertyFile"]["Get"])
        document, where = scope.read_property_file(step, name), f"property file '{name}' of step '{step}'"
    else:
        uri = resolve(source["S3Uri"], scope)
        document, where = scope.read_s3_json(uri), uri
    return follow(document, path_of(source["Path"]), f"'{source['Path']}' in the {where}")


def _get(reference: str, scope: Scope) -> Any:
    root, *rest = path_of(reference)
    if root == "Parameters":
        return scope.parameters[rest[0]]
    if root == "Execution":
        return scope.execution[rest[0]]
    if rest[0] not in scope.properties:
        raise UnresolvedError(f"'{reference}' has no value: step '{rest[0]}' did not run")
    return follow(scope.properties[rest[0]], rest[1:], f"'{reference}'")


def follow(node: Any, path: Sequence[str], what: str) -> Any:
    """Return the value at a path inside a document; `what` names it in the error if there is none."""
    for part in path:
        holder, node = node, _child(node, part)
        if node is None:
            null = isinstance(holder, dict) and part in holder
            raise UnresolvedError(f"{what} has no value: " + (f"'{part}' is null" if null else f"there is no '{part}'"))
    return node


def _child(node: Any, part: str) -> Any:
    if isinstance(node, dict):
        return node.get(part)
    if isinstance(node, list):
        if part.isdigit():
            return node[int(part)] if int(part) < len(node) else None
        # Outputs['train'] is the output whose OutputName is train
        return next((item for item in node if isinstance(item, dict) and part in _names(item)), None)
    return None


def _names(item: Document) -> list[Any]:
    return [value for key, value in item.items() if key.endswith("Name")]


def as_text(value: Any) -> str:
    """Return a value as Std:Join writes it: strings unchanged, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value)


def holds(condition: Document, scope: Scope) -> bool:
    """Return whether a condition of a condition step is true.

    Raises
    ------
    UnresolvedError
        If a value is missing, or if two values cannot be compared.
    """
    kind = condition["Type"]
    if kind == "Not":
        return not holds(condition["Condition"], scope)
    if kind == "Or":
        return any(holds(nested, scope) for nested in condition["Conditions"])
    if kind == "In":
        return resolve(condition["QueryValue"], scope) in resolve(condition["Values"], scope)
    left, right = resolve(condition["LeftValue"], scope), resolve(condition["RightValue"], scope)
    if kind == "Equals":
        return bool(left == right)
    try:
        return bool(_COMPARISONS[kind](left, right))
    except TypeError as error:
        raise UnresolvedError(f"{left!r} and {right!r} cannot be compared with {kind}") from error

"""A model, compiled: whether a body satisfies it, and what is wrong with it if not.

A body is JSON or not before any function runs. API Gateway takes it as text in UTF-8 and reads that with Jackson:
``NaN``, a byte order mark, UTF-16 and anything after the document are no JSON; of two members with one name the last
counts; numbers have any size.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from graphlib import CycleError, TopologicalSorter
from itertools import islice
from typing import Any, Self
from urllib.parse import unquote

import orjson
from jsonschema_rs import Draft4Validator, ReferencingError, ValidationError

from localaws.ministack.apigateway import body_errors

_NO_JSON = "[the body is not JSON]"
# All errors of a body are found at once, and each costs something: a larger body is told its first one.
_EXPLAINED_BYTES = 32_768
_LARGEST = 1.7e308
_LONE_SURROGATE = re.compile(r"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")
_LONG_INTEGER = re.compile(rb"[0-9]{19}")
_SUBSCHEMAS = ("allOf", "anyOf", "oneOf")
# What the messages of keywords without words of ours call the value: it may be large.
_MASK = "the value"


@dataclass(frozen=True)
class Model:
    """A model's schema, and those of the models that it refers to.

    Attributes
    ----------
    schema : JSON schema, draft 4
    others : mapping of str to JSON schema
        By the URL that the references name.
    """

    schema: Any
    others: Mapping[str, Any]

    def text(self) -> str:
        """Return it as JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def of_text(cls, text: str) -> Self:
        """Return what `text` has written."""
        return cls(**json.loads(text))


@lru_cache(maxsize=64)
def compiled(text: str) -> Draft4Validator | None:
    """Return the validator of a model's text; None if it has no meaning, or applies itself to one value for ever."""
    model = Model.of_text(text)
    try:
        if _applies_itself(model):
            return None
        return Draft4Validator(model.schema, retriever=lambda url: model.others[url], mask=_MASK)
    except (ValidationError, ReferencingError, ValueError, KeyError):
        return None


def objection(text: str, body: bytes) -> str | None:
    """Say what a model has against a body; None if nothing.

    Parameters
    ----------
    text : str
        That of a model which `compiled` compiles.
    body : bytes

    Returns
    -------
    str or None
        At most five errors, in brackets; of a large body the first.
    """
    validator = compiled(text)
    if validator is None:
        raise ValueError(f"no model: {text}")
    try:
        document = _document(body, exact='"integer"' in text)
    except (ValueError, RecursionError):
        return _NO_JSON
    if validator.is_valid(document):
        return None
    if len(body) <= _EXPLAINED_BYTES:
        return body_errors.words(list(islice(validator.iter_errors(document), 5)), document)
    try:
        validator.validate(document)
    except ValidationError as error:
        return body_errors.words([error], document)
    return None


def _document(body: bytes, *, exact: bool) -> Any:
    """Return the document in a body; ValueError if it is none. `exact` keeps integers of more than 64 bits apart."""
    if exact and _LONG_INTEGER.search(body):
        return _read_slowly(body)
    try:
        return orjson.loads(body)
    except ValueError:
        return _read_slowly(body)


def _read_slowly(body: bytes) -> Any:
    """Read what orjson does not take and Jackson does: numbers of any size, and halves of surrogate pairs."""
    text = _LONE_SURROGATE.sub(r"\\ufffd", body.decode())
    return json.loads(text, parse_float=_finite, parse_constant=_refuse)


def _finite(number: str) -> float:
    return min(max(float(number), -_LARGEST), _LARGEST)


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def _applies_itself(model: Model) -> bool:
    """Return whether a schema leads back to itself with no step into the value: API Gateway answers 500 then."""
    graph: dict[int, list[int]] = {}
    for root in (model.schema, *model.others.values()):
        for schema in _objects(root):
            graph[id(schema)] = [id(each) for each in _applied(schema, root, model.others)]
    try:
        TopologicalSorter(graph).prepare()
    except CycleError:
        return True
    return False


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    for child in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _objects(child)


def _applied(schema: Mapping[str, Any], root: Any, others: Mapping[str, Any]) -> Iterator[Any]:
    """Yield the schemas that a schema applies to the value that it is applied to itself."""
    if isinstance(reference := schema.get("$ref"), str):
        url, _, pointer = reference.partition("#")
        yield _at(others.get(url) if url else root, pointer)
        return
    for keyword in _SUBSCHEMAS:
        yield from schema.get(keyword) or ()
    yield schema.get("not")
    dependencies = schema.get("dependencies")
    yield from dependencies.values() if isinstance(dependencies, dict) else ()


def _at(document: Any, pointer: str) -> Any:
    for part in filter(None, pointer.split("/")):
        name = unquote(part).replace("~1", "/").replace("~0", "~")
        if isinstance(document, list):
            document = document[int(name)] if name.isdecimal() and int(name) < len(document) else None
        else:
            document = document.get(name) if isinstance(document, dict) else None
    return document

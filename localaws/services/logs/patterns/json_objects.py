"""Patterns of JSON: ``{ ($.level = "ERROR" || $.ms >= 8) && $.user.id NOT EXISTS }``."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import orjson

from localaws.services.logs.patterns.operand import OPERATORS, checked
from localaws.services.logs.patterns.scanner import Scanner

_PART = re.compile(r"""\.([^.\[\]]+)|\.?\[\s*(?:"([^"]*)"|'([^']*)'|(\d+)|(\*))\s*\]""")

Test = Callable[[Any], bool]
Step = str | int | None
"""A member's name, an index, or None for every item."""


class JsonObjects:
    """A pattern of JSON objects.

    Parameters
    ----------
    text : str

    Raises
    ------
    ValueError
    """

    contains: Sequence[Sequence[str]] = ()

    def __init__(self, text: str) -> None:
        if not text.endswith("}"):
            raise ValueError("it begins with { and does not end with }")
        self._selectors: list[str] = []
        scanner = Scanner(text[1:-1])
        self._test = self._alternatives(scanner)
        if (left := scanner.peek()) is not None:
            raise ValueError(f"cannot read {left.text!r}")

    def matches(self, message: str) -> bool:
        """Return whether a message matches; one that is no JSON does not."""
        document = _parsed(message)
        return document is not None and self._test(document)

    def value(self, selector: str, message: str) -> str | None:
        """Return what ``$.latency`` stands for in a message."""
        document = _parsed(message)
        found = () if document is None else select(document, steps(selector))
        return next((_text(each) for each in found if not isinstance(each, dict | list)), None)

    def values(self, message: str) -> Mapping[str, str]:
        """Return what the pattern's selectors stand for in a message."""
        found = {selector: self.value(selector, message) for selector in self._selectors}
        return {selector: value for selector, value in found.items() if value is not None}

    def _alternatives(self, scanner: Scanner) -> Test:
        tests = [self._conditions(scanner)]
        while scanner.takes("||"):
            tests.append(self._conditions(scanner))
        return tests[0] if len(tests) == 1 else lambda document: any(test(document) for test in tests)

    def _conditions(self, scanner: Scanner) -> Test:
        tests = [self._condition(scanner)]
        while scanner.takes("&&"):
            tests.append(self._condition(scanner))
        return tests[0] if len(tests) == 1 else lambda document: all(test(document) for test in tests)

    def _condition(self, scanner: Scanner) -> Test:
        if scanner.takes("("):
            test = self._alternatives(scanner)
            if not scanner.takes(")"):
                raise ValueError("a ) is missing")
            return test
        token = scanner.take()
        if token.kind != "word" or not token.text.startswith("$"):
            raise ValueError(f"a selector such as $.level is expected, not {token.text!r}")
        self._selectors.append(token.text)
        path = steps(token.text)
        if sign := scanner.takes(*OPERATORS):
            operand = checked(sign, scanner.take().operand)
            return lambda document: any(
                _is_comparable(value, operand.quoted) and operand.compare(sign, _text(value))
                for value in select(document, path)
            )
        return _state(scanner, path)


def _state(scanner: Scanner, path: Sequence[Step]) -> Test:
    """Return the test of IS NULL, IS TRUE, IS FALSE, EXISTS or NOT EXISTS."""
    if scanner.takes("IS"):
        states = {"NULL": None, "TRUE": True, "FALSE": False}
        word = scanner.takes(*states)
        if word is None:
            raise ValueError("IS is followed by NULL, TRUE or FALSE")
        wanted = states[word]
        return lambda document: any(value is wanted for value in select(document, path))
    is_there = scanner.takes("NOT") is None
    if scanner.takes("EXISTS") is None:
        raise ValueError("a selector is followed by a comparison, IS NULL, IS TRUE, IS FALSE, EXISTS or NOT EXISTS")
    return lambda document: any(True for _ in select(document, path)) == is_there


def steps(selector: str) -> Sequence[Step]:
    """Return the way that a selector such as ``$.users[0].id`` describes.

    Raises
    ------
    ValueError
    """
    found: list[Step] = []
    position = 1
    while position < len(selector):
        part = _PART.match(selector, position)
        if part is None or not selector.startswith("$"):
            raise ValueError(f"{selector} is no selector")
        member = next((text for text in part.group(1, 2, 3) if text is not None), None)
        found.append(int(part[4]) if part[4] else None if member in (None, "*") else member)
        position = part.end()
    return found


def select(document: Any, path: Sequence[Step]) -> Iterator[Any]:
    """Yield what a way leads to."""
    if not path:
        yield document
        return
    step, rest = path[0], path[1:]
    if step is None:
        items = document.values() if isinstance(document, dict) else document if isinstance(document, list) else ()
        for item in items:
            yield from select(item, rest)
    elif _has(document, step):
        yield from select(document[step], rest)


def _has(document: Any, step: str | int) -> bool:
    if isinstance(step, str):
        return isinstance(document, dict) and step in document
    return isinstance(document, list) and step < len(document)


def _parsed(message: str) -> Any:
    if not message.lstrip().startswith(("{", "[")):
        return None
    try:
        return orjson.loads(message)
    except ValueError:
        return None


def _is_comparable(value: Any, as_text: bool) -> bool:
    """Return whether a value is one that can be compared: a number is none with a quoted text."""
    return isinstance(value, str) or (isinstance(value, bool | int | float) and not as_text)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()

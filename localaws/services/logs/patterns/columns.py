"""Patterns of columns: ``[ip, user, ..., status = 4* || status = 5*, bytes > 1000]``.

A message is split at blanks; what stands between brackets or quotation marks is one column. It has as many columns as
the pattern, where ``...`` stands for any number.
"""

import re
from collections.abc import Callable, Mapping, Sequence

from localaws.services.logs.patterns.operand import OPERATORS, checked
from localaws.services.logs.patterns.scanner import Scanner

_COLUMN = re.compile(r'\[([^\]]*)\]|"((?:[^"\\]|\\.)*)"|(\S+)')
_REST = "..."

Test = Callable[[str], bool]


class Columns:
    """A pattern of columns.

    Parameters
    ----------
    text : str

    Raises
    ------
    ValueError
    """

    contains: Sequence[Sequence[str]] = ()

    def __init__(self, text: str) -> None:
        if not text.endswith("]"):
            raise ValueError("it begins with [ and does not end with ]")
        scanner = Scanner(text[1:-1])
        self._columns: list[tuple[str, Test]] = []
        while scanner.peek() is not None:
            self._columns.append(_column(scanner))
            if scanner.peek() is not None and scanner.takes(",") is None:
                raise ValueError(f"a comma is missing before {scanner.take().text!r}")
        if [name for name, _ in self._columns].count(_REST) > 1:
            raise ValueError("... may stand in it once")
        if not self._columns:
            raise ValueError("it has no column")

    def matches(self, message: str) -> bool:
        """Return whether a message matches."""
        paired = self._paired(message)
        return paired is not None and all(test(value) for (_, test), value in paired)

    def value(self, selector: str, message: str) -> str | None:
        """Return what ``$bytes`` stands for in a message."""
        return self.values(message).get(selector)

    def values(self, message: str) -> Mapping[str, str]:
        """Return the columns of a message by ``$`` and their names; unnamed ones by their numbers."""
        paired = self._paired(message) or ()
        return {f"${name or number}": value for number, ((name, _), value) in enumerate(paired, start=1)}

    def _paired(self, message: str) -> list[tuple[tuple[str, Test], str]] | None:
        """Return the columns of the pattern with those of a message; None if these are too many or too few."""
        found = [next(part for part in match.groups() if part is not None) for match in _COLUMN.finditer(message)]
        names = [name for name, _ in self._columns]
        if _REST not in names:
            return list(zip(self._columns, found, strict=True)) if len(found) == len(names) else None
        at = names.index(_REST)
        behind = len(names) - at - 1
        if len(found) < at + behind:
            return None
        ends = list(zip(self._columns[at + 1 :], found[len(found) - behind :], strict=True)) if behind else []
        return [*zip(self._columns[:at], found, strict=False), *ends]


def _column(scanner: Scanner) -> tuple[str, Test]:
    """Return a column's name and what its value has to be."""
    token = scanner.peek()
    if token is None or (token.kind == "sign" and token.text != "("):
        return "", _anything  # two commas: a column without a name
    if token.text == _REST:
        scanner.take()
        return _REST, _anything
    if token.kind == "word" and token.text.startswith("("):
        raise ValueError(f"cannot read {token.text!r}")
    name, test = _alternatives(scanner)
    return name, test


def _alternatives(scanner: Scanner) -> tuple[str, Test]:
    name, first = _conditions(scanner)
    tests = [first]
    while scanner.takes("||"):
        tests.append(_conditions(scanner)[1])
    return name, (first if len(tests) == 1 else lambda value: any(test(value) for test in tests))


def _conditions(scanner: Scanner) -> tuple[str, Test]:
    name, first = _condition(scanner)
    tests = [first]
    while scanner.takes("&&"):
        tests.append(_condition(scanner)[1])
    return name, (first if len(tests) == 1 else lambda value: all(test(value) for test in tests))


def _condition(scanner: Scanner) -> tuple[str, Test]:
    if scanner.takes("("):
        name, test = _alternatives(scanner)
        if not scanner.takes(")"):
            raise ValueError("a ) is missing")
        return name, test
    token = scanner.take()
    if token.kind != "word":
        raise ValueError(f"a column's name is expected, not {token.text!r}")
    sign = scanner.takes(*OPERATORS)
    if sign is None:
        return token.text, _anything
    operand = checked(sign, scanner.take().operand)
    return token.text, lambda value: operand.compare(sign, value)


def _anything(_value: str) -> bool:
    return True

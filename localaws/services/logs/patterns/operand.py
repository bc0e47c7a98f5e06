"""What a filter pattern compares with: words, numbers, texts with ``*``, and regular expressions between ``%``."""

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import regex

_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
OPERATORS = ("!=", "<=", ">=", "=", "<", ">")
# "Supported regular expressions syntax": alphanumeric characters, some symbols, the operators without parentheses.
_SUPPORTED = re.compile(r"[A-Za-z0-9:_#=@/;,\-^$?\[\]{}|\\*+.\s]+")
# Patterns without groups match soon, but for long rows of ".*"; then a message is taken not to match.
_SECONDS = 0.25


class Expression:
    """A regular expression, found anywhere in a text.

    Parameters
    ----------
    pattern : str
        Without the ``%`` around it.

    Raises
    ------
    ValueError
        It is none that CloudWatch Logs has.
    """

    def __init__(self, pattern: str) -> None:
        if not _SUPPORTED.fullmatch(pattern):
            raise ValueError(f"the regular expression %{pattern}% has characters that are not supported in it")
        try:
            self._compiled = regex.compile(pattern, regex.ASCII)
        except regex.error as error:
            raise ValueError(f"%{pattern}% is no regular expression: {error}") from error

    def is_in(self, text: str) -> bool:
        """Return whether it matches somewhere in a text."""
        try:
            return self._compiled.search(text, timeout=_SECONDS, concurrent=True) is not None
        except TimeoutError:
            return False


@dataclass(frozen=True)
class Operand:
    """The right side of a comparison.

    Attributes
    ----------
    text : str
    quoted : bool
        Whether it stood between quotation marks: then it is never a number.
    expression : Expression or None
        What stood between ``%``.
    """

    text: str
    quoted: bool = False
    expression: Expression | None = None

    @cached_property
    def number(self) -> float | None:
        """What it is as a number; None if it is none."""
        return None if self.quoted or self.expression else number(self.text)

    @cached_property
    def _wildcard(self) -> re.Pattern[str] | None:
        if "*" not in self.text:
            return None
        return re.compile(".*?".join(re.escape(part) for part in self.text.split("*")), re.DOTALL)

    def equals(self, value: str) -> bool:
        """Return whether a text is equal; ``*`` stands for any characters."""
        if self.expression is not None:
            return self.expression.is_in(value)
        if self._wildcard is not None:
            return self._wildcard.fullmatch(value) is not None
        if self.number is not None and (other := number(value)) is not None:
            return self.number == other
        return value == self.text

    def compare(self, sign: str, value: str) -> bool:
        """Return whether ``value SIGN operand`` holds; only numbers are less or greater."""
        if sign in ("=", "!="):
            return self.equals(value) == (sign == "=")
        other = number(value)
        return self.number is not None and other is not None and _COMPARE[sign](other, self.number)


def checked(sign: str, operand: Operand) -> Operand:
    """Return an operand that a sign can be put before.

    Raises
    ------
    ValueError
    """
    if sign not in ("=", "!=") and operand.number is None:
        raise ValueError(f"{sign} needs a number, and {operand.text!r} is none")
    return operand


def number(text: str) -> float | None:
    """Return the number that a text is; None if it is none."""
    try:
        return float(text) if _NUMBER.fullmatch(text) else None
    except ValueError:
        return None


_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")

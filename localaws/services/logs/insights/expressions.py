"""What the commands of Logs Insights compute with: operators and functions, as callables of a row."""

import math
import operator
import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import cast

import regex

from localaws.services.logs.insights.fields import Row, Value, milliseconds_of, moment, number, text

Expression = Callable[[Row], Value]
_MATCH_SECONDS = 0.25

_UNITS = {
    "ms": 1.0,
    "s": 1e3,
    "sec": 1e3,
    "second": 1e3,
    "seconds": 1e3,
    "m": 6e4,
    "min": 6e4,
    "mins": 6e4,
    "minute": 6e4,
    "minutes": 6e4,
    "h": 3.6e6,
    "hr": 3.6e6,
    "hour": 3.6e6,
    "hours": 3.6e6,
    "d": 8.64e7,
    "day": 8.64e7,
    "days": 8.64e7,
    "w": 6.048e8,
    "week": 6.048e8,
    "weeks": 6.048e8,
}
_PERIOD = re.compile(r"(\d+)\s*([a-z]+)")


def period(written: str) -> float:
    """Return the milliseconds of a period such as ``5m``.

    Raises
    ------
    ValueError
    """
    found = _PERIOD.fullmatch(written.strip().lower())
    if found is None or found[2] not in _UNITS or not int(found[1]):
        raise ValueError(f"{written} is no period such as 5m: units are ms, s, m, h, d, w")
    return int(found[1]) * _UNITS[found[2]]


def arithmetic(sign: str, left: Expression, right: Expression) -> Expression:
    """Return ``left SIGN right`` for ``+ - * / % ^``; None where one is no number, or at a division by zero."""
    compute = {
        "+": operator.add,
        "-": operator.sub,
        "*": operator.mul,
        "/": operator.truediv,
        "%": math.fmod,
        "^": math.pow,
    }[sign]

    def evaluate(row: Row) -> Value:
        one, other = number(left(row)), number(right(row))
        try:
            return None if one is None or other is None else float(compute(one, other))
        except (ArithmeticError, ValueError):
            return None

    return evaluate


_COMPARE: Mapping[str, Callable[[float, float], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
COMPARISONS = tuple(_COMPARE)


def comparison(sign: str, left: Expression, right: Expression) -> Expression:
    """Return ``left SIGN right``: of numbers where both are, else of texts; false where a field is missing."""
    compare = cast(Callable[[object, object], bool], _COMPARE[sign])

    def evaluate(row: Row) -> Value:
        one, other = left(row), right(row)
        if one is None or other is None:
            return False
        numbers = number(one), number(other)
        return compare(*numbers) if None not in numbers else compare(text(one), text(other))

    return evaluate


class Matcher:
    """A regular expression; a text that takes too long does not match.

    Raises
    ------
    ValueError
    """

    def __init__(self, pattern: str) -> None:
        try:
            self._compiled = regex.compile(pattern)
        except regex.error as error:
            raise ValueError(f"/{pattern}/ is no regular expression: {error}") from error

    @property
    def groups(self) -> Sequence[str]:
        """Return the names of its groups."""
        return list(self._compiled.groupindex)

    def find(self, value: str) -> "regex.Match[str] | None":
        """Return its first match in a text, or None."""
        try:
            return self._compiled.search(value, timeout=_MATCH_SECONDS, concurrent=True)
        except TimeoutError:
            return None


def like(left: Expression, pattern: str, *, is_expression: bool) -> Expression:
    """Return whether a field contains a text, or matches an expression."""
    if not is_expression:
        return lambda row: pattern in text(left(row))
    matcher = Matcher(pattern)
    return lambda row: matcher.find(text(left(row))) is not None


def is_in(left: Expression, items: Sequence[Expression]) -> Expression:
    """Return whether a field is one of several values."""
    equal = [comparison("=", left, item) for item in items]
    return lambda row: any(each(row) for each in equal)


def function(name: str, arguments: Sequence[Expression], periods: Sequence[str]) -> Expression:
    """Return a call of a function.

    Parameters
    ----------
    name : str
    arguments : sequence of expressions
    periods : sequence of str
        The arguments as they are written; some functions take a period.

    Raises
    ------
    ValueError
        There is none of the name, or it takes other arguments.
    """
    if name in ("bin", "datefloor", "dateceil"):
        return _rounded(name, arguments, periods)
    if name not in _FUNCTIONS:
        raise ValueError(f"{name} is not a function that local AWS has")
    compute, least, most = _FUNCTIONS[name]
    if not least <= len(arguments) <= most:
        raise ValueError(f"{name} takes {least if least == most else f'{least} to {most}'} arguments")
    return lambda row: compute([argument(row) for argument in arguments])


def _rounded(name: str, arguments: Sequence[Expression], periods: Sequence[str]) -> Expression:
    if len(arguments) != (1 if name == "bin" else 2):
        raise ValueError(f"{name} takes {'a period' if name == 'bin' else 'a time and a period'}")
    step = period(periods[-1])
    of = Row.timestamp if name == "bin" else lambda row: milliseconds_of(arguments[0](row))
    to_step = math.ceil if name == "dateceil" else math.floor

    def evaluate(row: Row) -> Value:
        at = of(row)
        return None if at is None else moment(to_step(at / step) * step)

    return evaluate


def _numeric(compute: Callable[..., float]) -> Callable[[Sequence[Value]], Value]:
    def evaluate(values: Sequence[Value]) -> Value:
        numbers = [number(value) for value in values]
        try:
            return None if None in numbers else float(compute(*numbers))
        except (ArithmeticError, ValueError):
            return None

    return evaluate


def _substring(values: Sequence[Value]) -> Value:
    start, length = int(number(values[1]) or 0), number(values[2]) if len(values) > 2 else None
    found = text(values[0])[start:]
    return found if length is None else found[: int(length)]


def _from_milliseconds(values: Sequence[Value]) -> Value:
    at = number(values[0])
    return None if at is None else moment(at)


def _first_there(values: Sequence[Value]) -> Value:
    return next((value for value in values if value is not None), None)


_MANY = 20
_FUNCTIONS: Mapping[str, tuple[Callable[[Sequence[Value]], Value], int, int]] = {
    "abs": (_numeric(abs), 1, 1),
    "ceil": (_numeric(math.ceil), 1, 1),
    "floor": (_numeric(math.floor), 1, 1),
    "greatest": (_numeric(max), 1, _MANY),
    "least": (_numeric(min), 1, _MANY),
    "log": (_numeric(math.log), 1, 1),
    "sqrt": (_numeric(math.sqrt), 1, 1),
    "strlen": (lambda values: float(len(text(values[0]))), 1, 1),
    "toupper": (lambda values: text(values[0]).upper(), 1, 1),
    "tolower": (lambda values: text(values[0]).lower(), 1, 1),
    "upper": (lambda values: text(values[0]).upper(), 1, 1),
    "lower": (lambda values: text(values[0]).lower(), 1, 1),
    "trim": (lambda values: text(values[0]).strip(text(values[1]) if len(values) > 1 else None), 1, 2),
    "ltrim": (lambda values: text(values[0]).lstrip(text(values[1]) if len(values) > 1 else None), 1, 2),
    "rtrim": (lambda values: text(values[0]).rstrip(text(values[1]) if len(values) > 1 else None), 1, 2),
    "concat": (lambda values: "".join(map(text, values)), 1, _MANY),
    "replace": (lambda values: text(values[0]).replace(text(values[1]), text(values[2])), 3, 3),
    "strcontains": (lambda values: text(values[1]) in text(values[0]), 2, 2),
    "substr": (_substring, 2, 3),
    "isempty": (lambda values: values[0] is None or text(values[0]) == "", 1, 1),
    "isblank": (lambda values: not text(values[0]).strip(), 1, 1),
    "ispresent": (lambda values: values[0] is not None, 1, 1),
    "coalesce": (_first_there, 1, _MANY),
    "frommillis": (_from_milliseconds, 1, 1),
    "tomillis": (lambda values: milliseconds_of(values[0]), 1, 1),
    "now": (lambda _: float(int(time.time())), 0, 0),
}

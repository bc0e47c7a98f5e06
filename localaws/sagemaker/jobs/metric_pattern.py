"""The regular expression of a metric: a user's, so it may take for ever; here it costs seconds, and nobody else's.

`regex` matches as `re` does, but without the interpreter's lock, and stops when its time is over.
"""

import logging
import math
import re
import time
from collections.abc import Iterator

import regex

logger = logging.getLogger(__name__)

_SECONDS = 10.0
_LINE_CHARACTERS = 64 * 1024
_FLAGS_OR_ALTERNATIVES = re.compile(r"\||\(\?[a-zA-Z]")
_LITERAL = re.compile(r"[A-Za-z0-9_#:=, -]*")


class MetricPattern:
    """The ``Regex`` of a ``MetricDefinition``: its first group is the number.

    A group that matches nothing, or something that is no finite number, gives no value.

    Parameters
    ----------
    name : str
        The metric's.
    pattern : str
    seconds : float, default=10
        What all its searches may take together; then it finds nothing any more.

    Raises
    ------
    ValueError
        It is no regular expression.
    """

    def __init__(self, name: str, pattern: str, seconds: float = _SECONDS) -> None:
        self.name, self._seconds = name, seconds
        try:
            self._pattern = regex.compile(pattern)
        except regex.error as error:
            raise ValueError(f"Regex '{pattern}' of metric '{name}': {error}") from error
        self._needed = literal_of(pattern)

    def values(self, line: str) -> Iterator[float]:
        """Yield the finite numbers that it finds in a line, of which it reads 65,536 characters."""
        if self._seconds <= 0 or self._needed not in line:
            return
        began = time.monotonic()
        try:
            text = line[:_LINE_CHARACTERS]
            found = [match[1] for match in self._pattern.finditer(text, concurrent=True, timeout=self._seconds)]
        except TimeoutError:
            logger.warning("Metric '%s' is given up: %r takes too long", self.name, self._pattern.pattern)
            self._seconds = 0.0
            return
        except IndexError:
            return
        self._seconds -= time.monotonic() - began
        yield from filter(math.isfinite, map(_number, found))


def literal_of(pattern: str) -> str:
    """Return a text that every match of an expression begins with; an empty one if that cannot be told at a glance.

    An algorithm of AWS has dozens of metrics, of which a line has two: to look for a text is a hundred times faster.
    """
    if _FLAGS_OR_ALTERNATIVES.search(pattern):
        return ""
    found = _LITERAL.match(pattern)
    return found[0][:-1] if found else ""  # a quantifier may follow the last character


def _number(text: str | None) -> float:
    try:
        return float(text or "nan")
    except ValueError:
        return math.nan

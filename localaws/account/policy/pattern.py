"""A text of a policy: wildcards ``*`` and ``?``, variables ``${aws:username}``, defaults ``${aws:username, 'nobody'}``.

1. A text is parsed into tokens once. ``${*}``, ``${?}`` and ``${$}`` are the characters themselves.
2. A variable stands for the value of a key of the request, taken literally; without value and default nothing matches.
3. Tokens become a matcher, which is kept: a comparison, or a regular expression that never goes back over a star, so
   that no text takes longer than its length times the pattern's.

Source: "IAM policy elements: Variables and tags" and "IAM JSON policy elements: Resource" in IAM's guide.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

Value = str | Sequence[str] | None
Lookup = Callable[[str], Value]
"""Takes a condition key in lower case; its value, its values, or None where the request has none."""

Match = Callable[[str], bool]

_MOST_KEPT = 8192
_VARIABLE = re.compile(r"\$\{([^}]*)\}")
_DEFAULTED = re.compile(r"\s*([^,]*?)\s*(?:,\s*'([^']*)'\s*)?")
_ARN_PARTS = 6


class Wildcard(Enum):
    """What a wildcard stands for."""

    ANY_TEXT = "*"
    ANY_CHARACTER = "?"


@dataclass(frozen=True, slots=True)
class Variable:
    """What a request knows.

    Attributes
    ----------
    key : str
        In lower case.
    default : str or None
        What it is where the request has no such key.
    """

    key: str
    default: str | None

    def value(self, lookup: Lookup) -> str | None:
        """Return what it stands for; None for nothing, and for a key with several values."""
        found = lookup(self.key)
        if found is None:
            return self.default
        return found if isinstance(found, str) else None


Token = str | Wildcard
Tokens = tuple[Token, ...]


class Comparison(Enum):
    """How a text is compared."""

    EXACT = "exact"
    IGNORE_CASE = "ignore case"
    ARN = "arn"


class Pattern:
    """A text of a policy.

    Parameters
    ----------
    text : str
    comparison : Comparison
    wildcards : bool
        Whether ``*`` and ``?`` stand for other characters.
    variables : bool
        Whether there are any: not in policies of the version 2008-10-17.
    """

    __slots__ = ("_comparison", "_fixed", "_tokens")

    def __init__(
        self, text: str, comparison: Comparison = Comparison.EXACT, *, wildcards: bool = True, variables: bool = True
    ) -> None:
        self._comparison = comparison
        self._tokens = _tokens(text, wildcards, variables)
        fixed = tuple(each for each in self._tokens if not isinstance(each, Variable))
        self._fixed = matcher(fixed, comparison) if len(fixed) == len(self._tokens) else None

    def matches(self, text: str, lookup: Lookup) -> bool:
        """Return whether a text of a request is meant."""
        if self._fixed is not None:
            return self._fixed(text)
        resolved: list[Token] = []
        for token in self._tokens:
            if not isinstance(token, Variable):
                resolved.append(token)
            elif (value := token.value(lookup)) is not None:
                resolved.append(value)
            else:
                return False
        return matcher(tuple(resolved), self._comparison)(text)


def _tokens(text: str, wildcards: bool, variables: bool) -> tuple[Token | Variable, ...]:
    found: list[Token | Variable] = []
    at = 0
    for variable in _VARIABLE.finditer(text) if variables else ():
        found += _literals(text[at : variable.start()], wildcards)
        found.append(_variable(variable[1]))
        at = variable.end()
    return (*found, *_literals(text[at:], wildcards))


def _variable(inside: str) -> Token | Variable:
    if inside in ("*", "?", "$"):
        return inside
    parts = _DEFAULTED.fullmatch(inside)
    return Variable(parts[1].lower(), parts[2]) if parts else Variable(inside.lower(), None)


def _literals(text: str, wildcards: bool) -> list[Token]:
    if not wildcards:
        return [text] if text else []
    parts = (part for part in re.split(r"([*?])", text) if part)
    return [Wildcard(part) if part in ("*", "?") else part for part in parts]


@lru_cache(_MOST_KEPT)
def matcher(tokens: Tokens, comparison: Comparison) -> Match:
    """Return what matches texts."""
    if comparison is Comparison.ARN:
        return _arn_matcher(tokens)
    if comparison is Comparison.IGNORE_CASE:
        lowered = tuple(each.lower() if isinstance(each, str) else each for each in tokens)
        match = matcher(lowered, Comparison.EXACT)
        return lambda text: match(text.lower())
    texts = [each for each in tokens if isinstance(each, str)]
    if len(texts) == len(tokens):
        return "".join(texts).__eq__
    if tokens == (Wildcard.ANY_TEXT,):
        return lambda _text: True
    if len(texts) == len(tokens) - 1 and tokens[-1] is Wildcard.ANY_TEXT:
        beginning = "".join(texts)
        return lambda text: text.startswith(beginning)
    compiled = re.compile(_expression(tokens), re.DOTALL)
    return lambda text: compiled.fullmatch(text) is not None


def _expression(tokens: Tokens) -> str:
    """Return a regular expression: after a star, the first place where what follows fits is as good as any later one.

    What follows the last star has to fit at the end.
    """
    pieces = [""]
    for token in tokens:
        if token is Wildcard.ANY_TEXT:
            pieces.append("")
        else:
            pieces[-1] += "." if token is Wildcard.ANY_CHARACTER else re.escape(str(token))
    first, *others = pieces
    if not others:
        return first
    *between, last = others
    return first + "".join(f"(?>.*?{piece})" for piece in between if piece) + ".*" + last


def _arn_matcher(tokens: Tokens) -> Match:
    """Return what compares the six parts of an ARN one by one; an ARN that ends early in a star means all that follow.

    Source: "Amazon Resource Name (ARN) condition operators" in IAM's guide.
    """
    parts: list[list[Token]] = [[]]
    for token in tokens:
        for number, text in enumerate(token.split(":") if isinstance(token, str) else ()):
            if number and len(parts) < _ARN_PARTS:
                parts.append([])
            elif number:
                parts[-1].append(":")
            if text:
                parts[-1].append(text)
        if not isinstance(token, str):
            parts[-1].append(token)
    if len(parts) < _ARN_PARTS and parts[-1][-1:] != [Wildcard.ANY_TEXT]:
        return lambda _text: False
    parts += [[Wildcard.ANY_TEXT]] * (_ARN_PARTS - len(parts))
    matchers = [matcher(tuple(part), Comparison.EXACT) for part in parts]

    def match(text: str) -> bool:
        given = text.split(":", _ARN_PARTS - 1)
        return len(given) == _ARN_PARTS and all(each(part) for each, part in zip(matchers, given, strict=True))

    return match

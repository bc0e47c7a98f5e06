"""Patterns of terms: ``ERROR``, ``"exact phrase"``, ``?either ?or``, ``-without``, ``%expression%``.

A term matches wherever it stands in a message, in the same case. Where ``?`` is combined with other terms, those with
``?`` are ignored, as AWS's guide says.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from localaws.services.logs.patterns.operand import Expression

_TERM = re.compile(
    r'\s*(?P<sign>[?-]?)(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|%(?P<expression>[^%]+)%|(?P<word>[^\s"]+))(?=\s|$)'
)
_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class _Term:
    text: str
    expression: Expression | None

    def is_in(self, message: str) -> bool:
        return self.expression.is_in(message) if self.expression is not None else self.text in message


class Terms:
    """A pattern of terms; the empty one matches everything.

    Parameters
    ----------
    text : str

    Raises
    ------
    ValueError
    """

    def __init__(self, text: str) -> None:
        by_sign: dict[str, list[_Term]] = {"": [], "?": [], "-": []}
        position = 0
        while position < len(text):
            found = _TERM.match(text, position)
            if found is None:
                raise ValueError(f"cannot read {text[position:].strip()[:80]!r}")
            by_sign[found["sign"]].append(_term(found))
            position = found.end()
        self._all, self._none = by_sign[""], by_sign["-"]
        self._any = by_sign["?"] if not self._all and not self._none else []

    @property
    def contains(self) -> Sequence[Sequence[str]]:
        """A message that matches contains at least one text of each."""
        needed = [[term.text] for term in self._all if term.expression is None]
        if self._any and all(term.expression is None for term in self._any):
            needed.append([term.text for term in self._any])
        return [texts for texts in needed if all(texts)]

    def matches(self, message: str) -> bool:
        """Return whether a message matches."""
        return (
            all(term.is_in(message) for term in self._all)
            and not any(term.is_in(message) for term in self._none)
            and (not self._any or any(term.is_in(message) for term in self._any))
        )

    def value(self, _selector: str, _message: str) -> str | None:
        """Terms have no names."""
        return None

    def values(self, _message: str) -> Mapping[str, str]:
        """Terms have no names."""
        return {}


def _term(found: re.Match[str]) -> _Term:
    if found["expression"] is not None:
        return _Term(found["expression"], Expression(found["expression"]))
    if found["quoted"] is not None:
        return _Term(re.sub(r"\\(.)", r"\1", found["quoted"]), None)
    if not _WORD.fullmatch(found["word"]):
        raise ValueError(f"Invalid character(s) in term '{found['word']}': put it between quotation marks")
    return _Term(found["word"], None)

"""The words of a filter pattern: quoted texts, expressions between ``%``, operators, everything else."""

import re
from dataclasses import dataclass

from localaws.services.logs.patterns.operand import Expression, Operand

_TOKEN = re.compile(
    r"""\s*(?:
    "(?P<quoted>(?:[^"\\]|\\.)*)"
    | %(?P<expression>(?:[^%\\]|\\.)+)%
    | (?P<sign>&&|\|\||!=|<=|>=|=|<|>|\(|\)|,)
    | (?P<word>\$(?:[^\s=!<>&|(),"\[]|\[[^\]]*\])*|(?:[^\s=!<>&|(),"]|&(?!&)|\|(?!\|)|!(?!=))+)
    )""",
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True)
class Token:
    """A word.

    Attributes
    ----------
    kind : str
        quoted, expression, sign or word.
    """

    kind: str
    text: str

    @property
    def operand(self) -> Operand:
        """Return what it is to the right of a comparison."""
        if self.kind == "sign":
            raise ValueError(f"a value is missing before {self.text!r}")
        return Operand(self.text, self.kind == "quoted", Expression(self.text) if self.kind == "expression" else None)


class Scanner:
    """The tokens of a text, one after the other.

    Parameters
    ----------
    text : str

    Raises
    ------
    ValueError
        Some of it is no token.
    """

    def __init__(self, text: str) -> None:
        self._tokens: list[Token] = []
        position, end = 0, len(text.rstrip())
        while position < end:
            found = _TOKEN.match(text, position)
            if found is None:
                raise ValueError(f"cannot read {text[position:].strip()[:80]!r}")
            kind = str(found.lastgroup)
            value = found[kind]
            self._tokens.append(Token(kind, re.sub(r"\\(.)", r"\1", value) if kind == "quoted" else value))
            position = found.end()

    def peek(self) -> Token | None:
        """Return the next token without taking it; None at the end."""
        return self._tokens[0] if self._tokens else None

    def take(self) -> Token:
        """Take the next token.

        Raises
        ------
        ValueError
            At the end.
        """
        if not self._tokens:
            raise ValueError("something is missing at its end")
        return self._tokens.pop(0)

    def takes(self, *signs: str) -> str | None:
        """Take the next token if it is one of these signs, or one of these words in any case; return it."""
        token = self.peek()
        if token is not None and token.kind in ("sign", "word") and token.text.upper() in signs:
            return self.take().text.upper()
        return None

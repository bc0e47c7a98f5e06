"""The words of a query of Logs Insights."""

import re
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""
    (?P<comment>\#[^\n]*)
    | (?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    | (?P<quoted>`[^`]*`)
    | (?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w@]))
    | (?P<period>\d+[a-z]+\b)
    | (?P<name>[@A-Za-z_](?:[\w@]|\.(?=[\w@]))*)
    | (?P<sign>=~|!=|<=|>=|[=<>(),|*/+\-%^\[\]])
    """,
    re.VERBOSE,
)
_BLANKS = re.compile(r"\s+")
_EXPRESSION = re.compile(r"/((?:[^/\\\n]|\\.)*)/")


@dataclass(frozen=True)
class Token:
    """A word, and where it begins and ends.

    Attributes
    ----------
    kind : str
        string, quoted, number, period, name, sign, expression or end.
    """

    kind: str
    text: str
    start: int
    end: int


class Tokens:
    """The tokens of a query, one after the other.

    Parameters
    ----------
    query : str
    """

    def __init__(self, query: str) -> None:
        self.query, self._position = query, 0
        self.next = self._read()

    def take(self) -> Token:
        """Take the next token."""
        token = self.next
        self._position = token.end
        self.next = self._read()
        return token

    def takes(self, *words: str) -> str | None:
        """Take the next token if it is one of these signs, or of these words in any case; return it."""
        if self.next.kind in ("sign", "name") and self.next.text.lower() in words:
            return self.take().text.lower()
        return None

    def need(self, word: str) -> None:
        """Take a sign or a word.

        Raises
        ------
        ValueError
            Something else stands there.
        """
        if self.takes(word) is None:
            raise ValueError(f"{word} is expected before {self.shown()}")

    def expression(self) -> str | None:
        """Take a regular expression between slashes, if one stands here."""
        found = _EXPRESSION.match(self.query, self.next.start)
        if found is None:
            return None
        self._position = found.end()
        self.next = self._read()
        return re.sub(r"\\/", "/", found[1])

    def shown(self) -> str:
        """Return what stands here, for a message."""
        return repr(self.query[self.next.start :][:40]) if self.next.kind != "end" else "its end"

    def _read(self) -> Token:
        while True:
            if blanks := _BLANKS.match(self.query, self._position):
                self._position = blanks.end()
            if self._position >= len(self.query):
                return Token("end", "", self._position, self._position)
            found = _TOKEN.match(self.query, self._position)
            if found is None:
                raise ValueError(f"cannot read {self.query[self._position :][:40]!r}")
            if found.lastgroup != "comment":
                return Token(str(found.lastgroup), found[0], found.start(), found.end())
            self._position = found.end()


def unquoted(text: str) -> str:
    """Return what stands between quotation marks."""
    return re.sub(r"\\(.)", r"\1", text[1:-1])

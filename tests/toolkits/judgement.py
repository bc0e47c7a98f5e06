"""What each of AWS's servers answered, held against `serving`."""

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from pathlib import Path

from tests.toolkits.questions import Question
from tests.toolkits.servers import Reply

_PAGE = Path(__file__).parents[2] / "docs" / "serving.md"
_NUMBER = re.compile(rb"-?\d+\.\d+(?:[eE][-+]?\d+)?")
# The last digit may depend on the version of NumPy.
_TOLERANCE = 1e-9
_SHOWN = 100


@dataclass(frozen=True)
class Known:
    """A difference that docs/serving.md gives a reason for.

    Attributes
    ----------
    script, server : str
        Whose; `any` script.
    request : str
        What the request's text matches, with `...` for anything.
    statuses : str
        That of `serving` and that of the server, `400, 500`.
    reason : str
    """

    script: str
    server: str
    request: str
    statuses: str
    reason: str

    def covers(self, script: str, server: str, judgement: "Judgement") -> bool:
        pattern = ".*".join(map(re.escape, self.request.split("...")))
        return (
            self.script in ("any", script)
            and self.server == server
            and self.statuses == f"{judgement.expected.status}, {judgement.given.status}"
            and bool(re.fullmatch(pattern, str(judgement.question)))
        )


@dataclass(frozen=True)
class Judgement:
    """An answer of a server beside that of `serving`; `known` where docs/serving.md says why they differ."""

    question: Question
    expected: Reply
    given: Reply
    known: Known | None = None

    @property
    def outcome(self) -> str:
        """Whether the two are the `same`; else `known` if there is a reason, `DIFFERENT` if there is none."""
        if self._agrees:
            return "same"
        return "known" if self.known else "DIFFERENT"

    @property
    def _agrees(self) -> bool:
        """Whether it is the same answer, or a refusal with the same status: the toolkits word theirs themselves.

        No script may fail, though, also not everywhere in the same way.
        """
        if self.expected.status != self.given.status or self.given.status not in range(200, 500):
            return False
        if self.expected.status != HTTPStatus.OK:
            return True
        return self.expected.media_type == self.given.media_type and _same(self.expected.body, self.given.body)

    def __str__(self) -> str:
        return f"{self.question}: {_shown(self.given)}, serving {_shown(self.expected)}"


def judge(
    script: str, server: str, asked: Sequence[Question], expected: Iterable[Reply], given: Iterable[Reply]
) -> list[Judgement]:
    """Hold a server's answers against those of `serving`."""
    known = list(known_differences())
    judgements = [Judgement(*each) for each in zip(asked, expected, given, strict=True)]
    return [
        replace(one, known=next((each for each in known if each.covers(script, server, one)), None))
        for one in judgements
    ]


def known_differences() -> Iterator[Known]:
    """Yield the rows of the table in docs/serving.md."""
    section = _PAGE.read_text().partition("### Known differences\n")[2].partition("\n#")[0]
    rows = [line for line in section.splitlines() if line.startswith("|")]
    for row in rows[2:]:  # after the head and the line below it
        yield Known(*(cell.strip().strip("`") for cell in row.strip("|").split(" | ")))


def _same(one: bytes, other: bytes) -> bool:
    if _NUMBER.sub(b"#", one) != _NUMBER.sub(b"#", other):
        return False
    pairs = zip(_NUMBER.findall(one), _NUMBER.findall(other), strict=True)
    return all(math.isclose(float(number), float(same), rel_tol=_TOLERANCE) for number, same in pairs)


def _shown(reply: Reply) -> str:
    return f"{reply.status} {reply.media_type} {reply.body[:_SHOWN].decode(errors='replace')!r}"

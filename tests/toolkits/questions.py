"""The requests: each content type with each Accept header and a right body, and each with every wrong body."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

JSON, LINES, CSV = "application/json", "application/jsonlines", "text/csv"
CONTENT_TYPES = (CSV, "text/csv; charset=utf-8", JSON, "application/json; charset=utf-8", LINES, "application/xml")
ACCEPTS = (
    None,
    "*/*",
    CSV,
    JSON,
    LINES,
    "text/*",
    "application/*",
    "text/csv, application/json;q=0.5",
    "application/json;q=0.1, text/csv",
    "image/png",
)
_RECORDS = 3
# In one body, as batch transform's MultiRecord sends them: enough that the sample reads them in another way.
_RECORDS_OF_A_FILE = 25_000
_NUMBER = 0.03125


@dataclass(frozen=True)
class Question:
    """A request.

    Attributes
    ----------
    what : str
        What is right or wrong about its body.
    accept : str or None
        None sends no such header.
    """

    content_type: str
    accept: str | None
    what: str
    body: bytes

    @property
    def headers(self) -> dict[str, str]:
        return {"Content-Type": self.content_type} | ({} if self.accept is None else {"Accept": self.accept})

    def __str__(self) -> str:
        return f"{self.content_type} -> {self.accept or 'no Accept'}: {self.what}"


def questions(width: int) -> Iterator[Question]:
    """Yield all requests to a model whose records have so many numbers."""
    rows = [[_NUMBER * (1 + number + column) for column in range(width)] for number in range(_RECORDS)]
    for content_type in CONTENT_TYPES:
        for accept in ACCEPTS:
            yield Question(content_type, accept, "records", _written(rows, content_type))
        for what, body in _bodies(rows, content_type):
            yield Question(content_type, CSV, what, body)


def _bodies(rows: list[list[float]], content_type: str) -> Iterator[tuple[str, bytes]]:
    right = _written(rows, content_type)
    yield "one record", _written(rows[:1], content_type)
    if content_type in (CSV, LINES):
        yield "the records of a file", _written(rows * (_RECORDS_OF_A_FILE // _RECORDS), content_type)
    yield "byte order mark", b"\xef\xbb\xbf" + right
    yield "empty", b""
    yield "cut off", right[: len(right) // 2] + b"{["
    yield "no UTF-8", b"\xff\xfe" + right
    yield "a number too many", _written([[*row, 1.0] for row in rows], content_type)
    yield "rows of unequal length", _written([rows[0], [*rows[1], 1.0]], content_type)
    yield "a word", _written([["word", *rows[0][1:]]], content_type)
    yield "not a number", _written([rows[0], [float("nan"), *rows[0][1:]]], content_type)
    yield "another type", b"<rows><row/></rows>"
    if _is_json(content_type):
        yield "another key", json.dumps({"y": rows}).encode()
        yield "no list", b'{"x": 3}'


def _written(rows: list[list[float]] | list[list[object]], content_type: str) -> bytes:
    if _is_json(content_type):
        return json.dumps({"x": rows}).encode()
    if content_type == LINES:
        return "".join(f"{json.dumps(row)}\n" for row in rows).encode()
    return "".join(",".join(map(str, row)) + "\n" for row in rows).encode()


def _is_json(content_type: str) -> bool:
    return content_type.partition(";")[0] == JSON

"""Requests of rows of numbers into arrays, and predictions into answers: input_fn and output_fn of inference.py.

| content type | request | answer |
|---|---|---|
| application/json | `{"x": [[0.3]]}`, `{"instances": [[0.3]]}` or `[[0.3]]` | `{"predictions": [434.07]}` |
| application/jsonlines | `[0.3]` or `{"x": [0.3]}` on each line | `{"prediction": 434.07}` on each line |
| text/csv | `0.3` on each line; a header line is skipped | `434.07` on each line |

Predictions are numbers, of which answers hold every digit of the float64, or texts. A request that is wrong raises
ValueError with a sentence for its sender, and is answered by 4XX (`refusals`).

Content-Type and Accept may have parameters, and Accept may be a list: `serving` takes them apart, AWS's images hand
them over as they came.

A right request is read in a few microseconds: it is taken to be right, and only where that fails does a second, slower
look find out what is wrong.
"""

import csv
import io
import json
import math
from typing import Any

import numpy as np
import refusals

try:
    import orjson
except ImportError:  # AWS's scikit-learn image has none
    orjson = None  # type: ignore[assignment]

JSON = "application/json"
JSON_LINES = ("application/jsonlines", "application/x-jsonlines", "application/jsonl")
CSV = "text/csv"
CONTENT_TYPES = (JSON, JSON_LINES[0], CSV)

_NUMBERS = frozenset((int, float))
# Polars starts in 0.6 ms, then reads ten times as fast as Python and four times as fast as NumPy.
_CHARACTERS_WORTH_POLARS = 200_000
# orjson needs a microsecond to start, then writes twenty times as fast as Python.
_NUMBERS_WORTH_ORJSON = 16


@refusals.answer_with(400)  # type: ignore[untyped-decorator]
def input_fn(body: bytes | str, content_type: str) -> Any:
    """Read the features out of a request.

    Returns
    -------
    ndarray of shape (n_samples, n_features)

    Raises
    ------
    ValueError
        When the body is not what its content type says, or holds anything but rows of finite numbers.
    """
    kind = _media_type(content_type)
    try:
        text = (body if isinstance(body, str) else bytes(body).decode()).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise ValueError(f"the body is not UTF-8: {error}") from error
    if kind == JSON:
        return _as_matrix(_rows_of(_parse_json(text, "the body")))
    if kind == CSV:
        return _parse_csv(text)
    if kind in JSON_LINES:
        lines = enumerate(text.splitlines(), start=1)
        return _as_matrix([_row_of(_parse_json(line, f"line {n}"), n) for n, line in lines if line.strip()])
    raise ValueError(f"content type {content_type!r} is not read here: send {JSON}, {JSON_LINES[0]} or {CSV}")


@refusals.answer_with(406)  # type: ignore[untyped-decorator]
def output_fn(prediction: Any, accept: str | None) -> tuple[str, str]:
    """Write the predictions as the caller wants them; JSON if any type will do.

    Returns
    -------
    tuple of (str, str)
        Body and content type.

    Raises
    ------
    ValueError
        When `accept` is none of the types written here.
    """
    values = np.asarray(prediction)
    texts = values.dtype.kind == "U"
    for kind in _best_first(accept or "*/*"):
        if kind in (JSON, "*/*", "application/*"):
            return f'{{"predictions": {json.dumps(values.tolist()) if texts else _json_numbers(values)}}}', JSON
        if kind in JSON_LINES:
            write = json.dumps if texts else repr
            return "".join([f'{{"prediction": {write(value)}}}\n' for value in values.tolist()]), kind
        if kind in (CSV, "text/*"):
            return _write_texts(values) if texts else _write_csv(values), CSV
    raise ValueError(f"{accept!r} is not written here: accept {JSON}, {JSON_LINES[0]} or {CSV}")


def _best_first(accept: str) -> list[str]:
    """Return the types of an Accept header, those of the same quality in the sender's order (RFC 9110, 12.5.1)."""
    if "," not in accept:
        return [_media_type(accept)]
    ranked = [(_quality(item), _media_type(item)) for item in accept.split(",")]
    return [kind for quality, kind in sorted(ranked, key=lambda entry: -entry[0]) if quality > 0]


def _quality(item: str) -> float:
    for parameter in item.split(";")[1:]:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "q":
            return float(value)
    return 1.0


def _media_type(header: str) -> str:
    """Drop the parameters, as in `text/csv; charset=utf-8`."""
    return header.partition(";")[0].strip().lower()


def _json_numbers(numbers: Any) -> str:
    """A JSON list. Every way to write it gives each number all its digits."""
    if orjson is not None and len(numbers) > _NUMBERS_WORTH_ORJSON:
        return str(orjson.dumps(numbers, option=orjson.OPT_SERIALIZE_NUMPY), "ascii")
    # A list of finite floats is written by Python as by JSON, in a quarter of the time.
    return repr(numbers.tolist())


def _parse_json(text: str, place: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{place} is not JSON: {error}") from error


def _rows_of(document: Any) -> Any:
    if not isinstance(document, dict):
        return document
    keys = [key for key in ("x", "instances") if key in document]
    if len(keys) != 1:
        raise ValueError(f'the body needs the key "x", a list of rows, as in {{"x": [[0.3]]}}; it has {list(document)}')
    return document[keys[0]]


def _row_of(document: Any, line: int) -> Any:
    row = document.get("x") if isinstance(document, dict) else document
    if not isinstance(row, list):
        raise ValueError(f'line {line} is no row: send a list of numbers, [0.3], or {{"x": [0.3]}}')
    return row


def _as_matrix(rows: Any) -> Any:
    """Make an array of a list of rows, or say what keeps them from being one."""
    if not _are_rows_of_numbers(rows):
        _explain_rows(rows)
    try:
        matrix = np.array(rows, np.float64)
    except OverflowError as error:
        raise ValueError(f"a number does not fit a float64: {error}") from error
    return _check_finite(matrix)


def _are_rows_of_numbers(rows: Any) -> bool:
    if type(rows) is not list or not rows or type(rows[0]) is not list or not rows[0]:
        return False
    width = len(rows[0])
    for row in rows:
        if type(row) is not list or len(row) != width or not _NUMBERS.issuperset(map(type, row)):
            return False
    return True


def _explain_rows(rows: Any) -> None:
    if not isinstance(rows, list) or not rows:
        raise ValueError("there is no row: send a list of rows of numbers, as in [[0.3]]")
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, list) or not row:
            raise ValueError(f"row {number} is not a list of numbers: a row of one feature is [0.3]")
        if len(row) != len(rows[0]):
            raise ValueError(f"row {number} has {len(row)} number(s), row 1 has {len(rows[0])}")
        for column, value in enumerate(row, start=1):
            if type(value) not in _NUMBERS:
                raise ValueError(f"row {number}, column {column}: {value!r:.80} is not a number")


def _check_finite(matrix: Any) -> Any:
    if math.isfinite(np.add.reduce(matrix, axis=None)):  # in half the time of looking at each
        return matrix
    if not np.isfinite(matrix).all():  # large numbers may have an infinite sum
        row, column = np.argwhere(~np.isfinite(matrix))[0]
        raise ValueError(f"row {row + 1}, column {column + 1}: {matrix[row, column]} is not a finite number")
    return matrix


def _parse_csv(text: str) -> Any:
    start = len(text) - len(text.lstrip("\r\n"))
    first, end = _first_line(text, start)
    if not any(map(_is_number, first.split(","))):
        if "\ufffd" in first:  # what AWS's scikit-learn image puts in place of bytes that are not UTF-8
            raise ValueError(f"the body is not UTF-8: its first line is {first[:40]!r}")
        text = text[end:]  # after a header line
    matrix = _parse_large_csv(text) if len(text) > _CHARACTERS_WORTH_POLARS else None
    return _parse_lines([line for line in text.splitlines() if line.strip()]) if matrix is None else matrix


def _first_line(text: str, start: int = 0) -> tuple[str, int]:
    """The line that begins at `start`, and where the next one begins. Megabytes that follow are not copied."""
    end = text.find("\n", start)
    return (text[start:], len(text)) if end < 0 else (text[start:end], end + 1)


def _parse_large_csv(text: str) -> Any:
    """The same numbers sooner, or None: if there is no Polars, or anything that it does not take for a number."""
    try:
        import polars  # noqa: PLC0415 -- not in every image, and 0.2 s that small requests are spared
    except ImportError:
        return None
    columns = {str(column): polars.Float64 for column in range(_first_line(text)[0].count(",") + 1)}
    try:
        matrix = polars.read_csv(text.encode(), has_header=False, schema=columns).to_numpy()
    except polars.exceptions.PolarsError:
        return None
    return matrix if len(matrix) and np.isfinite(matrix).all() else None


def _parse_lines(lines: list[str]) -> Any:
    if not lines:
        raise ValueError("there is no row: send one row of comma-separated numbers on each line")
    try:
        matrix = np.loadtxt(lines, delimiter=",", ndmin=2, comments=None)
    except ValueError as error:
        raise ValueError(_what_is_wrong(lines) or str(error)) from error
    return _check_finite(matrix)


def _write_csv(numbers: Any) -> str:
    if orjson is not None and len(numbers) > _NUMBERS_WORTH_ORJSON:
        return _json_numbers(numbers)[1:-1].replace(",", "\n") + "\n"
    return "".join([f"{number!r}\n" for number in numbers.tolist()])


def _write_texts(texts: Any) -> str:
    written = io.StringIO()
    csv.writer(written, lineterminator="\n").writerows([text] for text in texts.tolist())
    return written.getvalue()


def _what_is_wrong(lines: list[str]) -> str | None:
    rows = [line.split(",") for line in lines]
    for number, row in enumerate(rows, start=1):
        if len(row) != len(rows[0]):
            return f"row {number} has {len(row)} cell(s), row 1 has {len(rows[0])}"
        for column, cell in enumerate(row, start=1):
            if not _is_number(cell):
                return f"row {number}, column {column}: {cell[:40]!r} is not a number"
    return None


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True

"""CSV, record by record: RFC 4180, and what a missing value is.

A record is a line, or more than one where a quoted cell holds line ends; an empty line is none. Every record gives one
row, or the body is refused: how a record is read never depends on how many others there are.
"""

import csv
import importlib
import io
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from serving.errors import BadRequestError

# Above the first NumPy's reader is faster than Python's, above the second Polars, which starts in 0.6 ms.
_CHARACTERS_WORTH_NUMPY, _CHARACTERS_WORTH_POLARS = 1_000, 200_000
MISSING = frozenset({"", "NA", "N/A", "NULL", "NONE"})
"""What a missing value is written as, in any case: NaN in the row, as of ``numpy.genfromtxt`` in AWS's containers. Text
that is neither this nor a number is NaN there, too; here it is refused."""


def read_csv(text: str, has_header: bool | None) -> NDArray[np.float64]:
    """Read the records of a CSV text.

    Parameters
    ----------
    text : str
    has_header : bool or None
        Whether the first record names the columns. None: it does if it has text, and no number.

    Returns
    -------
    ndarray of shape (n_records, n_cells), float64

    Raises
    ------
    BadRequestError
        A cell is not a number, or a record has more or fewer cells than the first.
    """
    if len(text) > _CHARACTERS_WORTH_NUMPY and (rows := _read_plain(text, has_header)) is not None:
        return rows
    if "_" in text and any("_" in cell and _is_number(cell) for record in _records(text) for cell in record):
        raise BadRequestError("The CSV body has a number with an underscore, which is Python's way alone.")
    read: list[list[float]] = []
    for number, record in enumerate(_records(text), 1):
        if number == 1 and _is_header(record, has_header):
            continue
        read.append(_row(record, number))
        if len(read[-1]) != len(read[0]):
            raise BadRequestError(
                f"Record {number} of the CSV body has {len(read[-1])} cells, where the first has {len(read[0])}."
            )
    return np.array(read, dtype=np.float64, ndmin=2)


def write_csv(prediction: NDArray[Any]) -> bytes:
    """Write a line for each sample; what holds a comma, a quote or a line end is quoted."""
    samples = np.atleast_1d(prediction)
    rows: Sequence[Sequence[Any]] = samples.reshape(len(samples), -1).tolist()
    if samples.dtype.kind in "biuf":
        return "".join(f"{','.join(map(str, row))}\n" for row in rows).encode()
    lines = io.StringIO()
    csv.writer(lines, lineterminator="\n").writerows(rows)
    return lines.getvalue().encode()


def _records(text: str) -> Iterator[list[str]]:
    try:
        for record in csv.reader(io.StringIO(text, newline=""), strict=True):
            if record and not (len(record) == 1 and record[0].isspace()):
                yield record
    except csv.Error as error:
        raise BadRequestError(f"The body is not CSV: {error}.") from None


def _is_header(record: list[str], has_header: bool | None) -> bool:
    if has_header is not None:
        return has_header
    cells = [cell for cell in record if cell.strip().upper() not in MISSING]
    return bool(cells) and not any(map(_is_number, cells))


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _row(record: list[str], number: int) -> list[float]:
    try:
        return list(map(float, record))
    except ValueError:
        return [_value(cell, number, place) for place, cell in enumerate(record, 1)]


def _value(cell: str, number: int, place: int) -> float:
    if cell.strip().upper() in MISSING:
        return float("nan")
    try:
        return float(cell)
    except ValueError:
        raise BadRequestError(
            f"The CSV body is not rows of numbers: cell {place} of record {number} is {cell[:40]!r}."
        ) from None


def _read_plain(text: str, has_header: bool | None) -> NDArray[np.float64] | None:
    """Return the rows in a fraction of the time; None where a record needs a closer look."""
    if '"' in text:
        return None
    text = text.lstrip("\r\n")
    first = next(_records(text[: text.find("\n") + 1]), [])
    if _is_header(first, has_header):
        text = text[text.find("\n") + 1 :]
    rows = _read_by_polars(text, len(first)) if len(text) > _CHARACTERS_WORTH_POLARS else None
    return _read_by_numpy(text) if rows is None else rows


def _read_by_numpy(text: str) -> NDArray[np.float64] | None:
    with warnings.catch_warnings(action="ignore", category=UserWarning):  # of no rows
        try:
            return np.loadtxt(io.StringIO(text, newline=""), delimiter=",", comments=None, ndmin=2)
        except ValueError:
            return None


def _read_by_polars(text: str, width: int) -> NDArray[np.float64] | None:
    try:
        polars = importlib.import_module("polars")
    except ImportError:
        return None
    columns = {str(column): polars.Float64 for column in range(width)}
    try:
        frame = polars.read_csv(text.encode(), has_header=False, schema=columns)
    except polars.exceptions.PolarsError:
        return None
    # A missing cell, a short record or an empty line is null there.
    return None if any(column.null_count() for column in frame) else frame.to_numpy()

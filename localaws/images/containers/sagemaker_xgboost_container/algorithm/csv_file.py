"""CSV: numbers, no header row; for training, the label in the first column, and the weight may be in the second.

An empty cell is a missing value. The delimiter is that of the first line. pyarrow reads, or NumPy a small file, for
which importing pyarrow would take longer than the rest; what they do not take is read again line by line, which knows
which line is wrong.
"""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import numpy as np

from .errors import ClientError
from .examples import Examples

_DELIMITERS = ",;\t| "
_MISSING = ("", "na", "n/a", "null", "nan")
_SHOWN = 50
_SMALL_BYTES = 1024 * 1024


def read(path: Path, *, weights: bool) -> Examples:
    """Return the examples of a file.

    Parameters
    ----------
    path : Path
    weights : bool
        Whether the second column is the weight of each row.

    Raises
    ------
    ClientError
        Names the file, and the line that is wrong.
    """
    values = parse(path.read_bytes(), path.name)
    first = 2 if weights else 1
    if values.shape[1] <= first:
        columns = "label, weight and features" if weights else "label and features"
        raise ClientError(f"{path.name} has {values.shape[1]} columns: {columns} are needed")
    for column, name in enumerate(("label", "weight")[:first]):
        wrong = np.flatnonzero(~np.isfinite(values[:, column]))
        if len(wrong):
            raise ClientError(f"{path.name}: row {wrong[0] + 1} has no {name} in column {column + 1}")
    return Examples(values[:, first:], values[:, 0], values[:, 1] if weights else None)


def parse(data: bytes, name: str) -> Any:
    """Return the numbers of a CSV text, as an ndarray of float32 of shape (n_rows, n_columns).

    Parameters
    ----------
    data : bytes
    name : str
        What an error calls it.

    Raises
    ------
    ClientError
        A line is not numbers, or has not as many as the first.
    """
    first = data.lstrip(b"\r\n").partition(b"\n")[0].decode("utf-8", "replace").rstrip("\r")
    if not first:
        raise ClientError(f"{name} has no rows")
    delimiter = _delimiter(first, name)
    count = len(next(csv.reader([first], delimiter=delimiter)))
    try:
        return (_by_numpy if len(data) < _SMALL_BYTES else _by_arrow)(data, delimiter, count)
    except ValueError:  # pyarrow's errors are such, too
        return _line_by_line(data, delimiter, count, name)


def _delimiter(line: str, name: str) -> str:
    try:
        return csv.Sniffer().sniff(line, _DELIMITERS).delimiter
    except csv.Error as error:
        found = [each for each in _DELIMITERS if each in line]
        if found:
            return found[0]
        if _number(line) is not None:
            return ","
        raise ClientError(f"{name}: could not determine the delimiter of line 1, '{line[:_SHOWN]}': {error}") from error


def _by_numpy(data: bytes, delimiter: str, count: int) -> Any:
    lines = [line for line in data.splitlines() if line]
    cells = [line.split(delimiter.encode()) for line in lines]
    if any(len(each) != count for each in cells):
        raise ValueError("a line that is longer or shorter than the first")
    return np.array(cells, "S").astype(np.float32)


def _by_arrow(data: bytes, delimiter: str, count: int) -> Any:
    import pyarrow.csv  # noqa: PLC0415

    names = [str(number) for number in range(count)]
    table = pyarrow.csv.read_csv(
        pyarrow.BufferReader(data),
        pyarrow.csv.ReadOptions(column_names=names),
        pyarrow.csv.ParseOptions(delimiter=delimiter),
        pyarrow.csv.ConvertOptions(column_types=dict.fromkeys(names, pyarrow.float32())),
    )
    return columns_of(table)


def columns_of(table: Any) -> Any:
    """Return a pyarrow table of numbers as an ndarray of float32, its nulls as NaN."""
    values = np.empty((table.num_rows, table.num_columns), np.float32)
    for number, column in enumerate(table.columns):
        values[:, number] = column.to_numpy()
    return values


def _line_by_line(data: bytes, delimiter: str, count: int, name: str) -> Any:
    rows: list[list[float | None]] = []
    lines = csv.reader(io.StringIO(data.decode("utf-8", "replace"), newline=""), delimiter=delimiter)
    for cells in lines:
        if not cells:
            continue
        numbers = [_number(cell) for cell in cells]
        if None in numbers:
            header = " There must be no header row." if not rows else ""
            wrong = cells[numbers.index(None)]
            raise ClientError(
                f"{name}, line {lines.line_num}: '{wrong[:_SHOWN]}' is not a number, in"
                f" '{delimiter.join(cells)[:_SHOWN]}'.{header} CSV for training is numbers, the label first"
            )
        if len(cells) != count:
            raise ClientError(f"{name}, line {lines.line_num}: {len(cells)} columns, the first line has {count}")
        rows.append(numbers)
    return np.array(rows, np.float32)


def _number(cell: str) -> float | None:
    text = cell.strip()
    if text.lower() in _MISSING:
        return float("nan")
    try:
        return float(text)
    except ValueError:
        return None

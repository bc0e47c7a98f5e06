"""A request's body as a matrix of features: CSV, LIBSVM.

AWS's container answers 415 to all that it cannot read, what is no number included.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import numpy as np

from .errors import RefusedError

_CSV = ("csv", "text/csv")
_LIBSVM = ("libsvm", "text/libsvm", "text/x-libsvm")
_READABLE = "text/csv, text/libsvm, text/x-libsvm"
_DELIMITERS = ",;\t| "
_SHOWN = 40


def read(body: bytes, content_type: str, *, from_one: bool) -> Any:
    """Return the features of a body.

    Parameters
    ----------
    body : bytes
    content_type : str
        The header; an empty one means LIBSVM.
    from_one : bool
        Whether a LIBSVM body in which no index is 0 counts them from 1, as AWS's image 3.2-0 has it.

    Returns
    -------
    ndarray, or csr_matrix of LIBSVM, of shape (n_rows, n_columns)

    Raises
    ------
    RefusedError
        415: another type, or a body that is not what its type says.
    """
    name, parameters = _parsed(content_type or "libsvm")
    try:
        if name in _CSV:
            _check_label_size(parameters, content_type)
            return csv(_text(body))
        if name in _LIBSVM:
            return libsvm(_text(body), from_one=from_one)
    except ValueError as error:
        kind = name.rpartition("/")[2].replace("x-", "")
        raise _refused(
            f"Loading {kind} data failed with Exception, please ensure data is in {kind} format: {error}"
        ) from error
    raise _refused(f"{content_type} is not an accepted ContentType: {_READABLE}.")


def csv(text: str) -> Any:
    """Return the numbers of rows without label or header; an empty cell is a missing value.

    Raises
    ------
    ValueError
        Names the row, and its cell.
    """
    lines = text.split("\n")
    delimiter = next((each for each in _DELIMITERS if each in lines[0]), ",")
    rows = [_numbers(line.rstrip("\r").split(delimiter), number) for number, line in enumerate(lines, 1)]
    for number, row in enumerate(rows, 1):
        if len(row) != len(rows[0]):
            raise ValueError(f"row {number} has {len(row)} cells, the first has {len(rows[0])}")
    return np.array(rows, dtype=np.float32)


def libsvm(text: str, *, from_one: bool) -> Any:
    """Return the ``index:value`` pairs of rows; the label in front of them, if there is one, is passed over.

    Raises
    ------
    ValueError
        Names the row, and its pair.
    """
    from scipy import sparse  # noqa: PLC0415 - CSV needs none of it

    indices, values, starts = [], [], [0]
    for number, line in enumerate(text.split("\n"), 1):
        for pair in line.split():
            index, colon, value = pair.partition(":")
            if not colon or index == "qid":
                continue
            if not index.isdigit():
                raise ValueError(f"row {number} has {pair[:_SHOWN]!r}, whose index is no natural number")
            indices.append(int(index))
            values.append(_number(value, number, pair))
        starts.append(len(indices))
    if not indices:
        raise ValueError("no row has an index:value")
    first = 1 if from_one and min(indices) >= 1 else 0
    shape = (len(starts) - 1, max(indices) + 1 - first)
    return sparse.csr_matrix((np.array(values, np.float32), np.array(indices) - first, starts), shape)


def _numbers(cells: list[str], number: int) -> list[float]:
    try:
        return list(map(float, cells))
    except ValueError:
        return [_number(cell, number, cell) if cell.strip() else np.nan for cell in cells]


def _number(text: str, number: int, shown: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"row {number} has {shown[:_SHOWN]!r}, which is no number") from None


def _text(body: bytes) -> str:
    text = body.decode("utf-8").strip()
    if not text:
        raise ValueError("it has no rows")
    return text


def _parsed(content_type: str) -> tuple[str, dict[str, str]]:
    name, *parameters = content_type.lower().split(";")
    pairs = (parameter.partition("=") for parameter in parameters)
    return name.strip(), {key.strip(): value.strip(' "') for key, _, value in pairs}


def _check_label_size(parameters: dict[str, str], content_type: str) -> None:
    if parameters.get("label_size", "1") != "1":
        raise _refused(
            f"{content_type} is not an accepted csv ContentType. Optional parameter label_size must be equal to 1"
        )


def _refused(sentence: str) -> RefusedError:
    return RefusedError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, sentence)

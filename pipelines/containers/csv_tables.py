"""Tables in CSV files with a header line: what preprocess.py writes, training and evaluation read."""

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Table:
    """A training or a test set.

    Attributes
    ----------
    X : ndarray of shape (n_samples, n_features)
    y : ndarray of shape (n_samples,)
        Numbers, or texts.
    target_column : str
    """

    X: Any
    y: Any
    target_column: str


def read(folder: Path, target_column: str, *, labels: bool = False) -> Table:
    """Read all CSV files of a folder, in name order, as one table.

    Parameters
    ----------
    folder : Path
    target_column : str
        The others are the features.
    labels : bool, default=False
        Whether the target is a text rather than a number.

    Raises
    ------
    ValueError
        There is no file, one has other columns than the first or no row, or a cell is no number.
    """
    paths = sorted(folder.glob("*.csv"))
    if not paths:
        raise ValueError(f"no *.csv file in {folder}")
    header = _read_header(paths[0])
    if target_column not in header:
        raise ValueError(f"{paths[0].name} has no column {target_column!r}; it has {', '.join(map(repr, header))}")
    target = header.index(target_column)
    if labels:
        tables = [_read_labelled(path, header, target) for path in paths]
        return Table(np.concatenate([X for X, _ in tables]), np.concatenate([y for _, y in tables]), target_column)
    rows = np.concatenate([_read_numbers(path, header) for path in paths])
    return Table(np.ascontiguousarray(np.delete(rows, target, axis=1)), rows[:, target].copy(), target_column)


def _read_header(path: Path) -> list[str]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return [name.strip() for name in next(csv.reader(file), [])]


def _check_header(path: Path, header: list[str]) -> None:
    if (own := _read_header(path)) != header:
        raise ValueError(f"{path.name} has the columns {own}, the files before it {header}")


def _read_numbers(path: Path, header: list[str]) -> Any:
    _check_header(path, header)
    with path.open(encoding="utf-8-sig") as file:
        file.readline()
        lines = [line for line in file if line.strip()]
    return _numbers(path, lines, len(header))


def _numbers(path: Path, lines: list[str], width: int) -> Any:
    if not lines:
        raise ValueError(f"{path.name} has a header line but no row")
    try:
        rows = np.loadtxt(lines, delimiter=",", ndmin=2, comments=None)
    except ValueError as error:
        raise ValueError(f"{path.name} holds something else than numbers: {error}") from error
    if rows.shape[1] != width:
        raise ValueError(f"{path.name} has {rows.shape[1]} numbers in a row, but {width} columns")
    return rows


def _read_labelled(path: Path, header: list[str], target: int) -> tuple[Any, Any]:
    _check_header(path, header)
    with path.open(encoding="utf-8-sig", newline="") as file:
        _, *rows = [row for row in csv.reader(file) if row]
    for number, row in enumerate(rows, start=2):
        if len(row) != len(header):
            raise ValueError(f"{path.name} has {len(row)} cells in row {number}, but {len(header)} columns")
    features = [",".join(row[:target] + row[target + 1 :]) for row in rows]
    return _numbers(path, features, len(header) - 1), np.array([row[target] for row in rows])

"""Parquet: columns of numbers, the label in the first."""

from __future__ import annotations

from pathlib import Path

import pyarrow
import pyarrow.parquet

from .csv_file import columns_of
from .errors import ClientError
from .examples import Examples


def read(path: Path) -> Examples:
    """Return the examples of a file.

    Raises
    ------
    ClientError
        It is no Parquet, or has a column that is no numbers.
    """
    try:
        table = pyarrow.parquet.ParquetFile(path).read()
    except (OSError, pyarrow.ArrowException) as error:
        raise ClientError(f"Failed to load parquet data: {path.name}: {error}") from error
    for field in table.schema:
        kinds = pyarrow.types
        if not (kinds.is_integer(field.type) or kinds.is_floating(field.type) or kinds.is_boolean(field.type)):
            raise ClientError(f"{path.name}: column '{field.name}' is {field.type}: all columns must be numbers")
    if table.num_columns < 2:
        raise ClientError(f"{path.name} has {table.num_columns} columns: a label and features are needed")
    values = columns_of(table)
    return Examples(values[:, 1:], values[:, 0])

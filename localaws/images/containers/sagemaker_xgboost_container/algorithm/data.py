"""From a channel's files to what xgboost learns from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from .channels import CSV, LIBSVM, PARQUET, files_of
from .errors import ClientError
from .examples import Examples, joined


def read(folder: Path, data_format: str, *, csv_weights: bool = False) -> Examples | None:
    """Return the examples of a channel; None if it has no files with something in them.

    Parameters
    ----------
    folder : Path
    data_format : str
        One of those in `channels`.
    csv_weights : bool, default=False
        Whether the second column of CSV is the weight of each row.

    Raises
    ------
    ClientError
        A file is not in the format; names the file, and if it can the line.
    """
    parts = [_read_file(path, data_format, csv_weights=csv_weights) for path in files_of(folder)]
    if not parts:
        return None
    widths = {part.features.shape[1] for part in parts}
    if len(widths) > 1 and isinstance(parts[0].features, np.ndarray):
        raise ClientError(f"The files in {folder} have different numbers of features: {sorted(widths)}")
    return joined(parts)


def _read_file(path: Path, data_format: str, *, csv_weights: bool) -> Examples:
    """Read a file; a format's reader is imported when it is needed, and with it what it needs."""
    if data_format == CSV:
        from . import csv_file  # noqa: PLC0415

        return csv_file.read(path, weights=csv_weights)
    if data_format == LIBSVM:
        from . import libsvm_file  # noqa: PLC0415

        return libsvm_file.read(path)
    if data_format == PARQUET:
        from . import parquet_file  # noqa: PLC0415

        return parquet_file.read(path)
    from . import recordio_file  # noqa: PLC0415

    return recordio_file.read(path)


def matrix(xgboost: Any, examples: Examples) -> Any:
    """Return examples as a DMatrix."""
    more = {"weight": examples.weights} if examples.weights is not None else {}
    if examples.groups is not None:
        more["qid"] = examples.groups
    return xgboost.DMatrix(examples.features, label=examples.labels, **more)

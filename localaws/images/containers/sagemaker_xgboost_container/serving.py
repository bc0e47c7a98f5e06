"""The framework module of `serve` (``SAGEMAKER_SERVING_MODULE``): what a script need not define."""

from __future__ import annotations

import csv
import os
from typing import Any

import numpy as np
import xgboost
from sagemaker_containers.beta.framework import encoders, errors, worker
from script_server import ScriptServer, start

__all__ = ["main", "serving_entrypoint"]


def input_fn(input_data: str | bytes, content_type: str) -> Any:
    """Return a request's body as a DMatrix: CSV or LIBSVM.

    Raises
    ------
    UnsupportedFormatError
        Another format; AWS's image reads RecordIO, too.
    """
    text = input_data.decode() if isinstance(input_data, bytes) else input_data
    media_type = content_type.partition(";")[0].strip()
    if media_type == "text/csv":
        return _of_csv(text)
    if media_type in ("text/libsvm", "text/x-libsvm"):
        return _of_libsvm(text)
    raise errors.UnsupportedFormatError(media_type)


def _of_csv(text: str) -> Any:
    """Return numbers separated by what the first line is separated by; empty ones are missing values."""
    found = csv.Sniffer().sniff(text.split("\n", 1)[0][:512]).delimiter
    separator = "," if found.isalnum() else found
    rows = [[field or "nan" for field in line.split(separator)] for line in text.split("\n")]
    return xgboost.DMatrix(np.array(rows).astype(float))


def _of_libsvm(text: str) -> Any:
    """Return the ``index:value`` pairs of each line; indices that begin at 1 are counted from 0."""
    rows = [dict(pair.split(":", 1) for pair in line.split() if ":" in pair) for line in text.strip().split("\n")]
    indices = [int(index) for row in rows for index in row]
    if not indices:
        return xgboost.DMatrix(np.empty((0, 0)))
    first = 1 if min(indices) >= 1 else 0
    values = np.zeros((len(rows), max(indices) - first + 1))
    for number, row in enumerate(rows):
        for index, value in row.items():
            values[number, int(index) - first] = float(value)
    return xgboost.DMatrix(values)


def predict_fn(input_data: Any, model: Any) -> Any:
    """Return what the model predicts, whatever its features are called."""
    return model.predict(input_data, validate_features=False)


def output_fn(prediction: Any, accept: str) -> Any:
    """Return the answer to a request, in the format that was asked for."""
    return worker.Response(response=encoders.encode(prediction, accept), mimetype=accept)


main = ScriptServer({"input_fn": input_fn, "predict_fn": predict_fn, "output_fn": output_fn})


def serving_entrypoint() -> None:
    """Start the server; each worker uses one thread, unless the model's environment says otherwise."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    start()

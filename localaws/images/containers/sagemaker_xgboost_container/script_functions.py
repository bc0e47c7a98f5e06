"""What a script need not define, as in AWS's XGBoost images."""

from __future__ import annotations

import io
import json
from typing import Any

import numpy as np

from .algorithm import xgboost_module
from .inference import answers, features


class UnsupportedTypeError(Exception):
    """A body's type cannot be read, or written.

    Parameters
    ----------
    content_type : str
    status_code : int
        415 or 406.
    """

    def __init__(self, content_type: str, status_code: int) -> None:
        super().__init__(f"Content type {content_type} is not supported by this framework.")
        self.content_type = content_type
        self.status_code = status_code


def model_fn(model_dir: str) -> Any:
    """Refuse: a script has to load its model itself."""
    raise NotImplementedError("Please provide a model_fn implementation.")


def input_fn(input_data: str | bytes, content_type: str) -> Any:
    """Return a request's body as a DMatrix: CSV or LIBSVM.

    Raises
    ------
    UnsupportedTypeError
        Another format; AWS's image reads RecordIO, too.
    """
    text = (input_data.decode() if isinstance(input_data, bytes) else input_data).strip()
    media_type = content_type.partition(";")[0].strip()
    matrix = xgboost_module.load().DMatrix
    if media_type == "text/csv":
        return matrix(features.csv(text))
    if media_type in ("text/libsvm", "text/x-libsvm"):
        return matrix(features.libsvm(text, from_one=True).toarray())
    raise UnsupportedTypeError(media_type, 415)


def predict_fn(input_data: Any, model: Any) -> Any:
    """Return what the model predicts, whatever its features are called."""
    return model.predict(input_data, validate_features=False)


def output_fn(prediction: Any, accept: str) -> tuple[str | bytes, str]:
    """Return a prediction in the format that was asked for, as the toolkit writes it.

    Raises
    ------
    UnsupportedTypeError
        It is another.
    """
    array = np.asarray(prediction)
    if accept == answers.JSON:
        return json.dumps(array.tolist()), accept
    if accept == answers.CSV:
        return answers.csv(array), accept
    if accept == "application/x-npy":
        buffer = io.BytesIO()
        np.save(buffer, array)
        return buffer.getvalue(), accept
    raise UnsupportedTypeError(accept, 406)

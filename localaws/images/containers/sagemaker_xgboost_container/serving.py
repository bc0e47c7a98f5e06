"""The framework module of `serve` (``SAGEMAKER_SERVING_MODULE``): a script, or without one the algorithm."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from sagemaker_containers.beta.framework import encoders, errors, worker
from script_server import ScriptServer, start

from . import script_functions
from .inference.wsgi import Application
from .script_functions import UnsupportedTypeError, predict_fn

__all__ = ["main", "serving_entrypoint"]


def input_fn(input_data: str | bytes, content_type: str) -> Any:
    """Return a request's body as a DMatrix.

    Raises
    ------
    UnsupportedFormatError
        What the toolkit answers with 415.
    """
    try:
        return script_functions.input_fn(input_data, content_type)
    except UnsupportedTypeError as error:
        raise errors.UnsupportedFormatError(error.content_type) from error


def output_fn(prediction: Any, accept: str) -> Any:
    """Return the answer to a request, in the format that was asked for."""
    return worker.Response(response=encoders.encode(prediction, accept), mimetype=accept)


main = ScriptServer(
    {"input_fn": input_fn, "predict_fn": predict_fn, "output_fn": output_fn},
    algorithm=Application(Path(os.environ.get("SM_MODEL_DIR", "/opt/ml/model"))),
)


def serving_entrypoint() -> None:
    """Start the server; each worker uses one thread, unless the model's environment says otherwise."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    start(algorithm=True)

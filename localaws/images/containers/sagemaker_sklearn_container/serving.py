"""The framework module of `serve` (``SAGEMAKER_SERVING_MODULE``): what a script need not define."""

from __future__ import annotations

from typing import Any

import numpy as np
from sagemaker_containers.beta.framework import content_types, encoders, worker
from script_server import ScriptServer
from script_server import start as serving_entrypoint

__all__ = ["main", "serving_entrypoint"]


def input_fn(input_data: str | bytes, content_type: str) -> Any:
    """Return a request's body as an array; numbers that came as text are single precision, as in AWS's image."""
    array = encoders.decode(input_data, content_type)
    return array.astype(np.float32) if content_type in content_types.UTF8_TYPES else array


def predict_fn(input_data: Any, model: Any) -> Any:
    """Return what the model predicts."""
    return model.predict(input_data)


def output_fn(prediction: Any, accept: str) -> Any:
    """Return the answer to a request, in the format that was asked for."""
    return worker.Response(response=encoders.encode(prediction, accept), mimetype=accept)


main = ScriptServer({"input_fn": input_fn, "predict_fn": predict_fn, "output_fn": output_fn})

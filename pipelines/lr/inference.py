"""Serve the linear regression: SageMaker's four functions. `rows` has the formats of requests and answers."""

import math
from typing import Any

import model_file
import numpy as np
import refusals
from rows import input_fn, output_fn

__all__ = ["input_fn", "model_fn", "output_fn", "predict_fn"]

# Each row is predicted by itself, so the server may put the rows of several requests into one call.
batch_size = 64
max_batch_delay = 0  # ms: only what waits already, no request waits for more


class NotFiniteError(ValueError):
    """A prediction is no finite number. `serving` answers it with the status; `refusals` does so in AWS's images."""

    status_code = 400


def model_fn(model_dir: str) -> Any:
    """Load the model that train.py saved."""
    return model_file.load(model_dir)


@refusals.answer_with(400)  # type: ignore[untyped-decorator]
def predict_fn(data: Any, model: Any) -> Any:
    """Predict one number for each row.

    Raises
    ------
    NotFiniteError
        When a number is so large that its prediction is no finite number: JSON has none, and AWS's servers would write
        `Infinity` into it.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        predictions = model.predict(data)
        finite = math.isfinite(np.add.reduce(predictions))
    if not finite and not (of_each := np.isfinite(predictions)).all():
        row = int(np.argmin(of_each))
        raise NotFiniteError(f"row {row + 1}: the prediction is {predictions[row]}, not a finite number")
    return predictions

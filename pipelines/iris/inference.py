"""Serve the iris classifier: SageMaker's four functions. `rows` has the formats of requests and answers."""

from typing import Any

import model_file
import refusals
from rows import input_fn, output_fn

__all__ = ["input_fn", "model_fn", "output_fn", "predict_fn"]

# Each row is predicted by itself, so the server may put the rows of several requests into one call.
batch_size = 64
max_batch_delay = 0  # ms: only what waits already, no request waits for more


def model_fn(model_dir: str) -> Any:
    """Load the model that train.py saved."""
    return model_file.load(model_dir)


@refusals.answer_with(400)  # type: ignore[untyped-decorator]
def predict_fn(data: Any, model: Any) -> Any:
    """Predict the species of each row; scikit-learn raises ValueError where a row has another number of features."""
    return model.predict(data)

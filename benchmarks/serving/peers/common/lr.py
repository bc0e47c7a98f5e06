"""The model as every peer with a handler of its own calls it: the functions of its inference.py.

All of them do the same work, so that only the server differs.
"""

import os
import sys
from pathlib import Path
from typing import Any

MODEL_DIR = os.environ["MODEL_DIR"]
sys.path.insert(0, str(Path(MODEL_DIR, "code")))

import inference  # noqa: E402 - it lies beside the model

MODEL = inference.model_fn(MODEL_DIR)


def invoke(body: bytes, content_type: str, accept: str) -> tuple[Any, str]:
    """Return the answer's body and content type for a request's body."""
    prediction = inference.predict_fn(inference.input_fn(body, content_type), MODEL)
    return inference.output_fn(prediction, accept)

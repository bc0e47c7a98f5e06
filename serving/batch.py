"""Several inputs as one, and one prediction as several: NumPy arrays, PyTorch tensors and lists, by rows."""

import sys
from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import Any

import numpy as np


def joined(inputs: Sequence[Any]) -> Any:
    """Return the rows of all inputs, one after the other; None if these inputs cannot be joined."""
    first = inputs[0]
    kind = type(first)
    if any(type(data) is not kind for data in inputs):
        return None
    if kind is list:
        return [row for data in inputs for row in data]
    torch = sys.modules.get("torch")
    join = np.concatenate if kind is np.ndarray else torch.cat if torch and kind is torch.Tensor else None
    if join is None or not first.shape:
        return None
    if any(data.shape[1:] != first.shape[1:] or data.dtype != first.dtype for data in inputs):
        return None
    return join(inputs)


def parts(prediction: Any, inputs: Sequence[Any]) -> list[Any] | None:
    """Return each input's rows of a joint prediction; None if it does not have a row for each of theirs."""
    ends = [0, *accumulate(len(data) for data in inputs)]
    try:
        if len(prediction) != ends[-1]:
            return None
        return [prediction[start:end] for start, end in pairwise(ends)]
    except TypeError:  # an exception instead of a prediction, or something without rows
        return None

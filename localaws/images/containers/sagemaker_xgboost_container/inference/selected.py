"""Selectable inference: SAGEMAKER_INFERENCE_OUTPUT names what is answered for each row.

What there is depends on the objective; a name that has no meaning for it gets NaN, as in AWS's container.

Source: the SageMaker guide, "Autopilot inference container definitions" (SAGEMAKER_INFERENCE_SUPPORTED says which of
them a model has, and is for its users only).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .boosters import Boosters

VARIABLE = "SAGEMAKER_INFERENCE_OUTPUT"

if TYPE_CHECKING:
    _Value = Callable[[Any, int], Any]
    """A value from the prediction of a row and the number of classes."""


def _one_of_two(prediction: Any, _: int) -> list[float]:
    value = float(prediction)
    return [1.0 - value, value]


def _number(prediction: Any, _: int) -> float:
    return float(prediction)


def _largest(prediction: Any, _: int) -> float:
    return float(max(prediction))


def _all(prediction: Any, _: int) -> Any:
    return prediction.tolist()


_BINARY: Mapping[str, _Value] = {"labels": lambda *_: [0, 1], "raw_score": _number, "raw_scores": _one_of_two}
_MULTI: Mapping[str, _Value] = {"labels": lambda _, n_classes: list(range(n_classes))}
_REGRESSION: Mapping[str, _Value] = {"predicted_score": _number}
_BY_OBJECTIVE: Mapping[str, Mapping[str, _Value]] = {
    "reg:squarederror": _REGRESSION,
    "reg:logistic": _REGRESSION,
    "reg:gamma": _REGRESSION,
    "reg:absoluteerror": _REGRESSION,
    "reg:tweedie": _REGRESSION,
    "binary:logistic": {
        **_BINARY,
        "predicted_label": lambda prediction, _: int(prediction > 0.5),
        "probability": _number,
        "probabilities": _one_of_two,
    },
    "binary:logitraw": {**_BINARY, "predicted_label": lambda prediction, _: int(prediction > 0)},
    "binary:hinge": {**_BINARY, "predicted_label": _number},
    "multi:softmax": {**_MULTI, "predicted_label": _number, "raw_score": _number, "raw_scores": _one_of_two},
    "multi:softprob": {
        **_MULTI,
        "predicted_label": lambda prediction, _: int(prediction.argmax()),
        "probability": _largest,
        "probabilities": _all,
        "raw_score": _largest,
        "raw_scores": _all,
    },
}
# The order in which AWS's container writes the members of JSON; what has no meaning comes after them.
_ORDER = ("predicted_label", "labels", "probability", "probabilities", "raw_score", "raw_scores", "predicted_score")


def wanted() -> list[str]:
    """Return what the environment names, in its order; nothing if the variable is not set."""
    names = os.environ.get(VARIABLE)
    return [] if names is None else names.replace(" ", "").lower().split(",")


def select(predictions: Any, boosters: Boosters, names: Sequence[str]) -> list[dict[str, Any]]:
    """Return for each row what is wanted, by name.

    Raises
    ------
    ValueError
        The objective has none of it.
    """
    values = _BY_OBJECTIVE.get(boosters.objective)
    if values is None:
        raise ValueError(f"Objective `{boosters.objective}` unsupported for selectable inference predictions.")
    ordered = [name for name in _ORDER if name in names and name in values]
    meaningless = {name: float("nan") for name in names if name not in values}
    return [
        {**{name: values[name](prediction, boosters.n_classes) for name in ordered}, **meaningless}
        for prediction in predictions
    ]

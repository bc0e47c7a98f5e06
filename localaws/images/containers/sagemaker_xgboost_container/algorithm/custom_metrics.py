"""The metrics that AWS's images have beside xgboost's own: accuracy, balanced_accuracy, f1, precision, recall, mse, r2.

They are scikit-learn's, unweighted: ``metrics/custom_metrics.py`` of AWS's container. xgboost's own, rmse and mae among
them, stay xgboost's.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from . import distribution


class Confusion:
    """How often each class was predicted for each.

    Parameters
    ----------
    labels, predicted : ndarray of shape (n_rows,)
    """

    def __init__(self, labels: Any, predicted: Any) -> None:
        classes, codes = np.unique(np.concatenate([labels, predicted]), return_inverse=True)
        counts = np.zeros((len(classes), len(classes)))
        np.add.at(counts, (codes[: len(labels)], codes[len(labels) :]), 1)
        self.classes = classes
        self.hits = np.diag(counts)
        self.actual = counts.sum(axis=1)
        self.predicted = counts.sum(axis=0)

    @property
    def accuracy(self) -> float:
        """The share of the rows whose class is the predicted one."""
        return float(self.hits.sum() / self.actual.sum())

    @property
    def precision(self) -> Any:
        """Of each class, the share of what was predicted as it; 0 where nothing was."""
        return _share(self.hits, self.predicted)

    @property
    def recall(self) -> Any:
        """Of each class, the share that was predicted as it; 0 where there is none."""
        return _share(self.hits, self.actual)

    @property
    def f1(self) -> Any:
        """Of each class, the harmonic mean of precision and recall."""
        return _share(2 * self.hits, self.actual + self.predicted)

    def of_positive(self, shares: Any) -> float:
        """Return the share of class 1.

        Raises
        ------
        ValueError
            There are other classes than 0 and 1.
        """
        if not set(self.classes) <= {0, 1}:
            raise ValueError("Target is multiclass but average='binary'")
        return float(shares[self.classes == 1].sum())


def _share(part: Any, whole: Any) -> Any:
    return np.divide(part, whole, out=np.zeros_like(whole), where=whole > 0)


def _of_classes(share: Callable[[Confusion], float]) -> Callable[[Any, Any], float]:
    return lambda labels, predicted: share(Confusion(labels, predicted))


_CLASSES: dict[str, Callable[[Any, Any], float]] = {
    "accuracy": _of_classes(lambda table: table.accuracy),
    "balanced_accuracy": _of_classes(lambda table: float(table.recall[table.actual > 0].mean())),
    "f1": _of_classes(lambda table: float(table.f1.mean())),
    "f1_binary": _of_classes(lambda table: table.of_positive(table.f1)),
    "f1_macro": _of_classes(lambda table: float(table.f1.mean())),
    "precision": _of_classes(lambda table: table.of_positive(table.precision)),
    "precision_macro": _of_classes(lambda table: float(table.precision.mean())),
    "precision_micro": _of_classes(lambda table: table.accuracy),
    "recall": _of_classes(lambda table: table.of_positive(table.recall)),
    "recall_macro": _of_classes(lambda table: float(table.recall.mean())),
    "recall_micro": _of_classes(lambda table: table.accuracy),
}


def _mse(labels: Any, predicted: Any) -> float:
    return float(np.mean((labels - predicted) ** 2))


def _r2(labels: Any, predicted: Any) -> float:
    spread = np.sum((labels - labels.mean()) ** 2)
    return float(1 - np.sum((labels - predicted) ** 2) / spread) if spread else 0.0


_NUMBERS: dict[str, Callable[[Any, Any], float]] = {"mse": _mse, "r2": _r2}
NAMES = frozenset({*_CLASSES, *_NUMBERS})


def arguments(xgboost: Any, names: Sequence[str], objective: str) -> dict[str, Any]:
    """Return the arguments of ``xgboost.train`` for these of its evaluation metrics that are not xgboost's own.

    Parameters
    ----------
    xgboost : module
    names : sequence of str
    objective : str

    Returns
    -------
    dict
        ``custom_metric``, which gets predictions, or before xgboost 1.6 ``feval``, which gets them before the
        objective's last step; empty if there is nothing to compute.
    """
    chosen = [name for name in names if name in NAMES]
    if not chosen:
        return {}
    is_new = "custom_metric" in inspect.signature(xgboost.train).parameters

    def evaluate(predictions: Any, matrix: Any) -> list[tuple[str, float]]:
        labels = matrix.get_label()
        classes = classes_of(predictions, objective, margins=not is_new)
        values = [
            _CLASSES[name](labels, classes) if name in _CLASSES else _NUMBERS[name](labels, predictions)
            for name in chosen
        ]
        # Several instances must agree on it, or they would not stop at the same round.
        agreed = distribution.mean(xgboost, values, len(labels))
        return [(name, float(agreed[number])) for number, name in enumerate(chosen)]

    return {"custom_metric" if is_new else "feval": evaluate}


def classes_of(predictions: Any, objective: str, *, margins: bool) -> Any:
    """Return the class of each row.

    Parameters
    ----------
    predictions : ndarray of shape (n_rows,) or (n_rows, n_classes)
    objective : str
    margins : bool
        Whether they are log-odds, of an objective whose predictions are probabilities.
    """
    if predictions.ndim > 1:
        return predictions.argmax(axis=1)
    if objective in ("multi:softmax", "binary:hinge") and not margins:
        return predictions
    is_odds = margins or objective == "binary:logitraw"
    return (predictions > (0 if is_odds else 0.5)).astype(int)

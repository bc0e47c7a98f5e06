"""What `evaluate` measures of a classifier of several classes, as SageMaker Model Monitor does, and its picture.

Precision, recall and F are those of each class, weighted by how often the class is in the test set.
Source: https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-model-quality-metrics.html
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
from sklearn.metrics import accuracy_score, confusion_matrix, fbeta_score, precision_score, recall_score

GROUP = "multiclass_classification_metrics"
LABELS = True
PICTURE = "confusion_matrix.png"

_WEIGHTED = {"average": "weighted", "zero_division": 0.0}
METRICS: Mapping[str, Callable[[Any, Any], float]] = {
    "accuracy": accuracy_score,
    "weighted_precision": partial(precision_score, **_WEIGHTED),
    "weighted_recall": partial(recall_score, **_WEIGHTED),
    "weighted_f0_5": partial(fbeta_score, beta=0.5, **_WEIGHTED),
    "weighted_f1": partial(fbeta_score, beta=1.0, **_WEIGHTED),
    "weighted_f2": partial(fbeta_score, beta=2.0, **_WEIGHTED),
}


def counts(y: Any, predicted: Any) -> dict[str, Any]:
    """Return the confusion matrix: how often each class was predicted, by the true class."""
    classes, matrix = _confusion(y, predicted)
    rows = {
        str(true): dict(zip(map(str, classes), row, strict=True))
        for true, row in zip(classes, matrix.tolist(), strict=True)
    }
    return {"confusion_matrix": rows}


def draw(axes: Any, table: Any, predicted: Any, values: Mapping[str, float]) -> None:
    """Draw the confusion matrix: what is off the diagonal is a mistake."""
    classes, matrix = _confusion(table.y, predicted)
    axes.imshow(matrix, cmap="Blues")
    for true, predicted_as in np.ndindex(matrix.shape):
        dark = matrix[true, predicted_as] > matrix.max() / 2
        axes.text(predicted_as, true, matrix[true, predicted_as], ha="center", va="center", color="w" if dark else "k")
    axes.set_xticks(range(len(classes)), classes)
    axes.set_yticks(range(len(classes)), classes)
    axes.set_xlabel(f"predicted {table.target_column}")
    axes.set_ylabel(f"true {table.target_column}")
    axes.set_title(f"{len(predicted)} rows of the test set, accuracy {values['accuracy']:.3f}")


def _confusion(y: Any, predicted: Any) -> tuple[Any, Any]:
    classes = np.unique(np.concatenate([y, predicted]))
    return classes, confusion_matrix(y, predicted, labels=classes)

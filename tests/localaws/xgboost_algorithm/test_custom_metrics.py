"""The metrics that xgboost does not have, against scikit-learn's."""

import numpy as np
import pytest
import xgboost
from sagemaker_xgboost_container.algorithm import custom_metrics
from sklearn import metrics

LABELS = np.array([0, 1, 1, 0, 1, 1, 0, 0, 1, 0], np.float32)
SCORES = np.array([0.2, 0.9, 0.4, 0.6, 0.7, 0.1, 0.3, 0.55, 0.8, 0.45], np.float32)


def evaluated(names: list[str], predictions: np.ndarray, labels: np.ndarray, objective: str) -> dict[str, float]:
    evaluate = custom_metrics.arguments(xgboost, names, objective)["custom_metric"]
    return dict(evaluate(predictions, xgboost.DMatrix(np.zeros((len(labels), 1)), label=labels)))


def test_binary_classification_is_scikit_learns() -> None:
    classes = SCORES > 0.5
    averages = {"f1": "macro", "f1_binary": "binary", "f1_macro": "macro"}
    expected = {name: metrics.f1_score(LABELS, classes, average=average) for name, average in averages.items()}
    for name, function in (("precision", metrics.precision_score), ("recall", metrics.recall_score)):
        expected[name] = function(LABELS, classes)
        expected[f"{name}_macro"] = function(LABELS, classes, average="macro")
        expected[f"{name}_micro"] = function(LABELS, classes, average="micro")
    expected["accuracy"] = metrics.accuracy_score(LABELS, classes)
    expected["balanced_accuracy"] = metrics.balanced_accuracy_score(LABELS, classes)
    assert evaluated(list(expected), SCORES, LABELS, "binary:logistic") == pytest.approx(expected)


def test_several_classes_are_scikit_learns() -> None:
    labels = np.array([0, 1, 2, 2, 1, 0, 3, 1])
    shares = np.eye(4)[[0, 2, 2, 1, 1, 0, 0, 1]]
    classes = shares.argmax(axis=1)
    expected = {
        "accuracy": metrics.accuracy_score(labels, classes),
        "balanced_accuracy": metrics.balanced_accuracy_score(labels, classes),
        "f1": metrics.f1_score(labels, classes, average="macro"),
        "precision_macro": metrics.precision_score(labels, classes, average="macro", zero_division=0),
        "recall_micro": metrics.recall_score(labels, classes, average="micro"),
    }
    assert evaluated(list(expected), shares, labels, "multi:softprob") == pytest.approx(expected)
    assert evaluated(list(expected), classes.astype(np.float32), labels, "multi:softmax") == pytest.approx(expected)
    with pytest.raises(ValueError, match="multiclass"):
        evaluated(["f1_binary"], shares, labels, "multi:softprob")


def test_numbers_are_scikit_learns() -> None:
    expected = {"mse": metrics.mean_squared_error(LABELS, SCORES), "r2": metrics.r2_score(LABELS, SCORES)}
    assert evaluated(["mse", "r2"], SCORES, LABELS, "reg:squarederror") == pytest.approx(expected, rel=1e-5)

"""Cross-validation, the hyperparameters _kfold and _num_cv_round: a model for each fold, ``xgboost-model-<fold>``.

The folds are those of scikit-learn's RepeatedKFold, stratified for classification. What each model predicts for the
rows that it has not seen is in ``predictions.csv`` among the job's other output: label, prediction; for classification
label, probability, class. Source: ``algorithm_mode/train.py`` and ``prediction_utils.py`` of AWS's container.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from . import data, model_file
from .boosting import Places, boost, line
from .examples import Examples
from .hyperparameters import Settings

_SEED = 0


def train(xgboost: Any, settings: Settings, examples: Examples, places: Places, output: Path) -> list[Any]:
    """Return the models of all folds, and write the predictions.

    Parameters
    ----------
    xgboost : module
    settings : Settings
    examples : Examples
        All there are, of both channels.
    places : Places
        Those of a single model; each fold has its own beside them.
    output : Path
        The folder of the job's other output.
    """
    matrix = data.matrix(xgboost, examples)
    is_classification = "num_class" in settings.parameters or settings.objective.startswith("binary:")
    models: list[Any] = []
    results: list[dict[str, Any]] = []
    predicted: list[list[Any]] = [[] for _ in range(examples.n_rows)]
    assert settings.kfold is not None  # noqa: S101 - for the types
    for learned, left_out in _folds(settings, examples, is_classification):
        unseen = matrix.slice(left_out)
        matrices = {"train": matrix.slice(learned), "validation": unseen}
        booster, metrics = boost(xgboost, settings, matrices, _of_fold(places, len(models)))
        models.append(booster)
        results.append(metrics)
        predictions = booster.predict(unseen)
        for number, row in enumerate(left_out):
            predicted[row].append(predictions[number])
        if len(models) % settings.kfold == 0:
            print(f"The metrics of round {len(models) // settings.kfold} cross validation", flush=True)
            print(line(settings.num_round, _means(results[-settings.kfold :])), flush=True)
    if settings.num_cv_round > 1:
        print(f"The overall metrics of {settings.num_cv_round}-round cross validation", flush=True)
        print(line(settings.num_round, _means(results)), flush=True)
    _write(output / "predictions.csv", examples.labels, predicted, is_classification=is_classification)
    return models


def _folds(settings: Settings, examples: Examples, is_classification: bool) -> Any:
    from sklearn.model_selection import RepeatedKFold, RepeatedStratifiedKFold  # noqa: PLC0415

    kind = RepeatedStratifiedKFold if is_classification else RepeatedKFold
    folds = kind(n_splits=settings.kfold, n_repeats=settings.num_cv_round, random_state=_SEED)
    return folds.split(np.zeros((examples.n_rows, 1)), examples.labels if is_classification else None)


def _of_fold(places: Places, fold: int) -> Places:
    checkpoints = places.checkpoints / f"model-{fold}" if places.checkpoints else None
    return replace(places, model=places.model.with_name(f"{model_file.NAME}-{fold}"), checkpoints=checkpoints)


def _means(results: list[dict[str, Any]]) -> dict[str, dict[str, list[float]]]:
    return {
        name: {metric: [float(np.mean([result[name][metric][-1] for result in results]))] for metric in metrics}
        for name, metrics in results[0].items()
    }


def _write(path: Path, labels: Any, predicted: list[list[Any]], *, is_classification: bool) -> None:
    values = np.array(predicted)
    if not is_classification:
        columns = [labels, values.mean(axis=1)]
    else:
        classes = values.argmax(axis=2) if values.ndim > 2 else (values > 0.5).astype(int)
        shares = np.take_along_axis(values, classes[:, :, None], 2)[:, :, 0] if values.ndim > 2 else values
        columns = [labels, shares.mean(axis=1), [np.bincount(row).argmax() for row in classes]]
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savetxt(path, np.column_stack(columns), delimiter=",", fmt="%f")

"""The models of a folder: one, or those of a cross-validation, which answer together.

AWS's container reads each file of the folder, whatever its name, by pickle, and what is no pickle by xgboost. A pickle
can run any code, and who serves a model without a script expects data. So here a pickle may hold a Booster and nothing
else, which is what older examples save with ``pickle.dump(booster, ...)``.
"""

from __future__ import annotations

import io
import json
import logging
import os
import pickle
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

import numpy as np

from ..algorithm import xgboost_module  # noqa: TID252 - its absolute name is only known in a container
from ..algorithm.errors import ClientError  # noqa: TID252
from ..algorithm.job import VERSION_VARIABLE  # noqa: TID252
from .errors import ModelError, RefusedError

log = logging.getLogger(__name__)

_ENSEMBLE = "SAGEMAKER_INFERENCE_ENSEMBLE"
_COUNTS_FROM_ONE = (3, 2)
_VOTING = ("multi:softmax", "binary:hinge")
# What a pickled Booster needs, with each protocol of pickle.
_IN_PICKLES = {
    ("xgboost.core", "Booster"),
    ("builtins", "bytearray"),
    ("builtins", "object"),
    ("__builtin__", "bytearray"),
    ("__builtin__", "object"),
    ("copyreg", "_reconstructor"),
    ("copy_reg", "_reconstructor"),
    ("_codecs", "encode"),
}


@dataclass(frozen=True)
class Boosters:
    """The models, and what the first says of itself.

    Attributes
    ----------
    pickled : bool
        Whether the first was a pickle, whose number of features AWS's container checks.
    objective : str
    n_classes : int
        0 unless there are several.
    counts_from_one : bool
        Whether a LIBSVM request in which no index is 0 counts them from 1, as AWS's image 3.2-0 has it.
    """

    xgboost: Any
    models: Sequence[Any]
    pickled: bool
    objective: str
    n_classes: int
    counts_from_one: bool

    def predict(self, features: Any) -> Any:
        """Return an array with a row, or a number, for each row of the features.

        Raises
        ------
        RefusedError
            400: they do not fit the model.
        """
        try:
            if self.pickled:
                self._check_columns(features)
            matrix = self.xgboost.DMatrix(features, nthread=1)
            predictions = [_predict(model, matrix) for model in self.models]
        except (ValueError, self.xgboost.core.XGBoostError) as error:
            raise RefusedError(
                HTTPStatus.BAD_REQUEST, f"Unable to evaluate payload provided: {_reason(error)}"
            ) from error
        if len(predictions) == 1:
            return predictions[0]
        return _most_common(predictions) if self.objective in _VOTING else np.mean(predictions, axis=0)

    def _check_columns(self, features: Any) -> None:
        """Refuse what AWS's container refuses: CSV has all columns or, the label being one, one less."""
        trained, given = self.models[0].num_features(), features.shape[1]
        fits = given <= trained + 1 if not isinstance(features, np.ndarray) else trained in (given, given + 1)
        if not fits:
            raise ValueError(
                f"Feature size of inference data {given} is not consistent with feature size of trained model"
                f" {trained}."
            )


def load(folder: Path) -> Boosters:
    """Load the files of a folder, or, with SAGEMAKER_INFERENCE_ENSEMBLE=false, the first by name.

    Raises
    ------
    ModelError
        There is none, or one cannot be loaded; or xgboost is not installed.
    """
    try:
        xgboost = xgboost_module.load()
    except ClientError as error:
        raise ModelError(str(error)) from error
    paths = [path for path in sorted(folder.iterdir()) if path.is_file() and not path.name.startswith(".")]
    if not paths:
        raise ModelError(f"Unable to load model: {folder} has no file: a model.tar.gz has xgboost-model at its top.")
    if os.environ.get(_ENSEMBLE, "true") != "true":
        del paths[1:]
    loaded = [_load(xgboost, path) for path in paths]
    return _described(xgboost, [model for model, _ in loaded], pickled=loaded[0][1])


def _load(xgboost: Any, path: Path) -> tuple[Any, bool]:
    content = path.read_bytes()
    try:
        if not content:
            raise ValueError("it is empty")  # which ends xgboost's process
        if pickled := _is_pickle(content):
            model = _BoosterUnpickler(io.BytesIO(content)).load()
            model.num_features()
        else:
            model = xgboost.Booster(model_file=bytearray(content))
        model.set_param({"nthread": 1})
    except Exception as error:  # a pickle's may be any
        raise ModelError(f"Unable to load model: Model {path} cannot be loaded: {_reason(error)}") from error
    return model, pickled


def _is_pickle(content: bytes) -> bool:
    """Return whether a file is a pickle of protocol 2 or later, or an older one of an object.

    What xgboost writes begins with { (JSON, UBJSON) or "binf", or in its old format with a number.
    """
    return content.endswith(b".") and (
        (content[:1] == b"\x80" and content[1:2] in b"\x02\x03\x04\x05") or content[:1] == b"c"
    )


class _BoosterUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _IN_PICKLES:
            raise pickle.UnpicklingError(
                f"it is a pickle of {module}.{name}, and loading a pickle runs its code. Save the model with"
                " Booster.save_model, or name a script with a model_fn that loads it (SAGEMAKER_PROGRAM)."
            )
        return super().find_class(module, name)


def _described(xgboost: Any, models: Sequence[Any], *, pickled: bool) -> Boosters:
    learner = json.loads(models[0].save_config())["learner"]
    n_classes = int(learner["learner_model_param"].get("num_class") or 0)
    version = os.environ.get(VERSION_VARIABLE) or xgboost.__version__
    numbers = tuple(int(part) for part in version.replace("-", ".").split(".")[:2] if part.isdigit())
    return Boosters(xgboost, models, pickled, learner["objective"]["name"], n_classes, numbers >= _COUNTS_FROM_ONE)


def _predict(model: Any, matrix: Any) -> Any:
    """Return the prediction of all trees; with early stopping, until xgboost 2, of those until the best round."""
    limit = getattr(model, "best_ntree_limit", None)  # which no newer version has, nor its predict takes
    best = {"ntree_limit": int(limit)} if limit else {}
    return model.predict(matrix, validate_features=False, **best)


def _most_common(predictions: Sequence[Any]) -> Any:
    """Return for each row the label that most models gave, the smallest of several."""
    votes = np.asarray(predictions)
    labels = np.unique(votes)
    return labels[np.argmax([(votes == label).sum(axis=0) for label in labels], axis=0)]


def _reason(error: BaseException) -> str:
    """Return what xgboost says, without the time, its source's line and its stack."""
    said = str(error).partition("Stack trace:")[0].strip().splitlines()
    text = said[0] if said else type(error).__name__
    return text.rpartition(": Check failed: ")[2] if text.startswith("[") else text

"""The algorithm as a training job: what `train` runs when the hyperparameters name no script.

It reads /opt/ml/input, writes /opt/ml/model/xgboost-model, and when it cannot, the reason to /opt/ml/output/failure.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import channels, cross_validation, data, distribution, hyperparameters, model_file, xgboost_module
from .boosting import Places, boost
from .errors import AlgorithmError, ClientError
from .examples import Examples, joined
from .hyperparameters import Settings

ROOT = Path("/opt/ml")
VERSION_VARIABLE = "SAGEMAKER_XGBOOST_VERSION"
"""The environment variable with the image's version, where another one's environment stands for it."""
# What xgboost says of data and hyperparameters that do not fit: CUSTOMER_ERRORS of AWS's container.
_OF_USER = (
    "label must be in [0,1] for logistic regression",
    "label must be in [0, num_class)",
    "label must be discrete values in the range of [0, num_class)",
    "Target is multiclass but average='binary'",
    "feature_names mismatch",
    "preds.size() == info.labels",
    "the dataset only contains pos or neg samples",
    "base_score must be in (0,1)",
    "label must be nonnegative",
    "Weights must be positive values",
    "Parameter reg_lambda should be greater equal to 0",
)


@dataclass(frozen=True)
class Job:
    """What the files in /opt/ml/input/config say.

    Attributes
    ----------
    hosts : sequence of str
        The names of all instances.
    host : str
        This one's.
    checkpoints : Path or None
        The folder of checkpoints; None if there is no CheckpointConfig.
    """

    root: Path
    hyperparameters: Mapping[str, str]
    channels: Mapping[str, Any]
    hosts: Sequence[str]
    host: str
    checkpoints: Path | None

    @classmethod
    def of(cls, root: Path) -> Job:
        """Read the configuration of a container."""
        config = root / "input" / "config"
        found = {path.stem: json.loads(path.read_text()) for path in config.glob("*.json")}
        resources = found.get("resourceconfig", {"hosts": ["algo-1"], "current_host": "algo-1"})
        checkpoints = found.get("checkpointconfig", {}).get("LocalPath")
        return cls(
            root,
            found.get("hyperparameters", {}),
            found.get("inputdataconfig", {}),
            sorted(resources["hosts"]),
            resources["current_host"],
            Path(checkpoints) if checkpoints else None,
        )


def main() -> int:
    """Train; return the exit code."""
    try:
        run(Job.of(ROOT))
    except AlgorithmError as error:
        return _failed(f"{type(error).__name__}: {error}", error.exit_code)
    except Exception as error:
        traceback.print_exc()
        return _failed(f"AlgorithmError: {type(error).__name__}: {error}", AlgorithmError.exit_code)
    return 0


def _failed(reason: str, exit_code: int) -> int:
    failure = ROOT / "output" / "failure"
    failure.parent.mkdir(parents=True, exist_ok=True)
    failure.write_text(reason)
    print(reason, file=sys.stderr, flush=True)
    return exit_code


def run(job: Job) -> None:
    """Check everything that can be checked, read the data, train, and write the model."""
    xgboost = xgboost_module.load()
    settings = hyperparameters.settings(
        job.hyperparameters, os.environ.get(VERSION_VARIABLE) or str(xgboost.__version__)
    )
    data_format = channels.data_format(job.channels)
    examples = {
        name: data.read(job.root / "input" / "data" / name, data_format, csv_weights=settings.csv_weights)
        for name in ("train", "validation")
        if name in job.channels
    }
    there = {name: found for name, found in examples.items() if found is not None}
    missing = [name for name in examples if name not in there]
    if len(job.hosts) > 1:
        if settings.kfold:
            raise ClientError(f"Hyperparameter _kfold: {settings.kfold} is for one instance, not {len(job.hosts)}")

        def train(is_master: bool) -> None:
            _train(job, xgboost, settings, there, is_master=is_master)

        distribution.run(xgboost, job.hosts, job.host, not missing, train)
    elif missing:
        raise ClientError(f"No data in {missing[0]} channel path {job.root / 'input' / 'data' / missing[0]}")
    else:
        _train(job, xgboost, settings, there, is_master=True)


def _train(job: Job, xgboost: Any, settings: Settings, examples: Mapping[str, Examples], *, is_master: bool) -> None:
    places = Places(job.root / "model" / model_file.NAME, job.checkpoints, is_master)
    if settings.save_model_on_termination and is_master:
        signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    try:
        if settings.kfold:
            everything = joined(list(examples.values()))
            models = cross_validation.train(xgboost, settings, everything, places, job.root / "output" / "data")
            for number, model in enumerate(models):
                model_file.save(model, places.model.with_name(f"{model_file.NAME}-{number}"))
            return
        matrices = {name: data.matrix(xgboost, each) for name, each in examples.items()}
        for name, matrix in matrices.items():
            print(f"{name} matrix has {matrix.num_row()} rows and {matrix.num_col()} columns", flush=True)
        booster, _ = boost(xgboost, settings, matrices, places)
    except (ValueError, xgboost.core.XGBoostError) as error:
        raise _of_xgboost(error) from error
    if is_master:
        model_file.save(booster, places.model)


def _of_xgboost(error: Exception) -> AlgorithmError:
    """Return what xgboost says, without the addresses of its stack."""
    said = str(error).partition("Stack trace:")[0].strip()
    if any(text in said for text in _OF_USER):
        return ClientError(said)
    return AlgorithmError(f"XGB train call failed with exception: {said}")

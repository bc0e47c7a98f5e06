"""The file of a model: ``xgboost-model``.

AWS's images write it with ``Booster.save_model`` under this name, without an extension ("Use XGBoost as a built-in
algorithm": ``load_model`` reads it). That is UBJSON since xgboost 2.1, and was xgboost's binary format before.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

NAME = "xgboost-model"


def save(booster: Any, path: Path) -> None:
    """Write a model; who reads its folder never sees half of one, nor what a SIGTERM leaves."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent.parent) as folder:
        # Newer versions of xgboost warn of a name without an extension, and write UBJSON.
        whole = Path(folder) / ("model.ubj" if hasattr(booster, "reset") else "model")
        booster.save_model(str(whole))
        whole.replace(path)


def load(xgboost: Any, path: Path) -> Any:
    """Return the model of a file.

    Raises
    ------
    xgboost.core.XGBoostError
        It is none.
    """
    return xgboost.Booster(model_file=bytearray(path.read_bytes()))

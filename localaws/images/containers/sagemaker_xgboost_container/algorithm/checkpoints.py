"""The checkpoints of a training: ``xgboost-checkpoint.<round>`` in the folder of its CheckpointConfig.

The last five are kept. What a job that begins anew, after an interruption, finds there is what it goes on from.
Source: ``checkpointing.py`` of AWS's container.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from . import model_file

NAME = "xgboost-checkpoint"
_KEPT = 5
_FILE = re.compile(rf"{NAME}\.(\d+)")


def latest(xgboost: Any, folder: Path | None) -> tuple[Any, int]:
    """Return the model of the last whole checkpoint, and how many rounds it had; None and 0 if there is none."""
    for number, path in reversed(_all(folder)):
        try:
            booster = model_file.load(xgboost, path)
        except xgboost.core.XGBoostError as error:
            print(f"WARNING: the checkpoint {path} cannot be read: {str(error).splitlines()[0]}", flush=True)
            continue
        print(f"Checkpoint loaded from {path}\nResuming from iteration {number + 1}", flush=True)
        return booster, number + 1
    return None, 0


def save(booster: Any, folder: Path, number: int) -> None:
    """Write the checkpoint of a round, and delete the one that is too old."""
    model_file.save(booster, folder / f"{NAME}.{number}")
    for old, path in _all(folder):
        if old <= number - _KEPT:
            path.unlink()


def _all(folder: Path | None) -> list[tuple[int, Path]]:
    if folder is None or not folder.is_dir():
        return []
    matches = ((_FILE.fullmatch(path.name), path) for path in folder.iterdir())
    return sorted((int(match.group(1)), path) for match, path in matches if match)

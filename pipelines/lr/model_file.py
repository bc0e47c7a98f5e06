"""model.dill: a fitted model on disk, written by train.py and read by inference.py.

dill is pure Python, and AWS's scikit-learn image lacks it. A job installs nothing, so `dill.zip` travels beside this
file (`pipelines.code.read_package`) and is used where the image has none.
"""

import sys
from pathlib import Path
from typing import Any


def save(model: Any, path: Path) -> None:
    """Write a model."""
    with path.open("wb") as file:
        _dill().dump(model, file)


def load(path: Path) -> Any:
    """Read a model. Reading runs code: read your own only."""
    with path.open("rb") as file:
        return _dill().load(file)


def _dill() -> Any:
    try:
        import dill  # noqa: PLC0415 -- 0.1 s, which `--help` and a job that fails early are spared
    except ModuleNotFoundError:
        sys.path.append(str(Path(__file__).with_name("dill.zip")))
        import dill  # noqa: PLC0415
    return dill

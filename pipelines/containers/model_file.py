"""model.dill: a fitted model on disk, written by a training script and read by inference.py, with the code beside it.

    model.dill               the fitted model
    code/inference.py ...    what serves it
    code/dill.zip            reads model.dill where the image lacks dill

dill is pure Python, and AWS's scikit-learn image lacks it. A job installs nothing, so `dill.zip` travels beside this
file (`pipelines.code.read_package`) and is used where the image has none.
"""

import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

NAME = "model.dill"
# What is served with every model, beside its own files.
_SHARED = ("model_file.py", "rows.py", "refusals.py")
_BESIDE = Path(__file__).parent


def save(model: Any, model_dir: Path, code: Sequence[Path]) -> None:
    """Write a model and the code that serves it, completely or not at all: a folder that holds model.dill is complete.

    Parameters
    ----------
    model : object
    model_dir : Path
        SageMaker's /opt/ml/model, which becomes model.tar.gz.
    code : sequence of Path
        The model's own files, inference.py among them.
    """
    packed = _BESIDE / "dill.zip"  # in a container; elsewhere dill is installed
    shared = [_BESIDE / name for name in _SHARED] + ([packed] if packed.exists() else [])
    model_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=model_dir, prefix=".partial-") as partial:
        (folder := Path(partial, "code")).mkdir()
        for path in (*code, *shared):
            shutil.copyfile(path, folder / path.name)
        with Path(partial, NAME).open("wb") as file:
            _dill().dump(model, file)
        (model_dir / NAME).unlink(missing_ok=True)
        shutil.rmtree(model_dir / "code", ignore_errors=True)
        folder.replace(model_dir / "code")
        Path(partial, NAME).replace(model_dir / NAME)


def load(model_dir: str) -> Any:
    """Read the model of a folder. Reading runs code: read your own only."""
    with Path(model_dir, NAME).open("rb") as file:
        return _dill().load(file)


def _dill() -> Any:
    try:
        import dill  # noqa: PLC0415 -- 0.1 s, which `--help` and a job that fails early are spared
    except ModuleNotFoundError:
        sys.path.append(str(Path(__file__).with_name("dill.zip")))
        import dill  # noqa: PLC0415
    return dill

"""Models that load by themselves, without a model_fn: one file in the model directory, known by its ending.

| ending | read by | called with |
|---|---|---|
| .pkl, .dill, .joblib | pickle, dill, joblib | predict, or the object itself |
| .onnx | ONNX Runtime | rows; the first output, or a dict of all |
| .pt, .pth | torch.jit.load (TorchScript) | rows as float32 |

The libraries are imported only when such a file is there. Pickled files run code when they are read: serve your own.
"""

import importlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from serving.errors import StartError

_ONNX_DTYPES = {
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    "tensor(float16)": np.float16,
    "tensor(int64)": np.int64,
    "tensor(int32)": np.int32,
    "tensor(uint8)": np.uint8,
}


def load_only_file(model_dir: Path) -> Any:
    """Load the only file in `model_dir` that has one of the endings.

    Raises
    ------
    StartError
        There is none, or more than one, or it cannot be read; or the library that reads it is not installed.
    """
    found = sorted(path for path in model_dir.iterdir() if path.suffix in LOADERS)
    if len(found) != 1:
        names = ", ".join(path.name for path in found) or "none"
        raise StartError(
            f"No model_fn is defined, and {model_dir} does not hold exactly one {', '.join(LOADERS)} file "
            f"({names}): define model_fn in code/inference.py."
        )
    [path] = found
    try:
        return LOADERS[path.suffix](path)
    except ModuleNotFoundError as error:
        raise StartError(f"{path} needs the package {error.name}, which is not installed: install it.") from error
    except Exception as error:
        raise StartError(f"{path} cannot be loaded: {type(error).__name__}: {error}") from error


class OnnxModel:
    """An ONNX model as a function of rows.

    Parameters
    ----------
    path : Path

    Attributes
    ----------
    n_features_in_ : int or None
        The width that the only input declares, if it is fixed.
    """

    def __init__(self, path: Path) -> None:
        os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # it would write files of device ids
        runtime = importlib.import_module("onnxruntime")
        options = runtime.SessionOptions()
        options.intra_op_num_threads = int(os.environ.get("OMP_NUM_THREADS", "1"))
        options.inter_op_num_threads = 1
        self._session = runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self._inputs = {item.name: _ONNX_DTYPES.get(item.type, np.float32) for item in self._session.get_inputs()}
        self._outputs = [item.name for item in self._session.get_outputs()]
        shape = self._session.get_inputs()[0].shape
        fixed = len(self._inputs) == 1 and len(shape) == 2 and isinstance(shape[1], int)
        self.n_features_in_ = shape[1] if fixed else None

    def predict(self, rows: Any) -> Any:
        """Run the model.

        Parameters
        ----------
        rows : array-like, or dict of array-like by input's name
            An array is the only input, or, for a model with one input for each column, its columns.

        Returns
        -------
        ndarray, or dict by output's name if there are several
        """
        outputs = self._session.run(None, self._feed(rows))
        return outputs[0] if len(outputs) == 1 else dict(zip(self._outputs, outputs, strict=True))

    def _feed(self, rows: Any) -> dict[str, NDArray[Any]]:
        if isinstance(rows, dict):
            return {name: np.asarray(rows[name], dtype) for name, dtype in self._inputs.items()}
        if len(self._inputs) == 1:
            [(name, dtype)] = self._inputs.items()
            return {name: np.asarray(rows, dtype)}
        columns = np.hsplit(np.asarray(rows), len(self._inputs))
        return {name: col.astype(dtype) for (name, dtype), col in zip(self._inputs.items(), columns, strict=True)}


class TorchScriptModel:
    """A TorchScript module as a function of rows.

    Parameters
    ----------
    path : Path
    """

    def __init__(self, path: Path) -> None:
        self._torch = importlib.import_module("torch")
        self._torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
        self._module = self._torch.jit.load(str(path), map_location="cpu").eval()

    def predict(self, rows: Any) -> Any:
        """Run the module on rows as float32; return an ndarray."""
        with self._torch.inference_mode():
            output = self._module(self._torch.as_tensor(np.asarray(rows, np.float32)))
        return output.numpy()


def _by(library: str) -> Callable[[Path], Any]:
    def load(path: Path) -> Any:
        with path.open("rb") as file:
            return importlib.import_module(library).load(file)

    return load


LOADERS: dict[str, Callable[[Path], Any]] = {
    ".pkl": _by("pickle"),
    ".dill": _by("dill"),
    ".joblib": _by("joblib"),
    ".onnx": OnnxModel,
    ".pt": TorchScriptModel,
    ".pth": TorchScriptModel,
}

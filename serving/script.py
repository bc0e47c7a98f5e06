"""The user's inference.py: found, imported, and its functions checked against SageMaker's contract.

The contract is that of AWS's inference containers (``sagemaker-inference-toolkit``, ``transformer.py``):
model_fn, and either transform_fn alone or any of input_fn, predict_fn and output_fn. What a script does not
define has a default.
"""

import importlib.util
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from serving.errors import StartError
from serving.settings import DEFAULT_PROGRAM

TransformFn = Callable[[Any, str | bytes, str, str], Any]

_STAGES = ("input_fn", "predict_fn", "output_fn")


@dataclass(frozen=True)
class Script:
    """The functions that a script defines; None for each that it does not.

    Attributes
    ----------
    model_fn : callable(model_dir: str) -> model
    input_fn : callable(body: str or bytes, content_type: str) -> data
    predict_fn : callable(data, model) -> prediction
    output_fn : callable(prediction, accept: str) -> str, bytes, or (str or bytes, content_type)
    transform_fn : callable(model, body: str or bytes, content_type: str, accept: str) -> as output_fn
    """

    model_fn: Callable[[str], Any] | None = None
    input_fn: Callable[[str | bytes, str], Any] | None = None
    predict_fn: Callable[[Any, Any], Any] | None = None
    output_fn: Callable[[Any, str], Any] | None = None
    transform_fn: TransformFn | None = None


def load_script(code_dir: Path, program: str | None) -> Script:
    """Import the script, with its folder first on the path, so that it finds its siblings.

    Parameters
    ----------
    code_dir : Path
        The script's folder.
    program : str or None
        The script's file name. None means inference.py, which then may be absent: a model that can be loaded
        and called without help needs no script.

    Raises
    ------
    StartError
        There is no such file, it raises when it is imported, or it defines transform_fn beside one of the
        functions that transform_fn replaces.
    """
    path = code_dir / (program or DEFAULT_PROGRAM)
    # Also without a script: a pickled model finds its class in a module beside it.
    sys.path.insert(0, str(code_dir))
    if not path.is_file():
        if program is None:
            return Script()
        raise StartError(f"SAGEMAKER_PROGRAM names {program!r}, but there is no file {path}.")
    return _functions(_import(path), path)


def _import(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise StartError(f"{path} is not a Python file: name it {path.stem}.py.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module  # a model pickled by this module's classes finds them by its name
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise StartError(f"{path} cannot be imported: {type(error).__name__}: {error}") from error
    return module


def _functions(module: ModuleType, path: Path) -> Script:
    script = Script(**{name: getattr(module, name, None) for name in Script.__annotations__})
    replaced = [name for name in _STAGES if getattr(script, name)]
    if script.transform_fn and replaced:
        raise StartError(
            f"{path} defines transform_fn, which stands for {', '.join(replaced)} too: remove one or the other."
        )
    return script

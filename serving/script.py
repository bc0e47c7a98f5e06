"""The user's inference.py: found, imported, and its functions checked against SageMaker's contract.

The contract is that of AWS's inference containers (``sagemaker-inference-toolkit``, ``transformer.py``):
model_fn, and either transform_fn alone or any of input_fn, predict_fn and output_fn. What a script does not
define has a default.

An image that is an algorithm has a module of its own, which SAGEMAKER_SERVING_MODULE names. Where no script is named,
that module is the script, as in AWS's images, which then look for no inference.py. Its ``DEFAULTS`` are the functions
that a script need not define there.
"""

import importlib.util
import logging
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from serving.context import ARGUMENTS, takes_context
from serving.errors import StartError
from serving.settings import DEFAULT_PROGRAM

IMAGE_MODULE = "SAGEMAKER_SERVING_MODULE"
_TUNED_BY = {"batch_size": "SAGEMAKER_TS_BATCH_SIZE", "max_batch_delay": "SAGEMAKER_TS_MAX_BATCH_DELAY"}
_LONGEST_DELAY_MS = 10_000
_STAGES = ("input_fn", "predict_fn", "output_fn")

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Script:
    """The functions that a script defines; None for each that it does not. Each may take a `Context` as well.

    Attributes
    ----------
    pre_model_fn : callable(model_dir: str)
        Called before the model is loaded.
    model_fn : callable(model_dir: str) -> model
    model_warmup_fn : callable(model_dir: str, model)
        Called once the model is loaded, before the first request.
    input_fn : callable(body: str or bytes, content_type: str) -> data
    predict_fn : callable(data, model) -> prediction
    output_fn : callable(prediction, accept: str) -> str, bytes, or (str or bytes, content_type)
    transform_fn : callable(model, body: str or bytes, content_type: str, accept: str) -> as output_fn
    batch_size : int
        A script that says more than 1 declares that its predict_fn treats each row by itself: then the rows of so many
        requests may be put into one call.
    max_batch_delay : float
        Milliseconds that a request may wait for others; 0 takes what waits already. TorchServe's words, as the
        variables SAGEMAKER_TS_BATCH_SIZE and SAGEMAKER_TS_MAX_BATCH_DELAY, which replace what the script says.
    """

    pre_model_fn: Callable[..., Any] | None = None
    model_fn: Callable[..., Any] | None = None
    model_warmup_fn: Callable[..., Any] | None = None
    input_fn: Callable[..., Any] | None = None
    predict_fn: Callable[..., Any] | None = None
    output_fn: Callable[..., Any] | None = None
    transform_fn: Callable[..., Any] | None = None
    batch_size: int = 1
    max_batch_delay: float = 0


def load_script(code_dir: Path, program: str | None) -> Script:
    """Import the script, with its folder first on the path, so that it finds its siblings.

    Parameters
    ----------
    code_dir : Path
        The script's folder.
    program : str or None
        The script's file name. None means inference.py, which then may be absent: a model that can be loaded
        and called without help needs no script; or the image's own module, if it has one.

    Raises
    ------
    StartError
        There is no such file, it raises when it is imported, or it defines transform_fn beside one of the
        functions that transform_fn replaces.
    """
    path = code_dir / (program or DEFAULT_PROGRAM)
    own = _image_module()
    if own is not None and program is None:
        if path.is_file():
            log.warning("%s is not used: without SAGEMAKER_PROGRAM this image serves by itself.", path)
        return _functions(own, Path(own.__file__ or IMAGE_MODULE))
    # Also without a script: a pickled model finds its class in a module beside it.
    sys.path.insert(0, str(code_dir))
    if not path.is_file():
        if program is None:
            return Script()
        raise StartError(f"SAGEMAKER_PROGRAM names {program!r}, but there is no file {path}.")
    return _functions(_import(path), path, own.DEFAULTS if own else {})


@contextmanager
def own_modules(folder: Path) -> Iterator[None]:
    """Hide what is imported from `folder` in this context from everything outside of it.

    Another model of the same process may have a module of the same name. So a script that is loaded in here has to
    import its siblings when it is loaded, not within its functions.
    """
    before = list(sys.path)
    try:
        yield
    finally:
        sys.path[:] = before
        for name, module in list(sys.modules.items()):
            if Path(getattr(module, "__file__", None) or "/").is_relative_to(folder):
                del sys.modules[name]


def _image_module() -> ModuleType | None:
    name = os.environ.get(IMAGE_MODULE)
    if not name:
        return None
    try:
        return importlib.import_module(name)
    except Exception as error:
        raise StartError(f"{IMAGE_MODULE} names {name!r}, which cannot be imported: {error}") from error


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


def _functions(module: ModuleType, path: Path, defaults: Mapping[str, Callable[..., Any]] | None = None) -> Script:
    given = {name: getattr(module, name) for name in Script.__annotations__ if hasattr(module, name)}
    replaced_by_transform = _STAGES if "transform_fn" in given else ()
    given = {name: each for name, each in (defaults or {}).items() if name not in replaced_by_transform} | given
    script = Script(**(given | _tuned(given)))
    replaced = [name for name in _STAGES if getattr(script, name)]
    if script.transform_fn and replaced:
        raise StartError(
            f"{path} defines transform_fn, which stands for {', '.join(replaced)} too: remove one or the other."
        )
    _check_batching(script, path)
    _check_arguments(script, path)
    return script


def _check_arguments(script: Script, path: Path) -> None:
    """Refuse at the start what every request would fail on."""
    for name in ARGUMENTS:
        if (function := getattr(script, name)) is None:
            continue
        try:
            contextual = takes_context(name, function)
        except StartError as error:
            raise StartError(f"{path}: {error}") from error
        if contextual and name == "predict_fn" and script.batch_size > 1:
            raise StartError(f"{path} defines a predict_fn with context, which cannot be batched: remove batch_size.")


def _tuned(given: dict[str, Any]) -> dict[str, Any]:
    """Return what the environment sets instead, if the script declares that it can be batched at all."""
    if "batch_size" not in given:
        return {}
    return {name: _number(os.environ[key], key) for name, key in _TUNED_BY.items() if os.environ.get(key)}


def _number(text: str, name: str) -> int:
    if not text.isdecimal():
        raise StartError(f"{name} has the value {text!r}: expected a whole number.")
    return int(text)


def _check_batching(script: Script, path: Path) -> None:
    size, delay = script.batch_size, script.max_batch_delay
    if type(size) is not int or size < 1:
        raise StartError(f"{path} has the batch_size {size!r}: expected a whole number, 1 or more.")
    if not isinstance(delay, int | float) or not 0 <= delay <= _LONGEST_DELAY_MS:
        raise StartError(f"{path} has the max_batch_delay {delay!r}: expected milliseconds, 0 to {_LONGEST_DELAY_MS}.")
    if script.transform_fn and size > 1:
        raise StartError(f"{path} defines transform_fn, which cannot be batched: remove batch_size, or use predict_fn.")

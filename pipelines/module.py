"""The user's module: find it, import it, get its pipeline, and name file and line when that fails.

Modules of AWS's project templates work too. They are in the current directory, often in a folder that is itself
called `pipelines`, and their `get_pipeline()` takes other arguments than ours.
"""

import importlib
import inspect
import sys
import sysconfig
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from model_road import aws
from model_road.environment import SampleData
from model_road.errors import RoadError, UsageError
from pipelines import source


def load(name: str, directory: Path) -> ModuleType:
    """Import a module as it would be imported by a Python started in `directory`.

    Raises
    ------
    UsageError
        When there is no such module, when importing it fails, or when it defines no get_pipeline().
    """
    _make_importable(name.partition(".")[0], directory)
    try:
        with blame(f"importing {name}"):
            module = importlib.import_module(name)
    except UsageError as error:
        cause = error.__cause__
        if isinstance(cause, ModuleNotFoundError) and cause.name and f"{name}.".startswith(f"{cause.name}."):
            raise UsageError(
                f"there is no module {cause.name!r} in {directory} or among the installed packages"
            ) from cause
        raise
    if not callable(getattr(module, "get_pipeline", None)):
        raise UsageError(f"the module {name} ({module.__file__}) defines no get_pipeline()")
    return module


def check(name: str, directory: Path) -> None:
    """Refuse, without importing anything, what cannot be the name of a module with a get_pipeline().

    Raises
    ------
    UsageError
        As `load` does, and for a module that is written for version 2 of SageMaker's SDK.
    """
    if "/" in name or name.endswith(".py"):
        dotted = name.removesuffix(".py").strip("./").replace("/", ".")
        raise UsageError(f"{name!r} is a file; name the module: -n {dotted}")
    source.check(name, directory)


def get_pipeline(module: ModuleType, kwargs: Mapping[str, Any], defaults: Mapping[str, Any]) -> Any:
    """Call the module's get_pipeline() with the user's arguments, and with those defaults that it takes.

    Raises
    ------
    UsageError
        When the arguments do not fit, or when the function raises something of its own.
    """
    signature = inspect.signature(module.get_pipeline)
    try:
        bound = signature.bind(**{**accepted_by(module.get_pipeline, defaults), **kwargs})
    except TypeError as error:
        known = ", ".join(signature.parameters)
        raise UsageError(
            f"{module.__name__}.get_pipeline(): {error}. It takes: {known}; give them with --kwargs."
        ) from error
    with blame(f"{module.__name__}.get_pipeline()"):
        return module.get_pipeline(*bound.args, **bound.kwargs)


def accepted_by(function: Callable[..., Any], arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Choose those of the named arguments that a function takes."""
    known = inspect.signature(function).parameters
    return {name: value for name, value in arguments.items() if name in known}


def sample_data(module: ModuleType, kwargs: Mapping[str, Any]) -> SampleData | None:
    """Return what uploads the module's sample data, if it has any."""
    upload = getattr(module, "upload_sample_data", None)
    if upload is None:
        return None
    return lambda s3_client, bucket: upload(s3_client, bucket, **accepted_by(upload, kwargs))


@contextmanager
def blame(what: str) -> Iterator[None]:
    """Turn an exception of the user's code into one sentence that names it with file and line.

    Errors of ours, and those of AWS, say enough by themselves and pass.
    """
    try:
        yield
    except Exception as error:
        if isinstance(error, RoadError) or aws.is_error(error):
            raise
        raise UsageError(f"{what} failed: {type(error).__name__}: {error}{_where(error)}") from error


def _make_importable(package: str, directory: Path) -> None:
    """Let modules of `directory` be found, also in a folder named like a package that is loaded already."""
    if str(directory) not in sys.path:
        sys.path.insert(0, str(directory))
    loaded = sys.modules.get(package)
    folder = str(directory / package)
    if loaded is not None and Path(folder).is_dir() and folder not in getattr(loaded, "__path__", (folder,)):
        loaded.__path__.append(folder)


def _where(error: Exception) -> str:
    """Return the innermost line of the user's own code: neither Python's nor an installed package's."""
    if isinstance(error, SyntaxError):
        return f" ({error.filename}:{error.lineno})"
    foreign = tuple(sysconfig.get_paths()[key] for key in ("stdlib", "platstdlib", "purelib", "platlib"))
    frames = traceback.extract_tb(error.__traceback__)
    own = [
        frame
        for frame in frames
        if not frame.filename.startswith((*foreign, "<")) and Path(frame.filename) != Path(__file__)
    ]
    return f" ({own[-1].filename}:{own[-1].lineno})" if own else ""

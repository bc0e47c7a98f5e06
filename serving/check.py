"""``serving check PATH``: try a model.tar.gz, or the folder it is made from, before SageMaker does.

Stage by stage, as the server would: unpack, find the script, import it, load the model, ask it. What is wrong is a
finding which says what to do; what comes after a stage that failed is not tried.
"""

import os
import tarfile
import tempfile
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Literal

import orjson

from serving.chain import Chain, Served, load
from serving.errors import RequestError, StartError
from serving.media import JSON, parse_accept, parse_content_type
from serving.settings import DEFAULT_PROGRAM

Level = Literal["ok", "warning", "error"]

_CALLS = 100


@dataclass(frozen=True)
class Finding:
    """What one stage gave.

    Attributes
    ----------
    level : {"ok", "warning", "error"}
    stage : str
    sentence : str
        What was found, and what to do about it.
    """

    level: Level
    stage: str
    sentence: str


@dataclass(frozen=True)
class Sample:
    """What the model is asked.

    Attributes
    ----------
    body : bytes or None
        None makes one row of zeros, as wide as the model says (n_features_in_).
    content_type, accept : str
    """

    body: bytes | None = None
    content_type: str = JSON
    accept: str = "*/*"


def check(path: Path, sample: Sample) -> Iterator[Finding]:
    """Try a model, stage by stage.

    Parameters
    ----------
    path : Path
        A model.tar.gz, or a model directory.
    sample : Sample

    Yields
    ------
    Finding
        The last is an error if the model cannot be served.
    """
    try:
        with _unpacked(path) as folder:
            yield Finding("ok", "archive", f"{_size(path)} in {path}")
            yield from _check_layout(folder)
            yield from _check_model(folder, sample)
    except (OSError, tarfile.TarError, EOFError, zlib.error) as error:
        yield Finding(
            "error", "archive", f"{path} cannot be unpacked: {error}. Make it with: tar czf model.tar.gz -C DIR ."
        )


@contextmanager
def _unpacked(path: Path) -> Iterator[Path]:
    if path.is_dir():
        yield path.absolute()
        return
    if not hasattr(tarfile, "data_filter"):
        raise OSError("this Python unpacks archives unsafely (3.11.4 and later do not); name an unpacked folder")
    with tempfile.TemporaryDirectory(prefix="serving-check-") as folder, tarfile.open(path) as archive:
        archive.extractall(folder, filter="data")  # refuses paths that lead out, devices, absolute links
        yield Path(folder)


def _size(path: Path) -> str:
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    return f"{sum(file.stat().st_size for file in files) / 1e6:.1f} MB"


def _check_layout(folder: Path) -> Iterator[Finding]:
    names = sorted(entry.name for entry in folder.iterdir())
    script = folder / "code" / DEFAULT_PROGRAM
    if not names:
        yield Finding("error", "layout", "The archive is empty: it must hold the model's files and code/inference.py.")
    elif len(names) == 1 and (folder / names[0] / "code").is_dir():
        yield Finding(
            "error",
            "layout",
            f"Everything lies in one folder, {names[0]}/, which SageMaker does not look into: pack its content, "
            f"tar czf model.tar.gz -C {names[0]} .",
        )
    elif (folder / DEFAULT_PROGRAM).is_file() and not script.is_file():
        yield Finding("error", "layout", f"{DEFAULT_PROGRAM} lies at the top: SageMaker looks for it in code/.")
    else:
        yield Finding("ok", "layout", ", ".join(names))
    if (folder / "code" / "requirements.txt").is_file():
        sentence = (
            "code/requirements.txt is installed at every start: what the image has starts faster, without an index."
        )
        yield Finding("warning", "layout", sentence)


def _check_model(folder: Path, sample: Sample) -> Iterator[Finding]:
    started = time.perf_counter()
    try:
        model = load(folder, folder / "code", os.environ.get("SAGEMAKER_PROGRAM") or None)
    except StartError as error:
        yield Finding("error", "load", str(error))
        return
    yield Finding("ok", "load", f"{_described(model)} in {time.perf_counter() - started:.2f} s")
    yield from _check_answer(model, sample)


def _described(model: Served) -> str:
    if isinstance(model, Chain):
        return "a chain of models"
    batches = f", batches of {model.batch_size}" if model.batch_size > 1 else ""
    return f"a {model.kind}{batches}"


def _check_answer(model: Served, sample: Sample) -> Iterator[Finding]:
    body = sample.body if sample.body is not None else _made_up(model)
    if body is None:
        sentence = "The model does not say how wide its rows are (n_features_in_): give a body with --sample FILE."
        yield Finding("warning", "answer", sentence)
        return
    try:
        request: Any = (body, parse_content_type(sample.content_type), parse_accept(sample.accept))
        first = _seconds(model, request)
        times = [_seconds(model, request) for _ in range(_CALLS)]
        answer = model.invoke(*request)
    except RequestError as error:
        yield Finding("error", "answer", f"{_shown(body)} is refused, {int(error.status)}: {error}")
    except Exception as error:
        yield Finding("error", "answer", f"The model fails on {_shown(body)}: {type(error).__name__}: {error}")
    else:
        shown = _shown(answer.body) if isinstance(answer.body, bytes) else "a stream"
        yield Finding("ok", "answer", f"{_shown(body)} gives {shown} as {answer.content_type}")
        yield Finding(
            "ok", "speed", f"first call {first * 1e3:.2f} ms, then {median(times) * 1e6:.0f} us (median of {_CALLS})"
        )


def _seconds(model: Served, request: Any) -> float:
    started = time.perf_counter()
    model.invoke(*request)
    return time.perf_counter() - started


def _made_up(model: Served) -> bytes | None:
    width = None if isinstance(model, Chain) else model.width
    return None if width is None else orjson.dumps([[0.0] * width])


def _shown(body: bytes) -> str:
    text = body.decode("utf-8", "replace").strip()
    return text if len(text) <= 80 else f"{text[:77]}..."

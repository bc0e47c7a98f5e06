"""S3: an object and what is known of it (ETag, type, versions) are written together, and never half.

MiniStack writes an object's body, then what is known of it: a kill between leaves the one with the other of the object
before. One while a body is written leaves a file that the next process takes for an object. What cannot be written it
logs, and acknowledges.
"""

import importlib
from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from localaws.ministack.pieces import LARGE_BYTES, elsewhere
from localaws.ministack.private import private
from localaws.ministack.s3.writes import Content, Writes

_SIDECAR = ".meta.json"


@dataclass
class _Object:
    """The files of an object that is being written, and why it could not be."""

    files: list[tuple[str, Content]] = field(default_factory=list)
    error: OSError | None = None


class ObjectNotWrittenError(Exception):
    """An object could not be written to the disk."""


def write_objects_whole(writes: Writes) -> None:
    """Write each object as a whole, and acknowledge none that is not on disk.

    Hooks ``ministack.services.s3._atomic_write``, which writes a file, and ``_persist_object``, which writes an
    object's two with it, and then logs why it could not.
    """
    module: Any = importlib.import_module("ministack.services.s3")
    persist = private(module.__name__, "_persist_object")
    private(module.__name__, "_atomic_write")
    together: ContextVar[_Object | None] = ContextVar("together", default=None)

    def write(path: str, data: Content, *, text: bool = False) -> None:
        written = together.get()
        if written is None:
            _write(writes, [(path, data)])
            return
        written.files.append((path, data))
        if text and path.endswith(_SIDECAR):
            try:
                _write(writes, written.files)
            except OSError as error:
                written.error = error
                raise

    def persist_whole(bucket: str, key: str, content: Any) -> None:
        written = _Object()
        before = together.set(written)
        try:
            persist(bucket, key, content)
        finally:
            together.reset(before)
        if written.error is not None:
            raise ObjectNotWrittenError(f"s3://{bucket}/{key} could not be written: {written.error}")

    module._atomic_write, module._persist_object = write, persist_whole


def _write(writes: Writes, files: Sequence[tuple[str, Content]]) -> None:
    """Write files; others are answered while large ones are."""
    if sum(len(content) for _, content in files) > LARGE_BYTES:
        elsewhere(lambda: writes.write(files))
    else:
        writes.write(files)

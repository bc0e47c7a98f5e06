"""S3: large objects, which are hashed, copied, read and written while others are answered."""

import asyncio
import base64
import hashlib
import importlib
import inspect
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from awscrt import checksums

from localaws.errors import HookMissingError
from localaws.ministack.pieces import LARGE_BYTES, T, elsewhere
from localaws.ministack.private import installed_version, private

_JOIN = 'b"".join(combined_parts)'
_BLOCK_BYTES = 4 * 1024 * 1024
_CYCLIC: dict[str, tuple[Callable[[bytes, int], int], str]] = {
    "CRC32C": (checksums.crc32c, ">I"),
    "CRC64NVME": (checksums.crc64nvme, ">Q"),
}


def move_large_bodies() -> None:
    """Do what is proportional to an object's size outside of the event loop.

    MiniStack computes CRC32C and CRC64NVME byte by byte, and reads all of an object for each range of it.

    Hooks ``ministack.services.s3``: ``md5_hash``, ``hashlib`` and ``_compute_s3_checksum`` hash, ``_read_body`` reads
    what ``_object_disk_path`` names, ``_get_object`` answers GetObject, and ``_complete_multipart_upload`` puts parts
    together. (`localaws.ministack.s3.hooks_objects` writes.)
    """
    s3: Any = importlib.import_module("ministack.services.s3")
    md5, checksum = private(s3.__name__, "md5_hash"), private(s3.__name__, "_compute_s3_checksum")
    read, get = private(s3.__name__, "_read_body"), private(s3.__name__, "_get_object")
    path_of = private(s3.__name__, "_object_disk_path")
    private(s3.__name__, "hashlib")
    in_range: ContextVar[bool] = ContextVar("in_range", default=False)

    def checksum_of(algorithm: str, body: bytes) -> str | None:
        name = (algorithm or "").upper().replace("_", "")
        if name in _CYCLIC:
            return _if_large(body, lambda: _cyclic(name, body))
        return _if_large(body, lambda: checksum(algorithm, body))  # type: ignore[no-any-return]

    def read_large(bucket: str, key: str, stored: Any) -> Any:
        path = path_of(bucket, key) if stored.get("body") is None else None
        if path is None or stored.get("size", 0) <= LARGE_BYTES:
            return read(bucket, key, stored)
        return _Slices(Path(path)) if in_range.get() else elsewhere(lambda: read(bucket, key, stored))

    def get_in_parts(bucket: str, key: str, headers: Any, *arguments: Any, **more: Any) -> Any:
        token = in_range.set("range" in headers)
        try:
            return get(bucket, key, headers, *arguments, **more)
        finally:
            in_range.reset(token)

    s3.md5_hash = lambda data: _if_large(data, lambda: md5(data))
    s3.hashlib = _Hashes()
    s3._compute_s3_checksum, s3._read_body, s3._get_object = checksum_of, read_large, get_in_parts
    _join_elsewhere(s3)


def _join_elsewhere(s3: Any) -> None:
    """Have ``_complete_multipart_upload`` put the parts together elsewhere, by another expression in its source."""
    source = inspect.getsource(private(s3.__name__, "_complete_multipart_upload"))
    if source.count(_JOIN) != 1:
        raise HookMissingError(f"MiniStack {installed_version()}: _complete_multipart_upload has no {_JOIN}")
    s3._joined = lambda parts: elsewhere(lambda: b"".join(parts))
    exec(compile(source.replace(_JOIN, "_joined(combined_parts)"), s3.__file__, "exec"), vars(s3))  # noqa: S102


def _if_large(data: bytes | str, work: Callable[[], T]) -> T:
    return elsewhere(work) if len(data) > LARGE_BYTES else work()


def _cyclic(name: str, body: bytes) -> str:
    """Return a checksum as S3 writes it; between two blocks, other threads have a turn."""
    function, form = _CYCLIC[name]
    value, view = 0, memoryview(body)
    for start in range(0, len(body), _BLOCK_BYTES):
        value = function(view[start : start + _BLOCK_BYTES], value)  # type: ignore[arg-type]
    return base64.b64encode(struct.pack(form, value)).decode()


class _Hashes:
    """`hashlib`, in which large data are hashed elsewhere."""

    def __getattr__(self, name: str) -> Any:
        found = getattr(hashlib, name)

        def hashed(data: bytes = b"", **more: Any) -> Any:
            return _if_large(data, lambda: found(data, **more))

        return hashed if name in hashlib.algorithms_guaranteed else found


class _Slices:
    """A file of which only what is asked for is read."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __getitem__(self, part: slice) -> bytes:
        return elsewhere(lambda: self._read(part.start or 0, part.stop))

    def _read(self, start: int, stop: int) -> bytes:
        with self._path.open("rb") as file:
            file.seek(start)
            return file.read(stop - start)


class KeysAtWork:
    """Which keys are being changed: two changes of one do not mix, now that one may be interrupted."""

    def __init__(self) -> None:
        self._busy: set[tuple[str, str]] = set()
        self._ended = asyncio.Condition()
        self._mine: ContextVar[frozenset[tuple[str, str]]] = ContextVar("mine", default=frozenset())

    @asynccontextmanager
    async def changing(self, bucket: str, key: str) -> AsyncIterator[None]:
        """Wait for whoever changes the same key, or, without a key, any key of the bucket; then be the one."""
        one = (bucket, key)
        if one in self._mine.get():
            yield
            return
        while any(one == each or (bucket == each[0] and "" in (key, each[1])) for each in self._busy):
            async with self._ended:
                await self._ended.wait()
        self._busy.add(one)
        token = self._mine.set(self._mine.get() | {one})
        try:
            yield
        finally:
            self._mine.reset(token)
            self._busy.discard(one)
            async with self._ended:
                self._ended.notify_all()


def change_one_at_a_time(at_work: KeysAtWork) -> None:
    """Have two requests that change one object follow each other.

    Hook ``ministack.services.s3.handle_request``; ``_parse_bucket_key`` finds the object. The parts of an upload are
    no change yet.
    """
    s3: Any = importlib.import_module("ministack.services.s3")
    handle, parse = private(s3.__name__, "handle_request"), private(s3.__name__, "_parse_bucket_key")

    async def handle_in_turn(
        method: str, path: str, headers: Any, body: Any, query: Any, *others: Any, **more: Any
    ) -> Any:
        if method in ("GET", "HEAD", "OPTIONS") or "partNumber" in query:
            return await handle(method, path, headers, body, query, *others, **more)
        bucket, key = parse(path, headers)
        async with at_work.changing(bucket or "", key or ""):
            return await handle(method, path, headers, body, query, *others, **more)

    s3.handle_request = handle_in_turn

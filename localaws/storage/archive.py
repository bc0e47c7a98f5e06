"""Archives that come from anywhere: unpacked whole into a folder, or refused with the name of the entry that is wrong.

1. Look: a name leads nowhere but into the folder; entries are files, folders and links; their number and size have a
   limit, and the disk keeps some room.
2. Write the files into a folder beside the target. No link is there yet, so that no name can lead through one.
3. Resolve the links, each through all the others, and make them when none leads out.
4. Give the folder its name. Until then there is nothing at the target, and after a failure nothing at all.

Python's own filter for tar files is not enough: Debian 12's Python has none, those before 3.11.13 can be led out by
chains of links (CVE-2025-4517, CVE-2025-4330), none has limits, and `zipfile` knows no links. Names are bytes to Linux:
those that are no UTF-8, or differ in case only, are files of their own, as on AWS.
"""

import contextlib
import gzip
import io
import os
import shutil
import stat
import struct
import tarfile
import uuid
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, cast

from localaws.storage import links

_CHUNK_BYTES = 1024 * 1024
# What stays free on the disk: a full one would take the databases and logs of local AWS with it.
_RESERVE_BYTES = 512 * 1024 * 1024
# Of one entry: its header, long names, the map of a sparse file. tarfile would read any size into memory.
_HEADER_BYTES = 4 * 1024 * 1024
_BLOCK_BYTES = 64 * 1024
# `shutil.rmtree` calls itself once for each level.
_LEVELS = 128
_SHOWN_CHARACTERS = 200
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
# Of the end of a zip file: its longest comment, its record, and those of its 64-bit form.
_ZIP_END_BYTES = 65535 + 22 + 20 + 56
_ZIP_ENTRY_BYTES = 128
_UNIX = 3


class ArchiveError(Exception):
    """The archive is not unpacked; the text says why, and names the entry."""


@dataclass(frozen=True)
class Limit:
    """What an archive may unpack to, besides what the disk has room for.

    Attributes
    ----------
    size : int or None
        In bytes.
    entries : int
    """

    size: int | None = None
    entries: int = 500_000


@dataclass(frozen=True)
class _Entry:
    """A file, a folder or a link of either kind: of these, ``target`` is where it leads."""

    name: str
    kind: int
    mode: int
    size: int
    modified: float | None = None
    target: str = ""
    open: Callable[[], IO[bytes] | None] = lambda: None


_HARD_LINK = -1
_KINDS = {stat.S_IFREG: "file", stat.S_IFDIR: "folder", stat.S_IFLNK: "link", _HARD_LINK: "hard link"}


def unpack_tar_gz(archive: Path, folder: Path, limit: Limit = Limit()) -> None:
    """Unpack a gzip-compressed tar file into a folder, which is absent or empty.

    Raises
    ------
    ArchiveError
    """
    with archive.open("rb") as file:
        _unpack(_tar_entries(file), folder, limit)


def unpack_zip(archive: IO[bytes], folder: Path, limit: Limit = Limit()) -> None:
    """Unpack a zip file into a folder, which is absent or empty.

    Raises
    ------
    ArchiveError
    """
    _unpack(_zip_entries(archive, limit), folder, limit)


def check_zip(archive: IO[bytes], limit: Limit = Limit()) -> None:
    """Refuse a zip file for its list of entries, of which nothing is unpacked.

    Raises
    ------
    ArchiveError
    """
    counted = _Counted(limit)
    for entry in _zip_entries(archive, limit):
        counted.add(entry)
        _parts(entry.name)


def copy_within(source: io.BufferedIOBase, target: IO[bytes], folder: Path) -> None:
    """Copy a stream whose length nobody knows beforehand, as long as the disk of a folder keeps room.

    Raises
    ------
    ArchiveError
    """
    room = _room(folder)
    while chunk := source.read(_CHUNK_BYTES):
        room -= len(chunk)
        if room < 0:
            raise ArchiveError(_no_room(folder))
        target.write(chunk)


def read_from_zip(archive: IO[bytes], name: str, most: int) -> bytes:
    """Return one file of a zip file.

    Raises
    ------
    ArchiveError
        If it is larger than ``most`` bytes, or the zip file is damaged.
    KeyError
        If there is no such file.
    """
    for entry in _zip_entries(archive, Limit()):
        if entry.name == name:
            if entry.size > most:
                raise ArchiveError(f"{_shown(name)} has {entry.size:,} bytes, and may have {most:,}")
            with _reading(name), contextlib.closing(entry.open() or io.BytesIO()) as content:
                return content.read()
    raise KeyError(name)


def _unpack(entries: Iterator[_Entry], folder: Path, limit: Limit) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    aside = folder.parent / f".{folder.name}.{uuid.uuid4().hex}"
    aside.mkdir()
    try:
        target = _Target(aside, _Counted(Limit(limit.size, limit.entries), _room(folder.parent), folder.parent))
        for entry in entries:
            target.add(entry)
        target.make_links()
        aside.rename(folder)
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise


@dataclass
class _Counted:
    """The entries so far, against the limit."""

    limit: Limit
    room: int | None = None
    disk: Path = Path()
    entries: int = 0
    size: int = 0

    def add(self, entry: _Entry) -> None:
        self.entries += 1
        self.size += max(entry.size, 0)
        if self.entries > self.limit.entries:
            raise ArchiveError(f"it has more than {self.limit.entries:,} entries")
        if self.limit.size is not None and self.size > self.limit.size:
            raise ArchiveError(f"with {_shown(entry.name)} it unpacks to more than {self.limit.size:,} bytes")
        if self.room is not None and self.size > self.room:
            raise ArchiveError(f"with {_shown(entry.name)} it unpacks to {self.size:,} bytes: {_no_room(self.disk)}")


@dataclass
class _Target:
    """The folder that is written, with nothing but files and folders until `make_links`."""

    folder: Path
    counted: _Counted
    links: dict[tuple[str, ...], str] = field(default_factory=dict)

    def add(self, entry: _Entry) -> None:
        self.counted.add(entry)
        parts = _parts(entry.name)
        if not parts:  # the folder itself
            return
        if any(parts[:number] in self.links for number in range(1, len(parts))):
            raise ArchiveError(f"{_shown(entry.name)} lies behind a link of the archive")
        path = self.folder.joinpath(*parts)
        with _writing(entry.name):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._make(entry, parts, path)

    def _make(self, entry: _Entry, parts: tuple[str, ...], path: Path) -> None:
        if entry.kind == stat.S_IFDIR:
            path.mkdir(exist_ok=True)
            return
        # The last of a name counts, as with tar.
        self.links.pop(parts, None)
        path.unlink(missing_ok=True)
        if entry.kind == stat.S_IFLNK:
            self.links[parts] = entry.target
        elif entry.kind == _HARD_LINK:
            os.link(self._linked(entry), path)
        else:
            self._write(entry, path)

    def _linked(self, entry: _Entry) -> Path:
        path = self.folder.joinpath(*_parts(entry.target))
        if not path.is_file():
            raise ArchiveError(f"{_shown(entry.name)} is a hard link to {_shown(entry.target)}, which is not there")
        return path

    def _write(self, entry: _Entry, path: Path) -> None:
        # The permissions alone: no set-user-ID, set-group-ID and sticky bits. The owner can always read and write.
        opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, entry.mode & 0o777 | 0o600)
        with os.fdopen(opened, "wb") as file:
            content = entry.open()
            if content is not None:
                with content:
                    shutil.copyfileobj(content, file, _CHUNK_BYTES)
        if entry.modified is not None:
            with contextlib.suppress(OverflowError, ValueError, OSError):  # a time that no file can have
                os.utime(path, (entry.modified, entry.modified))

    def make_links(self) -> None:
        for parts, target in self.links.items():
            name = "/".join(parts)
            if not links.stays_inside(self.links, parts):
                raise ArchiveError(f"{_shown(name)} is a link to {_shown(target)}, which leads out of the folder")
            with _writing(name):
                self.folder.joinpath(*parts).symlink_to(target)


def _parts(name: str) -> tuple[str, ...]:
    """Return the names in a path, which have to lead into the folder."""
    parts = tuple(part for part in name.split("/") if part not in ("", "."))
    if name.startswith("/"):
        raise ArchiveError(f"{_shown(name)} is an absolute name")
    if ".." in parts:
        raise ArchiveError(f"{_shown(name)} leads out of the folder with '..'")
    if "\0" in name:
        raise ArchiveError(f"{_shown(name)} has a null byte in its name")
    if len(parts) > _LEVELS:
        raise ArchiveError(f"{_shown(name)} lies {len(parts)} levels deep, and {_LEVELS} is the limit")
    return parts


def _tar_entries(file: IO[bytes]) -> Iterator[_Entry]:
    reader = _Headers(cast(IO[bytes], gzip.GzipFile(fileobj=file)))
    with _reading():
        # Not the host's encoding, which may be ASCII: the bytes of a name are kept, whatever they are.
        tar = tarfile.open(fileobj=reader, mode="r:", encoding="utf-8", errors="surrogateescape")  # noqa: SIM115
    while True:
        with _reading():
            reader.left = _HEADER_BYTES
            member = tar.next()
            reader.left = None
            cast(Any, tar).members = []  # which would grow with each entry
        if member is None:
            break
        yield _of_tar(tar, member)
    with _reading():  # the checksum at the end of the stream
        reader.left = _HEADER_BYTES
        while reader.read(_BLOCK_BYTES):
            pass


def _of_tar(tar: tarfile.TarFile, member: tarfile.TarInfo) -> _Entry:
    kinds = (
        (member.isreg(), stat.S_IFREG),
        (member.isdir(), stat.S_IFDIR),
        (member.issym(), stat.S_IFLNK),
        (member.islnk(), _HARD_LINK),
    )
    kind = next((kind for holds, kind in kinds if holds), None)
    if kind is None:
        raise ArchiveError(f"{_shown(member.name)} is neither a file nor a folder nor a link")

    def content() -> IO[bytes] | None:
        return tar.extractfile(member)

    return _Entry(member.name, kind, member.mode, member.size, member.mtime, member.linkname, content)


class _Headers(io.RawIOBase):
    """A stream of which only so much is read between two entries.

    Attributes
    ----------
    left : int or None
        What may still be read, in bytes; None while the content of a file is read.
    """

    def __init__(self, stream: IO[bytes]) -> None:
        super().__init__()
        self._stream = stream
        self.left: int | None = _HEADER_BYTES  # tarfile reads the first header when it opens

    def read(self, size: int = -1) -> bytes:
        if self.left is not None:
            self.left -= size
            if size < 0 or self.left < 0:
                raise ArchiveError(f"the header of an entry, or the end, has more than {_HEADER_BYTES:,} bytes")
        return self._stream.read(size)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()


def _zip_entries(file: IO[bytes], limit: Limit) -> Iterator[_Entry]:
    with _reading():
        if _directory_bytes(file) > limit.entries * _ZIP_ENTRY_BYTES:  # which zipfile reads into memory
            raise ArchiveError(f"it has more than {limit.entries:,} entries")
        opened = zipfile.ZipFile(file)
    with opened:
        for info in opened.infolist():
            yield _of_zip(opened, info)


def _directory_bytes(file: IO[bytes]) -> int:
    """Return the size of a zip file's list of entries; source: APPNOTE.TXT of PKWARE, 4.3.14 and 4.3.16."""
    end = file.seek(0, os.SEEK_END)
    file.seek(max(0, end - _ZIP_END_BYTES))
    tail = file.read()
    at = tail.rfind(b"PK\5\6")
    if at < 0 or len(tail) < at + 22:
        raise ArchiveError("it is not a zip file")
    at_64 = tail.rfind(b"PK\6\6", 0, at)
    size: int = struct.unpack_from("<L", tail, at + 12)[0]
    if at_64 >= 0 and len(tail) >= at_64 + 48:
        size = max(size, struct.unpack_from("<Q", tail, at_64 + 40)[0])
    return min(size, end)


def _of_zip(opened: zipfile.ZipFile, info: zipfile.ZipInfo) -> _Entry:
    mode = info.external_attr >> 16 if info.create_system == _UNIX else 0
    kind = stat.S_IFDIR if info.is_dir() else stat.S_IFMT(mode) or stat.S_IFREG
    if kind not in _KINDS:
        raise ArchiveError(f"{_shown(info.filename)} is neither a file nor a folder nor a link")
    if info.compress_type not in _METHODS:
        raise ArchiveError(f"{_shown(info.filename)} is compressed with method {info.compress_type}, not deflate")
    target = ""
    if kind == stat.S_IFLNK:
        if info.file_size > _HEADER_BYTES:
            raise ArchiveError(f"{_shown(info.filename)} is a link to a name of {info.file_size:,} bytes")
        with _reading(info.filename):
            target = os.fsdecode(opened.read(info))
    # Archives of Windows say nothing of permissions.
    return _Entry(info.filename, kind, mode & 0o777 or 0o644, info.file_size, None, target, lambda: opened.open(info))


@contextlib.contextmanager
def _reading(name: str = "") -> Iterator[None]:
    """Say of whatever a parser of damaged bytes raises that the archive is damaged; it may raise anything."""
    try:
        yield
    except ArchiveError:
        raise
    except Exception as error:
        where = f"{_shown(name)}: " if name else ""
        raise ArchiveError(f"{where}{error or type(error).__name__}") from error


@contextlib.contextmanager
def _writing(name: str) -> Iterator[None]:
    """Name the entry that the file system, or the content of the archive, lets nobody write."""
    try:
        yield
    except ArchiveError:
        raise
    except OSError as error:
        raise ArchiveError(f"{_shown(name)}: {error.strerror or error}") from error
    except Exception as error:  # as of `_reading`: the content is read meanwhile
        raise ArchiveError(f"{_shown(name)}: {error or type(error).__name__}") from error


def _room(folder: Path) -> int:
    return shutil.disk_usage(folder).free - _RESERVE_BYTES


def _no_room(folder: Path) -> str:
    return f"the disk of {folder} keeps {_RESERVE_BYTES:,} bytes free"


def _shown(name: str) -> str:
    """Return a name that can be printed, whatever bytes it has."""
    shown = repr(name)
    return shown if len(shown) <= _SHOWN_CHARACTERS else f"{shown[:_SHOWN_CHARACTERS]}...'"

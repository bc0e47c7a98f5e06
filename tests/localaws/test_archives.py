"""Archives of strangers: an attack is refused with the entry's name or does no harm; what AWS unpacks is unpacked."""

import gzip
import io
import os
import stat
import struct
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from localaws.storage import archive as archives
from localaws.storage.archive import ArchiveError, Limit, unpack_tar_gz, unpack_zip
from localaws.storage.links import stays_inside

NO_LIMIT = Limit()


def entry(name: str, content: bytes = b"", **given: Any) -> tuple[tarfile.TarInfo, bytes]:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    for attribute, value in given.items():
        setattr(member, attribute, value)
    return member, content


def link(name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> tuple[tarfile.TarInfo, bytes]:
    return entry(name, type=kind, linkname=target)


def zip_link(name: str, target: str) -> tuple[zipfile.ZipInfo, bytes]:
    made = zipfile.ZipInfo(name)
    made.create_system = 3
    made.external_attr = (stat.S_IFLNK | 0o777) << 16
    return made, target.encode()


@pytest.fixture
def untar(tmp_path: Path) -> Callable[..., Path]:
    """Make a tar.gz of entries and unpack it into ``at/target``; all of ``at`` is empty before."""

    def make(*entries: tuple[tarfile.TarInfo, bytes], limit: Limit = NO_LIMIT) -> Path:
        with tarfile.open(tmp_path / "made.tar.gz", "w:gz") as tar:
            for member, content in entries:
                tar.addfile(member, io.BytesIO(content))
        unpack_tar_gz(tmp_path / "made.tar.gz", tmp_path / "at" / "target", limit)
        return tmp_path / "at" / "target"

    return make


@pytest.fixture
def unzip(tmp_path: Path) -> Callable[..., Path]:
    """Make a zip file of entries and unpack it into ``at/target``."""

    def make(*entries: tuple[zipfile.ZipInfo | str, bytes], limit: Limit = NO_LIMIT) -> Path:
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as opened:
            for name, content in entries:
                opened.writestr(name, content)
        unpack_zip(packed, tmp_path / "at" / "target", limit)
        return tmp_path / "at" / "target"

    return make


def nothing_is_left(tmp_path: Path) -> bool:
    """Whether an attack has left nothing: not in the target, not beside it, not above."""
    return {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")} <= {"made.tar.gz", "at"}


LEADING_OUT = {
    "absolute name": ([entry("/tmp/escaped", b"x")], "'/tmp/escaped' is an absolute name"),
    "up": ([entry("a/../../escaped", b"x")], r"'a/\.\./\.\./escaped' leads out of the folder"),
    "absolute link": ([link("a", "/etc/passwd")], "'a' is a link to '/etc/passwd', which leads out"),
    "link up": ([link("a/b", "../../etc")], "'a/b' is a link to '../../etc', which leads out"),
    "through a link": ([link("a", "b"), entry("a/x", b"x")], "'a/x' lies behind a link"),
    "chain of links": (
        [entry("d/e/f/x"), link("a", "d/e/f"), link("b", "a/../../../.."), entry("y")],
        r"'b' is a link to 'a/\.\./\.\./\.\./\.\.'",
    ),
    "hard link out": ([link("a", "/etc/passwd", tarfile.LNKTYPE)], "'/etc/passwd' is an absolute name"),
    "hard link up": ([link("a", "../made.tar.gz", tarfile.LNKTYPE)], r"'\.\./made\.tar\.gz' leads out"),
    "hard link to a link": (
        [link("a", "b"), link("c", "a", tarfile.LNKTYPE)],
        "'c' is a hard link to 'a', which is not there",
    ),
    "loop": ([link("a", "b"), link("b", "a")], "'a' is a link to 'b'"),
    "device": ([entry("null", type=tarfile.CHRTYPE)], "'null' is neither a file nor a folder nor a link"),
    "disk": ([entry("sda", type=tarfile.BLKTYPE)], "'sda' is neither"),
    "pipe": ([entry("pipe", type=tarfile.FIFOTYPE)], "'pipe' is neither"),
    "folder over a file": ([entry("a", b"x"), entry("a/b", b"x")], "'a/b': "),
    "file over a folder": ([entry("a/b", b"x"), entry("a", b"x")], "'a': Is a directory"),
    "deep": ([entry("a/" * 1500 + "x", b"x")], "lies 1501 levels deep, and 128 is the limit"),
    "long name": ([entry("a" * 300, b"x")], "File name too long"),
    "name that is no text": ([link("caf\udce9", "/etc")], r"'caf\\udce9' is a link to '/etc'"),
    "name with a line": ([link("a\nINFO all is well", "/etc")], r"'a\\nINFO all is well' is a link"),
}


@pytest.mark.parametrize("attack", LEADING_OUT)
def test_what_leads_out_is_refused_by_name_and_nothing_is_left(
    attack: str, untar: Callable[..., Path], tmp_path: Path
) -> None:
    entries, said = LEADING_OUT[attack]
    with pytest.raises(ArchiveError, match=said) as refused:
        untar(entry("first", b"written before"), *entries)
    str(refused.value).encode()  # can be logged and stored
    assert nothing_is_left(tmp_path)


def test_a_chain_of_links_beyond_the_longest_path_is_followed(untar: Callable[..., Path], tmp_path: Path) -> None:
    """CVE-2025-4517: `os.path.realpath` stops at 4,096 bytes, and takes what comes after it as it is written."""
    name, entries, at = "d" * 247, [], ""
    for step in "abcdefghijklmnop":
        entries += [entry(f"{at}{name}", type=tarfile.DIRTYPE), link(f"{at}{step}", name)]
        at += f"{name}/"
    short = "/".join("abcdefghijklmnop")
    entries += [link("escape", f"{short}/{'../' * 16}../etc")]
    with pytest.raises(ArchiveError, match=r"levels deep|leads out|too long"):
        untar(*entries)
    assert nothing_is_left(tmp_path)


def test_links_that_stay_inside_are_made(untar: Callable[..., Path]) -> None:
    target = untar(
        link("lib/libx.so", "libx.so.1"),
        entry("lib/libx.so.1", b"code"),
        link("up", "lib/../lib"),
        link("dangling", "not/there"),
        entry("first", b"same"),
        link("second", "first", tarfile.LNKTYPE),
    )
    assert (target / "lib" / "libx.so").read_bytes() == b"code"
    assert (target / "up" / "libx.so").read_bytes() == b"code"
    assert (target / "dangling").readlink() == Path("not/there")
    assert (target / "second").samefile(target / "first")


def test_permissions_are_kept_but_those_that_make_somebody_else_of_the_caller(untar: Callable[..., Path]) -> None:
    before = os.umask(0o022)
    try:
        target = untar(entry("run", b"x", mode=0o6755), entry("unreadable", b"x", mode=0), entry("plain", b"x"))
    finally:
        os.umask(before)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in target.iterdir()}
    assert modes == {"run": 0o755, "unreadable": 0o600, "plain": 0o644}


def test_names_that_differ_in_case_and_names_that_are_no_text_are_files_of_their_own(
    untar: Callable[..., Path],
) -> None:
    target = untar(entry("Model", b"1"), entry("model", b"2"), entry("caf\udce9", b"3"), entry("model", b"4"))
    assert {os.fsencode(path.name): path.read_bytes() for path in target.iterdir()} == {
        b"Model": b"1",
        b"model": b"4",
        b"caf\xe9": b"3",
    }


def test_a_bomb_is_refused_before_it_is_written(untar: Callable[..., Path], tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="with 'b' it unpacks to more than 1,000,000 bytes"):
        untar(entry("a", bytes(600_000)), entry("b", bytes(600_000)), limit=Limit(1_000_000))
    assert nothing_is_left(tmp_path)


def test_a_bomb_keeps_room_on_the_disk(
    untar: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = archives.shutil.disk_usage(tmp_path)._replace(free=512 * 1024**2 + 1000)
    monkeypatch.setattr(archives.shutil, "disk_usage", lambda _: free)
    with pytest.raises(ArchiveError, match=r"with 'a' it unpacks to 1,001 bytes: .* keeps 536,870,912 bytes"):
        untar(entry("a", bytes(1001)))
    assert (untar(entry("a", bytes(1000))) / "a").stat().st_size == 1000


def test_too_many_entries_are_refused(untar: Callable[..., Path], unzip: Callable[..., Path], tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="more than 3 entries"):
        untar(*(entry(str(number)) for number in range(4)), limit=Limit(None, 3))
    with pytest.raises(ArchiveError, match="more than 3 entries"):
        unzip(*((f"{number:0100}", b"") for number in range(4)), limit=Limit(None, 3))
    assert nothing_is_left(tmp_path)


def raw_tar(path: Path, *blocks: bytes) -> Path:
    with gzip.open(path, "wb") as packed:
        for block in blocks:
            packed.write(block)
    return path


def header(name: str, kind: bytes, size: int) -> bytes:
    member = entry(name, type=kind)[0]
    member.size = size
    return member.tobuf(tarfile.GNU_FORMAT)


def test_a_header_of_gigabytes_is_not_read_into_memory(tmp_path: Path) -> None:
    """A header of names may say that it has 8 GB, which tarfile would read at once; a sparse file, that it has 8 TB."""
    for kind in (tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME):
        packed = raw_tar(tmp_path / "made.tar.gz", header("x", kind, 8 * 1024**3), bytes(1024**2))
        with pytest.raises(ArchiveError, match="the header of an entry, or the end, has more than 4,194,304 bytes"):
            unpack_tar_gz(packed, tmp_path / "at" / "target")
    many = [header("x", tarfile.XHDTYPE, 512), b"11 a=bcdef\n".ljust(512, b"\0")] * 3000
    with pytest.raises(ArchiveError, match=r"recursion|header"):
        unpack_tar_gz(raw_tar(tmp_path / "made.tar.gz", *many), tmp_path / "at" / "target")
    assert nothing_is_left(tmp_path)


def test_a_damaged_archive_is_refused_whatever_the_parser_says(tmp_path: Path) -> None:
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w:gz") as tar:
        for member, content in (entry("a", os.urandom(50_000)), entry("b", b"x")):
            tar.addfile(member, io.BytesIO(content))
    good = whole.getvalue()
    flipped = bytearray(good)
    flipped[len(good) // 2] ^= 0xFF
    for number, damaged in enumerate((b"", b"no gzip", good[: len(good) // 2], bytes(flipped))):
        (tmp_path / "made.tar.gz").write_bytes(damaged)
        with pytest.raises(ArchiveError, match=r"empty|gzipped|ended before|CRC|invalid|Error"):
            unpack_tar_gz(tmp_path / "made.tar.gz", tmp_path / "at" / f"target{number}")
    assert nothing_is_left(tmp_path)


ZIPPED = {
    "absolute name": (("/tmp/escaped", b"x"), "'/tmp/escaped' is an absolute name"),
    "up": (("../escaped", b"x"), r"'\.\./escaped' leads out of the folder"),
    "link out": (zip_link("a", "/etc/passwd"), "'a' is a link to '/etc/passwd', which leads out"),
    "link up": (zip_link("b/a", "../../x"), r"'b/a' is a link to '\.\./\.\./x'"),
}


@pytest.mark.parametrize("attack", ZIPPED)
def test_a_zip_file_that_leads_out_is_refused(attack: str, unzip: Callable[..., Path], tmp_path: Path) -> None:
    made, said = ZIPPED[attack]
    with pytest.raises(ArchiveError, match=said):
        unzip(("first", b"written before"), made)
    assert nothing_is_left(tmp_path)


def test_a_zip_file_keeps_links_and_programs(unzip: Callable[..., Path]) -> None:
    program = zipfile.ZipInfo("bin/run")
    program.create_system, program.external_attr = 3, (stat.S_IFREG | 0o4755) << 16
    target = unzip((program, b"#!"), zip_link("run", "bin/run"), ("Case", b"1"), ("case", b"2"))
    assert (target / "run").read_bytes() == b"#!"
    assert stat.S_IMODE((target / "run").stat().st_mode) & 0o7700 == 0o700
    assert ((target / "Case").read_bytes(), (target / "case").read_bytes()) == (b"1", b"2")


def test_a_zip_file_that_says_less_than_it_has_unpacks_no_more(tmp_path: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as opened:
        opened.writestr("a", bytes(1_000_000))
    lying = bytearray(packed.getvalue())
    at = lying.index(b"PK\1\2") + 24
    assert struct.unpack_from("<L", lying, at) == (1_000_000,)
    struct.pack_into("<L", lying, at, 10)
    with pytest.raises(ArchiveError, match="'a': "):
        unpack_zip(io.BytesIO(bytes(lying)), tmp_path / "at" / "target", Limit(1000))
    assert nothing_is_left(tmp_path)


def test_a_zip_file_of_another_compression_or_with_a_password_is_refused(
    unzip: Callable[..., Path], tmp_path: Path
) -> None:
    """A dictionary of LZMA may have 4 GB, and is allocated before a byte is read."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_LZMA) as opened:
        opened.writestr("a", b"x")
    with pytest.raises(ArchiveError, match="'a' is compressed with method 14, not deflate"):
        unpack_zip(packed, tmp_path / "at" / "target")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as opened:
        opened.writestr("a", b"x")
    locked = bytearray(packed.getvalue())
    for at in (6, locked.index(b"PK\1\2") + 8):
        locked[at] |= 1
    with pytest.raises(ArchiveError, match=r"'a': .*encrypted"):
        unpack_zip(io.BytesIO(bytes(locked)), tmp_path / "at" / "target")
    assert nothing_is_left(tmp_path)


def test_links_are_resolved_through_each_other() -> None:
    inside = {("a",): "b/c", ("b",): "d", ("e", "f"): "../a/.."}
    assert all(stays_inside(inside, link) for link in inside)
    out = {("a",): "x/y", ("b",): "a/../../.."}
    assert (stays_inside(out, ("a",)), stays_inside(out, ("b",))) == (True, False)

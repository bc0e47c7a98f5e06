"""Archives: packed and unpacked again, and what is not let in."""

import io
import tarfile
from pathlib import Path

import pytest

from localaws.containers.errors import JobFailure
from localaws.sagemaker.jobs.archive import pack, unpack


def test_there_and_back(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    (source / "deep").mkdir(parents=True)
    (source / "deep" / "weights").write_bytes(b"\x00\xff")
    (source / "run.sh").write_text("true")
    (source / "run.sh").chmod(0o755)
    pack(source, tmp_path / "model.tar.gz")
    unpack(tmp_path / "model.tar.gz", target)
    assert (target / "deep" / "weights").read_bytes() == b"\x00\xff"
    assert (target / "run.sh").stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize(
    ("name", "kind"),
    [("../escaped", tarfile.REGTYPE), ("/tmp/escaped", tarfile.REGTYPE), ("link", tarfile.SYMTYPE), ("pipe", b"6")],
)
def test_what_leads_out_is_refused(tmp_path: Path, name: str, kind: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, "/etc/passwd"
    with tarfile.open(tmp_path / "model.tar.gz", "w:gz") as tar:
        tar.addfile(member, io.BytesIO())
    with pytest.raises(JobFailure, match=f"contains '{name}', which cannot be unpacked"):
        unpack(tmp_path / "model.tar.gz", tmp_path / "target")
    assert not (tmp_path / "escaped").exists()


def test_no_archive_is_said(tmp_path: Path) -> None:
    (tmp_path / "model.tar.gz").write_bytes(b"not gzip")
    with pytest.raises(JobFailure, match=r"Cannot unpack model\.tar\.gz"):
        unpack(tmp_path / "model.tar.gz", tmp_path / "target")

"""Model archives: packed and unpacked again, and what is not let in, with SageMaker's sentence."""

import io
import tarfile
from pathlib import Path

import pytest

from localaws.containers.errors import JobFailure
from localaws.sagemaker.jobs.archive import pack, unpack

_SOURCE = "s3://models/model.tar.gz"


def test_there_and_back(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    (source / "deep").mkdir(parents=True)
    (source / "deep" / "weights").write_bytes(b"\x00\xff")
    (source / "run.sh").write_text("true")
    (source / "run.sh").chmod(0o700)
    (source / "latest").symlink_to("deep/weights")
    pack(source, tmp_path / "model.tar.gz")
    unpack(tmp_path / "model.tar.gz", target, _SOURCE)
    assert (target / "deep" / "weights").read_bytes() == b"\x00\xff"
    assert (target / "latest").read_bytes() == b"\x00\xff"
    assert (target / "run.sh").stat().st_mode & 0o777 == 0o700


def test_what_is_refused_is_named_with_the_archive(tmp_path: Path) -> None:
    member = tarfile.TarInfo("code/../../escaped")
    with tarfile.open(tmp_path / "model.tar.gz", "w:gz") as tar:
        tar.addfile(member, io.BytesIO())
    said = r'Failed to extract .* from URL "s3://models/model\.tar\.gz".*\'code/\.\./\.\./escaped\' leads out'
    with pytest.raises(JobFailure, match=said):
        unpack(tmp_path / "model.tar.gz", tmp_path / "target", _SOURCE)
    assert not (tmp_path / "escaped").exists()


def test_no_archive_is_said(tmp_path: Path) -> None:
    (tmp_path / "model.tar.gz").write_bytes(b"not gzip")
    with pytest.raises(JobFailure, match=r"valid tar\.gz archive: Not a gzipped file"):
        unpack(tmp_path / "model.tar.gz", tmp_path / "target", _SOURCE)

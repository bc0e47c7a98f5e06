"""The code of functions: the same sources give the same key, and nothing is uploaded twice."""

import io
import os
import uuid
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from deploy import artifacts

if TYPE_CHECKING:
    from tests.conftest import LocalAws


def function(folder: Path, body: str = "x = 1\n") -> Path:
    (folder / "part").mkdir(parents=True)
    (folder / "handler.py").write_text(body)
    (folder / "part" / "more.py").write_text("y = 2\n")
    (folder / "notes.txt").write_text("not code")
    return folder


def test_the_same_sources_give_the_same_bytes(tmp_path: Path):
    one = function(tmp_path / "one")
    other = function(tmp_path / "other")
    os.utime(other / "handler.py", (0, 0))
    (other / "handler.py").chmod(0o600)
    assert artifacts.pack(one) == artifacts.pack(other)
    with zipfile.ZipFile(io.BytesIO(artifacts.pack(one))) as archive:
        assert archive.namelist() == ["handler.py", "part/more.py"]


def test_other_sources_have_another_key(tmp_path: Path):
    keys = [
        artifacts.key("invoke", "mine", artifacts.pack(function(tmp_path / str(number), f"x = {number}\n")))
        for number in (1, 2)
    ]
    assert keys[0] != keys[1]
    assert all(key.startswith("mine/functions/invoke-") for key in keys)


def test_what_is_there_is_not_uploaded_again(local_aws: "LocalAws"):
    s3, bucket = local_aws.client("s3"), f"code-{uuid.uuid4().hex}"
    s3.create_bucket(Bucket=bucket)
    artifacts.upload(s3, bucket, "a.zip", b"one")
    artifacts.upload(s3, bucket, "a.zip", b"two")
    assert s3.get_object(Bucket=bucket, Key="a.zip")["Body"].read() == b"one"

"""The code of a step: addressed by content, uploaded once."""

import io
import uuid
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pipelines import code

if TYPE_CHECKING:
    from tests.conftest import LocalAws


def test_the_hash_depends_on_names_and_contents_not_on_their_order():
    files = {"a.py": b"1", "b.py": b"2"}
    assert code.content_hash(files) == code.content_hash(dict(reversed(files.items())))
    for other in ({"a.py": b"2", "b.py": b"1"}, {"a.py": b"1", "c.py": b"2"}, {"a.py": b"1b.py2"}):
        assert code.content_hash(other) != code.content_hash(files)


def test_bytes_cannot_move_between_name_and_content():
    assert code.content_hash({"ab": b"c"}) != code.content_hash({"a": b"bc"})


def test_a_package_is_read_without_its_tests():
    (packed,) = code.read_package("dill").values()
    names = zipfile.ZipFile(io.BytesIO(packed)).namelist()
    assert "dill/__init__.py" in names
    assert not [name for name in names if "tests" in name or not name.endswith(".py")]
    assert code.read_package("dill") == {"dill.zip": packed}


def test_a_package_that_is_not_there_is_named():
    with pytest.raises(ModuleNotFoundError, match="'no_such_package' has to travel with the code"):
        code.read_package("no_such_package")


def test_an_upload_is_made_once_and_completed_when_it_was_cut_short(local_aws: "LocalAws", tmp_path: Path):
    s3 = local_aws.client("s3")
    bucket = f"code-{uuid.uuid4().hex}"
    s3.create_bucket(Bucket=bucket)
    tmp_path.joinpath("train.py").write_text("print()")
    files = {**code.read_files(tmp_path, "train.py"), "dill.zip": b""}
    sent: list[str] = []
    s3.meta.events.register("before-call.s3.PutObject", lambda params, **_: sent.append(params["url_path"]))

    uri = code.upload(s3, bucket, "prefix", files)
    assert uri == f"s3://{bucket}/prefix/code/{code.content_hash(files)}/"
    assert len(sent) == 2
    assert code.upload(s3, bucket, "prefix", files) == uri
    assert len(sent) == 2

    key = uri.removeprefix(f"s3://{bucket}/") + "train.py"
    s3.delete_object(Bucket=bucket, Key=key)
    code.upload(s3, bucket, "prefix", files)
    assert len(sent) == 3
    assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == b"print()"

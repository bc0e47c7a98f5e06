"""S3's objects on disk: whole, whenever the process is killed, or not acknowledged."""

import contextlib
import json
import uuid
from pathlib import Path

import pytest

from localaws.ministack.s3.writes import Writes
from tests.conftest import LocalAws
from tests.localaws.test_state import in_ministack


@pytest.fixture
def writes(tmp_path: Path) -> Writes:
    made = Writes(tmp_path / "writes")
    made.recover()
    return made


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("calls", range(8))
def test_two_files_are_written_together_whenever_a_kill_comes(
    tmp_path: Path, writes: Writes, monkeypatch: pytest.MonkeyPatch, calls: int
) -> None:
    body, about = tmp_path / "body", tmp_path / "about"
    writes.write([(str(body), b"old"), (str(about), "of old")])
    left = calls

    def until_killed(function: object) -> object:
        def call(*arguments: object, **more: object) -> object:
            nonlocal left
            left -= 1
            if left < 0:
                raise Killed
            return function(*arguments, **more)  # type: ignore[operator]

        return call

    with monkeypatch.context() as patched:
        for name in ("replace", "unlink"):
            patched.setattr(Path, name, until_killed(getattr(Path, name)))
        patched.setattr("localaws.ministack.s3.writes._write", until_killed(_write))
        with contextlib.suppress(Killed):
            writes.write([(str(body), b"new"), (str(about), "of new")])
    Writes(tmp_path / "writes").recover()
    assert about.read_text() == f"of {body.read_text()}"
    assert body.read_text() == ("old" if calls < 4 else "new")
    assert list((tmp_path / "writes").iterdir()) == []


def _write(path: Path, content: bytes | str) -> None:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())


def test_what_cannot_be_written_leaves_what_was_there(tmp_path: Path, writes: Writes) -> None:
    body = tmp_path / "body"
    writes.write([(str(body), b"old")])
    with pytest.raises(OSError, match="No such file"):
        writes.write([(str(tmp_path / "no-folder" / "x"), b"new")])
    assert body.read_bytes() == b"old"
    assert list((tmp_path / "writes").iterdir()) == []


def test_a_plan_that_cannot_be_carried_out_does_not_keep_the_next_process_from_starting(tmp_path: Path) -> None:
    (tmp_path / "writes").mkdir()
    (tmp_path / "taken").mkdir()
    (tmp_path / "writes" / "1").write_text("new")
    (tmp_path / "writes" / "2.plan").write_text(json.dumps([["1", str(tmp_path / "taken")]]))
    Writes(tmp_path / "writes").recover()
    assert list((tmp_path / "writes").iterdir()) == []


def test_hook_an_object_is_on_disk_with_what_is_known_of_it(local_aws: LocalAws, unique_bucket: str) -> None:
    s3, folder = local_aws.client("s3"), local_aws.state_dir / "ministack" / "s3" / "000000000000" / unique_bucket
    s3.put_object(Bucket=unique_bucket, Key="key", Body=b"body", ContentType="text/x-own")
    assert (folder / "key").read_bytes() == b"body"
    assert json.loads((folder / "key.meta.json").read_text())["content_type"] == "text/x-own"
    assert sorted(path.name for path in folder.iterdir()) == ["key", "key.meta.json"]


def test_hook_an_object_that_cannot_be_written_is_not_acknowledged(tmp_path: Path) -> None:
    """MiniStack would log why, and answer 200."""
    lines = (
        "from localaws.ministack.s3.hooks_objects import ObjectNotWrittenError, write_objects_whole",
        "from localaws.ministack.s3.writes import Writes",
        "s3 = app._get_module('s3')",
        "write_objects_whole(Writes(Path(sys.argv[1]) / 'no-such-folder'))",
        "s3._buckets['bucket'] = {'objects': {}}",
        "try:",
        "    s3._persist_object('bucket', 'key', {'body': b'body'})",
        "except ObjectNotWrittenError as error:",
        "    print(error)",
    )
    assert "s3://bucket/key could not be written: [Errno 2]" in in_ministack(tmp_path, *lines)


@pytest.fixture
def unique_bucket(local_aws: LocalAws) -> str:
    """A bucket of the test's own."""
    name = f"writes-{uuid.uuid4().hex[:12]}"
    local_aws.client("s3").create_bucket(Bucket=name)
    return name

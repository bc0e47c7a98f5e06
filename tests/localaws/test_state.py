"""MiniStack's state: what is saved, how much of it, and what is found again."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ministack.core.responses import AccountRegionScopedDict, AccountScopedDict

from localaws.ministack.state.hooks_state import codec
from localaws.ministack.state.snapshot import Pace, Progress
from localaws.ministack.state.state_file import StateFile
from tests.conftest import until

SCRIPT = """
import sys, threading
from pathlib import Path
from localaws.ministack import host
host.configure(1, Path(sys.argv[1]))
host.load_application()
import ministack.app as app
from localaws.ministack.state.hooks_state import ServiceStates
from localaws.ministack.state.state_file import StateFile
from localaws.ministack.state.snapshot import fork_and_write, look_at
states = ServiceStates(StateFile(Path(sys.argv[1]) / "state.sqlite"))
states.install()
ssm, functions = app._get_module("ssm"), app._get_module("lambda_svc")
def save():
    child, ended = fork_and_write(states.write), None
    while ended is None:
        ended = look_at(child)
    return ended.status
"""


def in_ministack(folder: Path, *lines: str) -> str:
    """Run a program in a process that has MiniStack's modules and saves their state in a folder; what it prints."""
    command = [sys.executable, "-c", SCRIPT + "\n".join(lines), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def scoped(type_: Callable[[], Any], **content: Any) -> Any:
    made = type_()
    made._data.update(content.pop("data"))
    return made


def test_a_state_is_the_same_after_it_was_taken_apart(tmp_path: Path) -> None:
    regional = {("1", "eu", "a\0b"): {"n": 2**70, "x": b"\xff"}, ("1", "us", ("a", 1)): [None, {"nested": {"1": 2}}]}
    state = {
        "of_accounts": scoped(AccountScopedDict, data={("1", "name\0with"): {"é\ud800": 1.5}, ("2", 7): "v"}),
        "of_regions": scoped(AccountRegionScopedDict, data=regional),
        "empty": AccountRegionScopedDict(),
        "nested": {"inner": scoped(AccountScopedDict, data={("1", "k"): 1})},
        "plain": [1, "two"],
    }
    file = StateFile(tmp_path / "state.sqlite")
    with file.save() as save:
        save.replace("service", codec().entries(state))
    found = codec().state(file.read("service"))
    assert list(found) == sorted(state)
    for name in ("of_accounts", "of_regions", "empty"):
        assert type(found[name]) is type(state[name])
        assert found[name]._data == state[name]._data
    assert found["nested"]["inner"]._data == {("1", "k"): 1}
    assert found["plain"] == [1, "two"]
    assert codec().state(file.read("other")) == {}


def test_a_save_writes_what_has_changed_and_takes_out_what_has_gone(tmp_path: Path) -> None:
    file, store = StateFile(tmp_path / "state.sqlite"), AccountScopedDict()
    store._data.update({("1", str(number)): "x" * 1000 for number in range(1000)})

    def save() -> int:
        wal = tmp_path / "state.sqlite-wal"
        with file.save() as saving:
            saving.replace("service", codec().entries({"store": store}))
            saving._connection.commit()
            return wal.stat().st_size

    assert save() > 1_000_000
    assert save() < 10_000
    store._data[("1", "7")] = "y"
    del store._data[("1", "8")]
    assert save() < 50_000
    found = codec().state(file.read("service"))["store"]._data
    assert (found[("1", "7")], ("1", "8") in found, len(found)) == ("y", False, 999)


def test_a_save_that_fails_leaves_everything_as_it_was(tmp_path: Path) -> None:
    file = StateFile(tmp_path / "state.sqlite")
    with file.save() as save:
        save.replace("one", codec().entries({"a": 1}))
    with pytest.raises(RuntimeError), file.save() as save:
        save.replace("one", codec().entries({"a": 2}))
        raise RuntimeError
    assert codec().state(file.read("one")) == {"a": 1}


def test_the_files_of_an_earlier_local_aws_are_taken_over_once(tmp_path: Path) -> None:
    former = tmp_path / "state" / "ssm.json"
    former.parent.mkdir()
    store = {"__account_region_scoped__": True, "data": {"0\0us-east-1\0'p'": {"Name": "p", "Value": "v"}}}
    former.write_text(json.dumps({"__ministack_format__": 2, "payload": {"parameters": store}}))
    value = "print(ssm._parameters._data['0', 'us-east-1', 'p']['Value'])"
    assert in_ministack(tmp_path, "app._load_persisted_state()", value, "print(save())") == "v\n0\n"
    assert not former.exists()
    assert in_ministack(tmp_path, "app._load_persisted_state()", value) == "v\n"


def test_what_cannot_be_loaded_or_saved_is_kept_and_named(tmp_path: Path) -> None:
    put = "ssm._parameters._data['0', 'r', 'p'] = {'Value': 'v'}"
    in_ministack(tmp_path, put, "save()")
    broken = "ssm.load_persisted_state = None"
    said = in_ministack(tmp_path, broken, "app._load_persisted_state()", "ssm._parameters.clear()", "print(save())")
    assert "The saved state of ssm could not be loaded, and is left as it is" in said
    unsaveable = "ssm._parameters._data['0', 'r', 'q'] = object()"
    said = in_ministack(tmp_path, "app._load_persisted_state()", unsaveable, "print(save())")
    assert "The state of ssm cannot be saved; what was saved of it before is kept" in said
    lines = ("app._load_persisted_state()", "print(list(ssm._parameters._data))")
    assert in_ministack(tmp_path, *lines) == "[('0', 'r', 'p')]\n"


def test_a_functions_code_goes_after_the_function_has(tmp_path: Path) -> None:
    made = "functions._functions._data['0', 'r', 'f'] = {'code_zip': b'code', 'versions': {}}"
    failing = "functions._prune_orphan_code_blobs = lambda referenced: print('code goes')"
    full = "states._file.save = None"
    in_ministack(tmp_path, made, "save()")
    [blob] = (tmp_path / "state" / "lambda-blobs").iterdir()
    lines = ("app._load_persisted_state()", "functions._functions.clear()")
    assert "code goes" not in in_ministack(tmp_path, *lines, failing, full, "print(save())")
    assert blob.exists()
    in_ministack(tmp_path, *lines, "print(save())")
    assert not blob.exists()


def test_a_full_disk_loses_nothing_and_is_said(tmp_path: Path) -> None:
    in_ministack(tmp_path, "ssm._parameters._data['0', 'r', 'p'] = {'Value': 'v'}", "save()")
    limit = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({1 << 16}, resource.RLIM_INFINITY))"
    ignore = "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)"
    big = "ssm._parameters._data['0', 'r', 'q'] = {'Value': 'v' * 1000000}"
    said = in_ministack(tmp_path, "app._load_persisted_state()", big, limit, ignore, "print(save())")
    assert said.startswith("1\n")
    assert "The state could not be written" in said
    assert in_ministack(tmp_path, "app._load_persisted_state()", "print(list(ssm._parameters._data))") == (
        "[('0', 'r', 'p')]\n"
    )


PACED = """
import asyncio, os, sys, threading, time
from localaws.ministack.state import snapshot
snapshot._APART_SECONDS, snapshot._QUIET_INTERVAL_SECONDS = 1.0, 3600.0
read, write = os.pipe()
async def changed(loop):
    began = time.monotonic()
    threading.Thread(target=loop.note_change).start()
    await asyncio.to_thread(os.read, read, 1)
    return time.monotonic() - began
async def main():
    loop = snapshot.SnapshotLoop(lambda: os.write(write, b"s"))
    loop.start()
    await changed(loop)
    for _ in range(5):
        await asyncio.sleep(1.1)
        began, alone = time.monotonic(), await changed(loop)
        await changed(loop)
        print(alone < 0.5, time.monotonic() - began > 1.0)
asyncio.run(main())
"""


def test_a_change_after_a_while_is_saved_at_once_and_the_next_after_a_pause() -> None:
    done = subprocess.run([sys.executable, "-c", PACED], capture_output=True, text=True, timeout=60, check=True)
    # On a machine that gives no processor for half a second, it may take as long.
    assert "True True" in done.stdout.splitlines()
    assert "False" not in [line.split()[1] for line in done.stdout.splitlines()]


@pytest.mark.parametrize(
    ("work", "took"), [(0.0, 0.0), (0.01, 0.02), (0.07, 0.08), (0.07, 0.4), (0.3, 0.35), (0.3, 0.4)]
)
def test_what_has_just_missed_a_save_is_saved_within_a_second(work: float, took: float) -> None:
    assert Pace(work, took).pause >= 0.2
    assert took + Pace(work, took).pause + took <= 1.0


def test_a_slow_save_takes_no_more_than_most_of_a_processor() -> None:
    assert Pace(work=0.1, took=0.1).pause == pytest.approx(0.3)
    assert Pace(work=8.0, took=8.0).pause == 2.0
    assert Pace(work=0.1, took=8.0).pause == 0.2
    assert Pace(work=1.0, took=1.0).quiet == 100.0


def test_a_fork_that_does_nothing_is_told_from_one_that_works(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("localaws.ministack.state.snapshot._STUCK_SECONDS", 1.5)
    lines = ("input()", "while True: pass")
    idle, busy = (subprocess.Popen([sys.executable, "-c", line], stdin=subprocess.PIPE) for line in lines)
    try:
        watched = [Progress(process.pid) for process in (idle, busy)]
        until(watched[0].is_stuck)
        assert not watched[1].is_stuck()
    finally:
        for process in (idle, busy):
            process.kill()
            process.wait()

"""The supervisor, and the processes under it, killed in every way."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from localaws.settings import SERVER_NAMES
from localaws.supervision.lock import acquire, holder
from localaws.supervision.restart import restart_delay
from localaws.supervision.watch import silent_seconds
from tests.conftest import LocalAws, free_ports, local_aws_command, port_options, until, wait_until_gone
from tests.localaws.saved import check_something, wait_until_saved, write_something

# MiniStack reads neither temporary files nor files about objects, and a file is no folder.
KEYS_THAT_ARE_NO_PATHS = ("draft.tmp", "a.tmp/b", "a.meta.json", "a", "folder/", "a//b", "../up")
OwnLocalAws = Callable[[], LocalAws]


def write_state(aws: LocalAws, bucket: str) -> None:
    """Objects, a log event, and something of other services; waits until they are safe against a kill."""
    s3, logs = aws.client("s3"), aws.client("logs")
    s3.create_bucket(Bucket=bucket)
    s3.create_bucket(Bucket=f"{bucket}-empty")
    s3.put_object(Bucket=bucket, Key="a/b c", Body=b"kept", Metadata={"who": "me"}, ContentType="text/csv")
    for key in KEYS_THAT_ARE_NO_PATHS:
        s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
    logs.create_log_group(logGroupName="/group")
    logs.create_log_stream(logGroupName="/group", logStreamName="stream")
    event = {"timestamp": int(time.time() * 1000), "message": "said before the kill"}
    logs.put_log_events(logGroupName="/group", logStreamName="stream", logEvents=[event])
    write_something(aws)
    wait_until_saved(aws)


def _holds(path: Path, text: str) -> bool:
    return path.exists() and text in path.read_text()


def check_state(aws: LocalAws, bucket: str) -> None:
    """What `write_state` wrote is there."""
    s3 = aws.client("s3")
    assert {bucket, f"{bucket}-empty"} <= {found["Name"] for found in s3.list_buckets()["Buckets"]}
    kept = s3.get_object(Bucket=bucket, Key="a/b c")
    assert (kept["Body"].read(), kept["Metadata"], kept["ContentType"]) == (b"kept", {"who": "me"}, "text/csv")
    for key in KEYS_THAT_ARE_NO_PATHS:
        assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == key.encode()
    events = aws.client("logs").get_log_events(logGroupName="/group", logStreamName="stream")["events"]
    assert [event["message"] for event in events] == ["said before the kill"]
    check_something(aws)


def test_a_killed_server_is_started_again_with_its_state(own_local_aws: OwnLocalAws) -> None:
    aws = own_local_aws()
    write_state(aws, "bucket-of-a-killed-server")
    aws.client("sagemaker").create_model_package_group(ModelPackageGroupName="kept")
    before = aws.pids()
    for server in SERVER_NAMES:
        os.kill(before[server], signal.SIGKILL)
    wait_until_gone(before[server] for server in SERVER_NAMES)
    deadline = time.monotonic() + 60
    while (status := aws.command("status").stdout).count(" ok") != len(SERVER_NAMES):
        assert time.monotonic() < deadline, status
    check_state(aws, "bucket-of-a-killed-server")
    aws.client("sagemaker").describe_model_package_group(ModelPackageGroupName="kept")
    after = aws.pids()
    assert after["supervisor"] == before["supervisor"]
    assert not [server for server in SERVER_NAMES if after[server] == before[server]]


def test_no_other_user_reads_the_state(own_local_aws: OwnLocalAws, tmp_path: Path) -> None:
    (tmp_path / "state" / "logs").mkdir(parents=True)
    (tmp_path / "state").chmod(0o755)
    before = os.umask(0)
    try:
        aws = own_local_aws()
    finally:
        os.umask(before)
    write_state(aws, "bucket-of-one-user")
    aws.client("sagemaker").create_model_package_group(ModelPackageGroupName="closed")
    assert aws.state_dir.stat().st_mode & 0o777 == 0o700
    servers = [aws.state_dir / server for server in SERVER_NAMES]
    written = [path for server in servers for path in server.rglob("*") if path.is_file()]
    assert written
    assert [path for path in written if path.stat().st_mode & 0o077] == []


def test_the_gateway_answers_while_sagemaker_restarts(own_local_aws: OwnLocalAws) -> None:
    aws = own_local_aws()
    os.kill(aws.pids()["sagemaker"], signal.SIGKILL)
    through_the_gateway = aws.client("sagemaker", endpoint_url=f"http://127.0.0.1:{aws.port}")
    assert through_the_gateway.list_models()["Models"] == []


def test_nothing_outlives_a_killed_supervisor_and_start_works_at_once(own_local_aws: OwnLocalAws) -> None:
    aws = own_local_aws()
    write_state(aws, "bucket-of-a-killed-supervisor")
    pids = aws.pids()
    os.kill(pids["supervisor"], signal.SIGKILL)
    again = local_aws_command("start", *port_options(aws.ports), state_dir=aws.state_dir)
    assert again.returncode == 0, again.stderr
    assert "is running:" in again.stdout
    wait_until_gone(pids.values())
    check_state(aws, "bucket-of-a-killed-supervisor")


def test_restarts_slow_down_and_end() -> None:
    assert restart_delay([0.0], 0.0) == pytest.approx(0.1)
    assert restart_delay([0.0, 1.0, 2.0], 2.0) == pytest.approx(0.4)
    assert restart_delay([0.0, 1.0, 2.0, 3.0, 4.0], 4.0) == pytest.approx(1.6)
    assert restart_delay([0.0, 1.0, 2.0, 3.0, 4.0, 5.0], 5.0) is None
    assert restart_delay([0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 100.0], 100.0) == pytest.approx(0.1)


_SUPERVISE = """
import json, logging, os, sys
from pathlib import Path
from localaws.supervision.servers import Server
from localaws.supervision.supervisor import Supervisor
logging.basicConfig(level=logging.INFO)
folder, command = Path(sys.argv[1]), json.loads(sys.argv[2])
def publish(servers, failure):
    (folder / "published").write_text(json.dumps([server.pid for server in servers]))
    (folder / "failure").write_text(str(failure))
server = Server("demo", 1, tuple(command), "/")
sys.exit(Supervisor([server], lambda name: folder / name, dict(os.environ), publish, stop_seconds=0.5).run())
"""


def supervise(folder: Path, shell_script: str) -> subprocess.Popen[str]:
    """A supervisor of one server, which is a shell script."""
    arguments = [str(folder), json.dumps(["sh", "-c", shell_script])]
    command = [sys.executable, "-c", _SUPERVISE, *arguments]
    return subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, text=True)


def test_a_server_that_cannot_live_is_given_up(tmp_path: Path) -> None:
    with supervise(tmp_path, "sleep 1000 & echo $! >> pids; echo no such luck; exit 7") as supervisor:
        _out, log = supervisor.communicate(timeout=60)
    assert supervisor.returncode == 1
    assert (tmp_path / "failure").read_text() == "demo ended 6 times within 60 s"
    assert "demo ended, exit code 7" in log
    assert (tmp_path / "demo").read_text() == "no such luck\n" * 6
    wait_until_gone(int(pid) for pid in (tmp_path / "pids").read_text().split())


def test_a_server_that_does_not_stop_is_killed_with_its_children(tmp_path: Path) -> None:
    with supervise(tmp_path, "trap '' TERM; sleep 1000 & echo $$ $! > pids; while true; do wait; done") as supervisor:
        deadline = time.monotonic() + 60
        while not _holds(tmp_path / "pids", "\n"):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        supervisor.terminate()
        _out, log = supervisor.communicate(timeout=60)
    assert supervisor.returncode == 0
    assert "demo did not stop within" in log
    wait_until_gone([int(pid) for pid in (tmp_path / "pids").read_text().split()])


_ANSWERING = """
import http.server, os, pathlib, sys
class Health(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        pathlib.Path(sys.argv[1], f"answered-{os.getpid()}").touch()
http.server.HTTPServer.allow_reuse_address = True
http.server.HTTPServer(("127.0.0.1", int(sys.argv[2])), Health).serve_forever()
"""


def test_a_server_that_does_not_answer_is_killed_and_started_again(tmp_path: Path) -> None:
    port = free_ports().gateway
    command = [sys.executable, "-c", _ANSWERING, str(tmp_path), str(port)]
    script = _SUPERVISE.replace('"demo", 1', f'"demo", {port}').replace(
        "stop_seconds", "silent_seconds=1.5, stop_seconds"
    )
    arguments = [sys.executable, "-c", script, str(tmp_path), json.dumps(command)]

    def answering() -> set[int]:
        return {int(path.name.removeprefix("answered-")) for path in tmp_path.glob("answered-*")}

    with subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True) as supervisor:
        try:
            until(answering)
            (first,) = answering()
            time.sleep(2.5)
            assert json.loads((tmp_path / "published").read_text()) == [first], "one that answers goes on"
            os.kill(first, signal.SIGSTOP)
            until(lambda: len(answering()) > 1)
            wait_until_gone([first])
        finally:
            supervisor.terminate()
        _out, log = supervisor.communicate(timeout=60)
    assert "demo has not answered for" in log
    assert "demo starts again in 0.1 s" in log


def test_silence_is_measured_by_what_the_machine_gave() -> None:
    assert silent_seconds(1.0, 0.0, is_busy=False) == 1.0, "stopped, or waiting for ever"
    assert silent_seconds(1.0, 0.05, is_busy=False) == 1.0, "its other threads do a little"
    assert silent_seconds(1.0, 1.0, is_busy=True) == 1.0, "an endless loop"
    assert silent_seconds(1.0, 0.07, is_busy=True) == 0.07, "one of fifteen"
    assert silent_seconds(1.0, 2.0, is_busy=True) == 1.0, "two threads"
    assert silent_seconds(600.0, 0.0, is_busy=False) == 2.0, "all processes were stopped, the supervisor too"


def test_the_lock_names_its_holder_and_ends_with_it(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    assert holder(path) is None
    script = "import sys; from pathlib import Path; from localaws.supervision.lock import acquire\n"
    script += "print(acquire(Path(sys.argv[1])), flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", script, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "True\n"
        assert holder(path) == other.pid
        assert not acquire(path)
        other.kill()
    assert holder(path) is None


def test_a_start_that_fails_shows_why(tmp_path: Path) -> None:
    state_dir = tmp_path / "state"
    broken = {**os.environ, "PYTHONPATH": f"{_without_ministack(tmp_path)}:{os.environ.get('PYTHONPATH', '')}"}
    arguments = ("start", *port_options(free_ports()))
    failed = local_aws_command(*arguments, state_dir=state_dir, environ=broken)
    assert failed.returncode == 1
    assert "ministack ended 6 times" in failed.stderr
    assert "MiniStack 1.5.33 has no ministack.app.app" in failed.stderr
    assert local_aws_command("status", state_dir=state_dir).returncode == 3


def _without_ministack(folder: Path) -> Path:
    """A folder whose ``ministack`` package hides the real one."""
    (folder / "hide" / "ministack").mkdir(parents=True)
    (folder / "hide" / "ministack" / "__init__.py").touch()
    return folder / "hide"

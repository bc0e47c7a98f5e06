"""Containers: what a process in one sees, and how it ends."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from localaws.sagemaker import container
from localaws.sagemaker.container import Command, Container, Limits

INTERPRETER = Path(sys.executable)
NEVER = threading.Event()


def command(script: str, **members: object) -> Command:
    return Command([sys.executable, "-c", script], {}, INTERPRETER, **members)  # type: ignore[arg-type]


def run(folder: Path, script: str, limits: Limits | None = None, **members: object) -> tuple[int | None, str]:
    log = folder.parent / "job.log"
    with Container(folder, command(script, **members), log) as container:
        code = container.wait(limits or Limits(30), NEVER)
    return code, log.read_text()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "ml"
    path.mkdir()
    return path


def test_the_folder_is_opt_ml_and_the_host_is_algo_1(folder: Path) -> None:
    (folder / "input.txt").write_text("hello")
    script = """
import os, pathlib, socket
print(pathlib.Path("/opt/ml/input.txt").read_text(), socket.gethostname(), socket.gethostbyname("algo-1"), os.getpid())
pathlib.Path("/opt/ml/output.txt").write_text("bye")
"""
    assert run(folder, script) == (0, "hello algo-1 127.0.0.1 1\n")
    assert (folder / "output.txt").read_text() == "bye"
    assert not Path("/opt/ml/output.txt").exists()


def test_python3_is_the_images_interpreter(folder: Path) -> None:
    log = folder.parent / "job.log"
    argv = ["python3", "-c", "import sys; print(sys.prefix)"]
    with Container(folder, Command(argv, {}, INTERPRETER), log) as container:
        assert container.wait(Limits(30), NEVER) == 0
    assert log.read_text().strip() == sys.prefix


def test_the_hosts_environment_cannot_be_written_to(folder: Path, tmp_path: Path) -> None:
    environment = tmp_path / "environment"
    environment.mkdir()
    code, output = run(folder, f"open({str(environment / 'x')!r}, 'w')", read_only=[environment])
    assert code == 1
    assert "Read-only file system" in output
    (environment / "still-writable-here").touch()


def test_only_what_was_given_is_in_the_environment(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_OF_THE_HOST", "1")
    _, output = run(folder, "import os; print(sorted(os.environ))")
    assert "SECRET_OF_THE_HOST" not in output


def test_without_network_nothing_is_reached(folder: Path) -> None:
    script = "import socket; socket.create_connection(('127.0.0.1', 1), 2)"
    code, output = run(folder, script, network=False)
    assert code == 1
    assert "Network is unreachable" in output


def test_the_time_limit_ends_it(folder: Path) -> None:
    began = time.monotonic()
    code, _ = run(folder, "import time; time.sleep(60)", Limits(0.2))
    assert code is None
    assert time.monotonic() - began < 10


def test_sigterm_is_given_to_who_handles_it(folder: Path) -> None:
    script = """
import pathlib, signal, sys, time
def end(*_):
    pathlib.Path("/opt/ml/saved").touch()
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
pathlib.Path("/opt/ml/ready").touch()
time.sleep(60)
"""
    stop = threading.Event()
    with Container(folder, command(script), folder.parent / "job.log") as container:
        while not (folder / "ready").exists():
            time.sleep(0.01)
        stop.set()
        assert container.wait(Limits(60), stop) is None
    assert (folder / "saved").exists()


def test_sigterm_that_is_ignored_ends_in_sigkill(folder: Path) -> None:
    script = """
import pathlib, signal, time
signal.signal(signal.SIGTERM, lambda *_: None)
pathlib.Path("/opt/ml/ready").touch()
while True:
    time.sleep(60)
"""
    stop = threading.Event()
    with Container(folder, command(script), folder.parent / "job.log") as container:
        while not (folder / "ready").exists():
            time.sleep(0.01)
        stop.set()
        began = time.monotonic()
        assert container.wait(Limits(60, grace_seconds=0.3), stop) is None
        assert time.monotonic() - began < 10


def test_children_end_with_the_container(folder: Path) -> None:
    script = """
import os, pathlib, time
if os.fork() == 0:
    os.setsid()
    while True:
        pathlib.Path("/opt/ml/alive").write_text(str(time.time()))
        time.sleep(0.01)
time.sleep(0.3)
"""
    assert run(folder, script)[0] == 0
    written = (folder / "alive").read_text()
    time.sleep(0.2)
    assert (folder / "alive").read_text() == written


NOBODY = 65534


@pytest.mark.skipif(os.geteuid() != 0, reason="whoever is not root tests this with every other test")
def test_who_is_not_root_gets_a_user_namespace(tmp_path_factory: pytest.TempPathFactory) -> None:
    """As another user, with the system's Python: this file's own may lie where that user cannot go."""
    place = tmp_path_factory.mktemp("nobody", numbered=True)
    shutil.copytree(Path(container.__file__).parents[1], place / "localaws")
    (place / "ml").mkdir()
    for path in (place, *place.rglob("*")):
        os.chown(path, NOBODY, NOBODY)
    script = f"""
import threading
from pathlib import Path
from localaws.sagemaker import container
from localaws.sagemaker.container import Command, Container, Limits
place = Path({str(place)!r})
argv = ["/bin/sh", "-c", "echo $(id -u) $(hostname) $(ls /opt/ml); touch /usr/written"]
with Container(place / "ml", Command(argv, {{}}, Path("/usr/bin/python3"), [Path("/usr")]), place / "log") as container:
    container.wait(Limits(30), threading.Event())
print((place / "log").read_text())
"""
    for folder in place.parents:
        if folder.stat().st_uid == 0 and folder.name.startswith("pytest"):
            folder.chmod(0o755)
    identity = ["setpriv", "--reuid", str(NOBODY), "--regid", str(NOBODY), "--clear-groups"]
    done = subprocess.run(
        [*identity, "/usr/bin/python3", "-c", script], cwd=place, capture_output=True, text=True, check=False
    )
    assert "0 algo-1 tmp" in done.stdout, done.stderr
    assert "Read-only file system" in done.stdout
    assert not Path("/usr/written").exists()


def test_kill_9_of_the_parent_ends_the_container(folder: Path) -> None:
    script = f"""
import sys, threading
from pathlib import Path
from localaws.sagemaker import container
from localaws.sagemaker.container import Command, Container, Limits
loop = "import pathlib, time\\nwhile True:\\n pathlib.Path('/opt/ml/alive').write_text(str(time.time()))"
folder = Path({str(folder)!r})
command = Command([sys.executable, "-c", loop + "\\n time.sleep(0.01)"], {{}}, Path(sys.executable))
Container(folder, command, folder / "log").wait(Limits(60), threading.Event())
"""
    parent = subprocess.Popen([sys.executable, "-c", script])
    try:
        while not (folder / "alive").exists():
            time.sleep(0.01)
        os.kill(parent.pid, signal.SIGKILL)
    finally:
        parent.kill()
        parent.wait()
    time.sleep(0.3)
    written = (folder / "alive").read_text()
    time.sleep(0.3)
    assert (folder / "alive").read_text() == written

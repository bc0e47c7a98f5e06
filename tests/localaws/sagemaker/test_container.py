"""Containers: what a process in one sees, and how it ends."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import venv
from pathlib import Path

import pytest

from localaws.containers import container, layers
from localaws.containers.container import Command, Container, Limits
from tests.conftest import until

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


WRITE_AND_READ = """
import os, pathlib, sys
for place in sys.argv[1:]:
    path = pathlib.Path(place, "written-in-a-container")
    path.write_text("kept?")
    assert path.read_text() == "kept?"
    kept = next(pathlib.Path(place).glob("kept*"), None)
    if kept:
        kept.unlink()
print("written")
"""


def test_what_is_written_outside_opt_ml_goes_with_the_container(folder: Path, tmp_path: Path) -> None:
    environment = tmp_path / "environment"
    environment.mkdir()
    (environment / "kept").write_text("as it was")
    places = [str(environment), tempfile.gettempdir(), str(Path.home()), "/etc", "/usr/lib", "/dev/shm"]
    argv = [sys.executable, "-c", WRITE_AND_READ, *places]
    log = folder.parent / "job.log"
    for _ in range(2):
        with Container(folder, Command(argv, {}, INTERPRETER), log) as container:
            assert container.wait(Limits(30), NEVER) == 0, log.read_text()
    assert not [place for place in places if Path(place, "written-in-a-container").exists()]
    assert (environment / "kept").read_text() == "as it was"


def test_nothing_can_be_written_where_no_layer_is(folder: Path) -> None:
    code, output = run(folder, "open('/written-in-a-container', 'w')")
    assert code == 1
    assert "Read-only file system" in output


def test_what_is_installed_is_there_for_the_container_only(folder: Path, tmp_path: Path) -> None:
    """By setuptools, into an environment of the test's own."""
    venv.create(tmp_path / "environment", system_site_packages=True, symlinks=True)
    python = tmp_path / "environment" / "bin" / "python"
    package = folder / "package"
    (package / "src").mkdir(parents=True)
    (package / "src" / "only_here.py").write_text("answer = 42")
    (package / "setup.py").write_text(
        "from setuptools import setup; setup(name='only-here', package_dir={'': 'src'}, py_modules=['only_here'])"
    )
    script = f"{python} setup.py -q install_lib && cd / && {python} -c 'import only_here; print(only_here.answer)'"
    log = folder.parent / "job.log"
    argv = ["/bin/sh", "-c", f"cd /opt/ml/package && {script}"]
    with Container(folder, Command(argv, {}, python), log) as container:
        assert container.wait(Limits(60), NEVER) == 0, log.read_text()
    assert log.read_text().splitlines()[-1] == "42"
    assert not list((tmp_path / "environment").rglob("only_here*"))


def test_where_layers_are_refused_the_environment_is_read_only(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = tmp_path / "environment"
    environment.mkdir()
    monkeypatch.setattr(container, "layers_of_host", lambda *_: None)
    code, output = run(folder, f"open({str(environment / 'x')!r}, 'w')", protected=[environment])
    assert code == 1
    assert "Read-only file system" in output
    (environment / "still-writable-here").touch()


def test_a_folder_that_was_removed_since_gets_no_layer(tmp_path: Path) -> None:
    for name in ("still", "ml"):
        (tmp_path / name).mkdir()
    layers.Layers([str(tmp_path / "still"), str(tmp_path / "gone")], []).write(tmp_path / "ml")
    fstab = (tmp_path / "ml" / ".fstab").read_text()
    assert f"none {tmp_path}/still overlay" in fstab
    assert "gone" not in fstab


def test_a_kernel_that_refuses_layers_is_noticed(caplog: pytest.LogCaptureFixture) -> None:
    unshare = ("sh", "-c", "echo overlay: wrong fs type >&2; exit 32")
    assert layers.layers_of_host(unshare, "", ()) is None
    assert "overlay: wrong fs type" in caplog.text


def test_folders_with_mounts_below_are_passed_through() -> None:
    planned = layers.plan(["/", "/proc", "/dev", "/dev/shm", "/usr/lib"])
    assert "/usr" not in planned.covered
    assert {"/usr/bin", "/usr/lib"} <= set(planned.covered)
    assert not [path for path in planned.covered if path.startswith(("/proc", "/dev", "/opt/ml"))]
    assert planned.read_only == ["/"]


def test_only_what_was_given_is_in_the_environment(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_OF_THE_HOST", "1")
    _, output = run(folder, "import os; print(sorted(os.environ))")
    assert "SECRET_OF_THE_HOST" not in output


def test_without_network_nothing_is_reached(folder: Path) -> None:
    script = "import socket; socket.create_connection(('192.0.2.1', 1), 2)"
    code, output = run(folder, script, network=False)
    assert code == 1
    assert "Network is unreachable" in output


def test_without_network_a_script_reaches_itself(folder: Path) -> None:
    script = """
import os, socket
server = socket.create_server(("127.0.0.1", 0))
client = socket.create_connection(("algo-1", server.getsockname()[1]), 2)
print("reached", "CONTAINER_NETWORK" in os.environ)
"""
    assert run(folder, script, network=False) == (0, "reached False\n")


def test_the_time_limit_ends_it(folder: Path) -> None:
    code, _ = run(folder, "import time; time.sleep(600)", Limits(0.2))
    assert code is None


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
        assert container.wait(Limits(600, grace_seconds=0.3), stop) is None


def test_children_end_with_the_container(folder: Path) -> None:
    script = """
import os, pathlib, time
if os.fork() == 0:
    os.setsid()
    while True:
        pathlib.Path("/opt/ml/alive").write_text(str(time.time()))
        time.sleep(0.01)
while not os.path.exists("/opt/ml/alive"):
    time.sleep(0.01)
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
    (place / "environment").mkdir()
    for path in (place, *place.rglob("*")):
        os.chown(path, NOBODY, NOBODY)
    script = f"""
import threading
from pathlib import Path
from localaws.containers.container import Command, Container, Limits
place = Path({str(place)!r})
argv = ["/bin/sh", "-c", "echo $(id -u) $(hostname) $(ls /opt/ml); touch $PLACE/x; ls $PLACE; touch /usr/x"]
command = Command(argv, {{"PLACE": str(place / "environment")}}, Path("/usr/bin/python3"), [place / "environment"])
with Container(place / "ml", command, place / "log") as container:
    container.wait(Limits(30), threading.Event())
print((place / "log").read_text())
"""
    for folder in place.parents:
        if folder.is_relative_to(tmp_path_factory.getbasetemp()) or folder.name.startswith("pytest"):
            folder.chmod(0o755)
    identity = ["setpriv", "--reuid", str(NOBODY), "--regid", str(NOBODY), "--clear-groups"]
    done = subprocess.run(
        [*identity, "/usr/bin/python3", "-c", script], cwd=place, capture_output=True, text=True, check=False
    )
    assert "0 algo-1 tmp" in done.stdout, done.stderr
    assert "\nx\n" in done.stdout
    assert not list((place / "environment").iterdir())
    assert not Path("/usr/x").exists()


def is_at_rest(path: Path) -> bool:
    """Say whether a file that is written all the time has not been written for a while."""
    written = path.read_text()
    time.sleep(0.3)
    return path.read_text() == written


def test_kill_9_of_the_parent_ends_the_container(folder: Path) -> None:
    script = f"""
import sys, threading
from pathlib import Path
from localaws.containers.container import Command, Container, Limits
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
    until(lambda: is_at_rest(folder / "alive"))

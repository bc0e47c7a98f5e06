"""Fixtures that bring up the real thing: local AWS, started with its own command, on free ports."""

import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import boto3
import pytest

from localaws.images import catalog
from localaws.images.environment import IMAGES_DIR_VARIABLE, Environment, images_dir
from localaws.images.install import install
from localaws.protocol import answers, stalls
from localaws.settings import Ports

# Kept in the environment for the workers, which import this file again.
SHARED_IMAGES = Path(os.environ.setdefault("TEST_IMAGES_DIR", str(images_dir())))
"""The user's own: what a test installs there is there in the next run."""
# Nothing is installed for the others, whose jobs run with this Python whatever the user has installed.
os.environ[IMAGES_DIR_VARIABLE] = f"{SHARED_IMAGES}-of-no-test"
# Every server that a test starts, in whatever way, writes down the answers that AWS's model does not allow.
ANSWERS = Path(tempfile.gettempdir()) / f"answers-unlike-aws-{os.getpid()}.txt"
os.environ[answers.VARIABLE] = str(ANSWERS)
# Commands that are proposed are for the shell that started tox; those of the tests run where tox has set the path.
os.environ.pop("TOX_ENV_DIR", None)
# Their environment has no part of this project: `python -m tests.sdk_v2` runs them.
collect_ignore = ["sdk_v2"]
LOCAL_AWS = (sys.executable, "-P", "-m", "localaws.command.cli")
_PORT_ATTEMPTS = 5
# Of processor, in which an event loop does nothing else: what is noted, and what fails the run.
_STALL_SECONDS, _HANGS_SECONDS = 0.1, 3.0
# One for all clients, because it keeps the service models that it has read: a client takes 8 ms instead of 180 ms.
# Clients are safe for threads, making them is not.
_SESSION = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name="us-east-1")
_MAKING_CLIENTS = threading.Lock()


def pytest_xdist_auto_num_workers() -> int:
    """One worker more than there are cores: each waits for its local AWS half of the time."""
    return (os.cpu_count() or 1) + 1


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that need no local AWS, so that a slip shows soon, then those that start their own.

    The latter take longest: at the end, the other workers would wait for them.
    """
    turns: dict[Path, int] = {}
    for item in items:
        turns[item.path] = max(turns.get(item.path, 0), _turn(item))
    items.sort(key=lambda item: turns[item.path])


def _turn(item: pytest.Item) -> int:
    if not {"start_local_aws", "hasty_local_aws"}.isdisjoint(vars(item.module)):
        return 1
    return 2 if any(name.endswith("local_aws") for name in item.fixturenames) else 0


def local_aws_command(
    *arguments: str, state_dir: Path, environ: Mapping[str, str] = os.environ, timeout: float = 90
) -> subprocess.CompletedProcess[str]:
    """Run ``local-aws`` with a state folder."""
    command = [*LOCAL_AWS, *arguments, "--state-dir", str(state_dir)]
    return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=timeout, check=False)


def free_ports() -> Ports:
    """Ports that were free a moment ago."""
    with socket.socket() as one, socket.socket() as other, socket.socket() as third:
        for each in (one, other, third):
            each.bind(("127.0.0.1", 0))
        return Ports(one.getsockname()[1], other.getsockname()[1], third.getsockname()[1])


def port_options(ports: Ports) -> list[str]:
    """The options of ``local-aws start`` for these ports."""
    return [word for option, port in ports.options.items() for word in (option, str(port))]


def until(condition: Callable[[], object], seconds: float = 60) -> None:
    """Wait for something, at most so long."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def wait_until_gone(pids: Iterable[int], seconds: float = 60) -> None:
    """Wait until none of the processes runs any more (one that nobody has waited for yet does not run)."""
    deadline = time.monotonic() + seconds
    while running := [pid for pid in pids if _runs(pid)]:
        assert time.monotonic() < deadline, f"still running: {running}"
        time.sleep(0.02)


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@dataclass(frozen=True)
class LocalAws:
    """A running local AWS.

    Attributes
    ----------
    ports : Ports
    state_dir : Path
    env : dict of str to str
        The whole environment of a program that uses it: this process's, with `local-aws env` laid over it.
    """

    ports: Ports
    state_dir: Path
    env: dict[str, str]

    @property
    def port(self) -> int:
        """The gateway's."""
        return self.ports.gateway

    @property
    def sagemaker_port(self) -> int:
        """The local SageMaker's own."""
        return self.ports.sagemaker

    def client(self, service_name: str, **options: Any) -> Any:
        """A boto3 client that can reach nothing but this."""
        port = self.sagemaker_port if service_name.startswith("sagemaker") else self.port
        with _MAKING_CLIENTS:
            return _SESSION.client(service_name, **{"endpoint_url": f"http://127.0.0.1:{port}", **options})

    def run(self, command: Sequence[str], timeout: float = 90) -> subprocess.CompletedProcess[str]:
        """Run a program in the environment of `local-aws env`."""
        return subprocess.run(command, env=self.env, capture_output=True, text=True, timeout=timeout, check=False)

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run ``local-aws`` with this one's state folder."""
        return local_aws_command(*arguments, state_dir=self.state_dir)

    def pids(self) -> dict[str, int]:
        """The processes, by name, as the supervisor wrote them down."""
        record = json.loads((self.state_dir / "supervisor.json").read_text())
        servers = {server["name"]: server["pid"] for server in record["servers"]}
        return {"supervisor": record["pid"], **servers}


def start_local_aws(state_dir: Path) -> LocalAws:
    """Start local AWS; when another process was faster with a port, on other ones."""
    for _attempt in range(_PORT_ATTEMPTS):
        ports = free_ports()
        started = local_aws_command("start", *port_options(ports), state_dir=state_dir)
        if "cannot be used" not in started.stderr:
            break
    assert started.returncode == 0, started.stderr
    printed = local_aws_command("env", "--format", "json", state_dir=state_dir)
    assert printed.returncode == 0, printed.stderr
    # COLUMNS: what the commands print must not depend on the window that the tests run in.
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_") and name != "COLUMNS"}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return LocalAws(ports, state_dir, {**kept, "PATH": path, **json.loads(printed.stdout)})


@pytest.fixture(scope="session", autouse=True)
def answers_like_awss() -> Iterator[None]:
    """Every answer and every refusal of our services, in whatever test, is one that botocore's model knows."""
    yield
    found = sorted(set(ANSWERS.read_text().splitlines())) if ANSWERS.exists() else []
    ANSWERS.unlink(missing_ok=True)
    assert not found, "\n".join(found)


@pytest.fixture(scope="session")
def local_aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """One local AWS for the whole run. Tests share its state: name things uniquely, kill nothing.

    Its event loops are watched: one that has hung, in whatever test, is an error of the run.
    """
    state_dir = tmp_path_factory.mktemp("local-aws") / "state"
    try:
        with mock.patch.dict(os.environ, {stalls.VARIABLE: str(_STALL_SECONDS)}):
            started = start_local_aws(state_dir)
        yield started
        found = stalls_of(state_dir, _HANGS_SECONDS)
    finally:
        local_aws_command("reset", "--yes", state_dir=state_dir)
    assert not found, "\n".join(found)


def stalls_of(state_dir: Path, most_seconds: float) -> list[str]:
    """What the servers' logs say of longer stalls, but for a module's first import, which happens once."""
    found = []
    for log in sorted((state_dir / "logs").glob("*.log")):
        for part in log.read_text(errors="replace").split(stalls.STALLED)[1:]:
            seconds = float(part.split()[1])
            if seconds > most_seconds and "importlib._bootstrap" not in part and "_get_module" not in part:
                found.append(f"{log.name}: {part[:6000]}")
    return found


@pytest.fixture(scope="session")
def image_of() -> Callable[[str], Environment]:
    """Returns the environment of an image of AWS, such as sagemaker-scikit-learn:1.4-2-py312; installed once."""
    return lambda name: install(catalog.named(name), SHARED_IMAGES, print)


@pytest.fixture(scope="session")
def enforcing_local_aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """One in which IAM is enforced; its clients are the root user's. Shared as `local_aws` is."""
    state_dir = tmp_path_factory.mktemp("enforcing") / "state"
    try:
        with mock.patch.dict(os.environ, {"LOCALAWS_IAM": "enforce"}):
            started = start_local_aws(state_dir)
        yield started
    finally:
        local_aws_command("reset", "--yes", state_dir=state_dir)


@pytest.fixture
def own_local_aws(tmp_path: Path) -> Iterator[Callable[[], LocalAws]]:
    """Starts a local AWS of the test's own, which it may kill. Called again, it starts the same state again."""
    state_dir = tmp_path / "state"
    try:
        yield lambda: start_local_aws(state_dir)
    finally:
        local_aws_command("reset", "--yes", state_dir=state_dir)

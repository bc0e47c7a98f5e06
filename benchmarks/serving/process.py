"""A server's processes: started, queried until the answer is correct, measured, stopped."""

import contextlib
import getpass
import http.client
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.serving.servers import PEERS, Server
from benchmarks.serving.workloads import Request, Workload, is_right

_START_SECONDS = 120
_STOP_SECONDS = 15
_ASK_SECONDS = 0.01
_LOG_BYTES = 3000


class StartError(Exception):
    """A server did not answer, or gave a wrong answer; the text has its output."""


@dataclass(frozen=True)
class Running:
    """A server that answers correctly.

    Attributes
    ----------
    start_seconds : float
        The time from its first process to its first correct answer.
    """

    port: int
    processes: tuple[subprocess.Popen[bytes], ...]
    start_seconds: float

    def memory_mb(self) -> float:
        """Return the proportional set size of all its processes, in units of 1,000,000 bytes."""
        return sum(map(_pss, _tree([process.pid for process in self.processes]))) / 1e6


@contextmanager
def running(
    server: Server, workload: Workload, workers: int, environment: Path | None, folder: Path
) -> Iterator[Running]:
    """Run a server on a workload's model, with its files and logs in `folder`.

    Raises
    ------
    StartError
        If it gives no correct answer in time.
    """
    port, management_port, metrics_port = free_ports(3)
    values = {
        "site_packages": str(next(environment.glob("lib/*/site-packages"))) if environment else "",
        "port": str(port),
        "management_port": str(management_port),
        "metrics_port": str(metrics_port),
        "workers": str(workers),
        "model_dir": str(workload.model_dir),
        "run": str(folder),
        "user": getpass.getuser(),
    }
    _copy_files(server, values, folder)
    (folder / "ml").mkdir()
    (folder / "ml" / "model").symlink_to(workload.model_dir)
    variables = _variables(server, values, environment)
    log = folder / "log"
    began = time.perf_counter()
    processes: list[subprocess.Popen[bytes]] = []
    try:
        with log.open("wb") as output:
            for command in server.commands:
                argv = _argv([part.format(**values) for part in command.split()], variables)
                process = subprocess.Popen(
                    argv, cwd=folder, env=variables, stdout=output, stderr=output, start_new_session=True
                )
                processes.append(process)
        wait_until_right(server, workload, port, processes, log)
        yield Running(port, tuple(processes), time.perf_counter() - began)
    finally:
        stop(processes)


def _copy_files(server: Server, values: dict[str, str], folder: Path) -> None:
    folder.mkdir(parents=True)
    if server.folder is None:
        return
    for source in sorted((PEERS / server.folder).iterdir()):
        if source.suffix == ".py":
            shutil.copy(source, folder)
        elif source.is_file():
            text = source.read_text()
            for name, value in values.items():
                text = text.replace(f"@{name.upper()}@", value)
            (folder / source.name).write_text(text)


def _variables(server: Server, values: dict[str, str], environment: Path | None) -> dict[str, str]:
    """Return the environment: this process's without any server settings, and what the server's files read."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith(("SAGEMAKER_", "PYTHON"))}
    variables |= {name.upper(): value for name, value in values.items()}
    home = str(environment / "bin") if environment else str(Path(sys.executable).parent)
    variables["PATH"] = os.pathsep.join([home, variables["PATH"], "/usr/sbin"])
    variables["PYTHONPATH"] = str(PEERS / "common") if environment else str(PEERS.parents[2])
    # No server gets several threads for one prediction: the workers are the parallelism.
    variables |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    return variables | {name: value.format(**values) for name, value in server.environment.items()}


def _argv(command: list[str], variables: dict[str, str]) -> list[str]:
    program = shutil.which(command[0], path=variables["PATH"])
    if program is None:
        raise StartError(f"there is no program {command[0]} in {variables['PATH']}")
    return [program, *command[1:]]


def wait_until_right(
    server: Server, workload: Workload, port: int, processes: list[subprocess.Popen[bytes]], log: Path
) -> None:
    """Query until the answer is correct; a wrong one from a running server counts only if it stays wrong."""
    request = server.request(workload)
    deadline = time.monotonic() + _START_SECONDS
    last = "nothing"
    while time.monotonic() < deadline and all(process.poll() is None for process in processes):
        with contextlib.suppress(OSError, http.client.HTTPException):
            status, body = ask(port, request)
            right = body == request.body if server.echoes else status == http.client.OK and is_right(workload, body)
            if right:
                return
            last = f"{status} {body[:200]!r}"
        time.sleep(_ASK_SECONDS)
    said = log.read_bytes()[-_LOG_BYTES:].decode(errors="replace")
    raise StartError(f"{server.title} gave no correct answer to {workload.title} (but {last}); its log ends:\n{said}")


def ask(port: int, request: Request) -> tuple[int, bytes]:
    """Send one request over a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        headers = {"Content-Type": request.content_type, "Accept": request.accept}
        connection.request("POST", request.path, request.body, headers)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def stop(processes: list[subprocess.Popen[bytes]]) -> None:
    """Ask all processes to end, in reverse order of their start; kill the remaining ones after a while."""
    pids = _tree([process.pid for process in processes])
    for process in reversed(processes):
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_STOP_SECONDS)
    for pid in {*pids, *_tree([process.pid for process in processes])}:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    for process in processes:
        process.wait()


def _tree(roots: list[int]) -> list[int]:
    """Return the processes of the servers' sessions, and all their descendants."""
    parents: dict[int, int] = {}
    found = set()
    for path in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            fields = (path / "stat").read_text().rpartition(") ")[2].split()
            parents[int(path.name)] = int(fields[1])
            if int(fields[3]) in roots:
                found.add(int(path.name))
    while new := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= new
    return sorted(found)


def _pss(pid: int) -> int:
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0


def free_ports(count: int) -> list[int]:
    """Return ports that were free a moment ago and that multi-model-server accepts: below 32,767."""
    ports: list[int] = []
    while len(ports) < count:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as one, contextlib.suppress(OSError):
            one.bind(("127.0.0.1", port))
            ports.append(port)
    return ports

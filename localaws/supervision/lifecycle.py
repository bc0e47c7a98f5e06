"""Start, stop, reset: what the commands do to the supervisor, from outside.

`start` finds out whether a supervisor is running (the lock says so), starts one if not, and waits until every server
answers. It changes nothing if the servers are running already. Two simultaneous starts may both start a supervisor; the
one that does not get the lock exits, and both starts wait for the servers of the other.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

from localaws.errors import NotLinuxError, PortInUseError, StartFailedError, StateDirError
from localaws.settings import SERVER_NAMES, Ports, allowed_hosts, default_ports, iam_enforced, warm_functions
from localaws.supervision.environment import SDK_CONFIG
from localaws.supervision.health import check_ports_free, is_healthy
from localaws.supervision.record import Record
from localaws.supervision.state_dir import StateDir
from localaws.supervision.supervisor import LOCKED, STOP_SECONDS, supervise

START_TIMEOUT_SECONDS = 60.0
_POLL_SECONDS = 0.02
# A killed server's port becomes free when the kernel is done with the process.
_PORT_GRACE_SECONDS = 1.0
_LOG_LINES = 15

Say = Callable[[str], None]


@dataclass(frozen=True)
class Started:
    """The outcome of `start`.

    Attributes
    ----------
    record : Record
        The running supervisor.
    already : bool
        Whether it was running before.
    """

    record: Record
    already: bool


def check_platform(platform: str) -> None:
    """Refuse any system but Linux.

    Parameters
    ----------
    platform : str
        `sys.platform`.
    """
    if platform != "linux":
        raise NotLinuxError(
            f"local-aws runs jobs in Linux namespaces, and this system is {platform!r}. Use Linux, a Linux "
            "virtual machine or container, or WSL 2."
        )


def start(state: StateDir, requested: Ports | None, say: Say, timeout: float = START_TIMEOUT_SECONDS) -> Started:
    """Start the servers, and wait until they answer.

    Parameters
    ----------
    state : StateDir
    requested : Ports or None
        None takes those of the running servers, else those of the last ones, which shells and programs may still have
        in their environment, else the default.
    say : callable
        Takes a line of progress.
    timeout : float, default=60
        Seconds until every server must answer.

    Raises
    ------
    StateDirError
        The folder is not usable, or its servers run on other ports than requested.
    PortInUseError, StartFailedError
    """
    state.create()
    already = state.supervisor_pid() is not None
    process = None if already else _launch(state, requested or usual_ports(state))
    record = _wait(state, process, requested, say if not already else lambda _line: None, timeout)
    return Started(record, already)


def run_in_foreground(state: StateDir, requested: Ports | None) -> int:
    """Run the supervisor in this process; return its exit code once it is stopped."""
    state.create()
    if pid := state.supervisor_pid():
        raise StateDirError(
            f"local AWS is already running with {state.path} (pid {pid}). Stop it first: `local-aws stop`"
        )
    ports = requested or usual_ports(state)
    _prepare(state, ports)
    return supervise(state, ports)


def stop(state: StateDir) -> bool:
    """Stop the servers, gracefully, then not; False when nothing ran."""
    pid = state.supervisor_pid()
    if pid is None:
        return False
    _signal(pid, signal.SIGTERM)
    record = state.running()
    bound = STOP_SECONDS * (len(record.servers) if record else 1) + 5
    if not _wait_until_free(state, bound):
        _signal(pid, signal.SIGKILL)
        _wait_until_free(state, 5)
    return True


def usual_ports(state: StateDir) -> Ports:
    """Return the ports for when nothing was said: the last ones, which shells may have in their environment."""
    last = state.last_record()
    return last.ports if last is not None else default_ports()


def _prepare(state: StateDir, ports: Ports) -> None:
    # These refuse a value that means nothing, before a server is started with it.
    iam_enforced()
    allowed_hosts()
    warm_functions()
    deadline = time.monotonic() + _PORT_GRACE_SECONDS
    while True:
        try:
            check_ports_free(ports)
            break
        except PortInUseError:
            if time.monotonic() > deadline or state.supervisor_pid() is not None:
                raise
            time.sleep(_POLL_SECONDS)
    state.sdk_config_path.write_text(SDK_CONFIG)


def _launch(state: StateDir, ports: Ports) -> subprocess.Popen[bytes] | None:
    """Start a detached supervisor; None when another start was faster and has taken the ports."""
    try:
        _prepare(state, ports)
    except PortInUseError:
        if state.supervisor_pid() is None:
            raise
        return None
    options = [word for option, port in ports.options.items() for word in (option, str(port))]
    arguments = ["--state-dir", str(state.path), *options]
    with state.log_path("supervisor").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "localaws.supervision.supervisor", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def _wait(
    state: StateDir,
    process: subprocess.Popen[bytes] | None,
    requested: Ports | None,
    say: Say,
    timeout: float,
) -> Record:
    began = time.monotonic()
    ready: set[str] = set()
    record = None
    while time.monotonic() - began < timeout:
        if process is not None and process.poll() == LOCKED:
            process = None
        record = state.running()
        if record is not None:
            _check_ports(state, record, requested)
            for server in record.servers:
                if server.name not in ready and is_healthy(server):
                    ready.add(server.name)
                    say(f"{server.name} ready on port {server.port} after {time.monotonic() - began:.1f} s")
            if len(ready) == len(record.servers):
                return record
        elif process is not None and process.poll() is not None:
            raise StartFailedError(_failure(state, "The supervisor ended."))
        elif process is None and state.supervisor_pid() is None:
            raise StartFailedError(_failure(state, "The supervisor ended while its servers were starting."))
        time.sleep(_POLL_SECONDS)
    late = [server.name for server in record.servers if server.name not in ready] if record else ["supervisor"]
    message = _failure(state, f"Not ready within {timeout:.0f} s: {', '.join(late)}.")
    if process is not None:
        stop(state)
    raise StartFailedError(message)


def _check_ports(state: StateDir, record: Record, requested: Ports | None) -> None:
    if requested is not None and requested != record.ports:
        raise StateDirError(
            f"local AWS is already running with {state.path}, on ports {_listed(record.ports)}, "
            f"not {_listed(requested)}. Stop it first "
            "(`local-aws stop`), or use another --state-dir for a second one."
        )


def _listed(ports: Ports) -> str:
    *first, last = map(str, ports.options.values())
    return f"{', '.join(first)} and {last}"


def _failure(state: StateDir, sentence: str) -> str:
    """Return the sentence, the supervisor's reason, and the ends of the logs."""
    record = state.last_record()
    if record is not None and record.failure:
        sentence += f" {record.failure}."
    parts = [sentence]
    for name in ("supervisor", *SERVER_NAMES):
        lines = _last_lines(state, name)
        if lines:
            parts.append("\n".join([f"--- {state.log_path(name)}", *lines]))
    return "\n".join(parts)


def _last_lines(state: StateDir, name: str) -> list[str]:
    """Return the last lines of a server's log."""
    try:
        with state.log_path(name).open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - 200 * _LOG_LINES))
            return log.read().decode(errors="replace").splitlines()[-_LOG_LINES:]
    except FileNotFoundError:
        return []


def _wait_until_free(state: StateDir, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while state.supervisor_pid() is not None:
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return

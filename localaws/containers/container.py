"""One container without Docker: a process in private namespaces that sees a folder as /opt/ml.

``unshare`` gives the process its own mount, PID and UTS namespaces (and a user namespace when not started by root),
then a few lines of shell set up what SageMaker's containers find: /opt/ml, the host name ``algo-1`` and the entries
of all the job's hosts in /etc/hosts. What it writes elsewhere is discarded with it (`layers`). ``exec`` leaves no
shell behind. Starting takes about 10 ms.

The process dies with this server, however that dies: ``setpriv --pdeathsig`` ends `unshare` when the thread that
started it is gone, and ``--kill-child`` ends everything in the PID namespace.
"""

import os
import select
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from localaws.containers.errors import JobFailure
from localaws.containers.layers import HOSTS, MOUNT, layers_of_host
from localaws.containers.memory import uses_more_than
from localaws.containers.output import Output

HOST_NAME = "algo-1"
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_POLL_SECONDS = 0.05
_KILLED_WITHIN_SECONDS = 5.0
_TOOLS = ("unshare", "setpriv", "mount", "umount")

# Makes /opt/ml a mount point on a host that lacks it: /opt is rebuilt on a tmpfs out of its entries.
# $ml is a folder that can be mounted on meanwhile.
_MAKE_MOUNT_POINT = r"""
if [ ! -d /opt/ml ]; then
    mount -t tmpfs none "$ml"
    for entry in /opt/*; do
        [ -d "$entry" ] || continue
        mkdir "$ml/${entry##*/}"
        mount --rbind "$entry" "$ml/${entry##*/}"
    done
    mkdir "$ml/ml"
    mount --rbind "$ml" /opt
    umount -l "$ml"
    mount -o remount,bind,ro /opt
fi
"""

# Used where the kernel refuses layers. $1: the number of read-only folders; then these; then the command line.
_PROTECT = rf"""
count=$1; shift
while [ "$count" -gt 0 ]; do
    mount -o bind,ro "$1" "$1" 2>/dev/null || mount -o remount,bind,ro,nosuid,nodev "$1"
    shift; count=$((count - 1))
done
mount --bind "$ml/{HOSTS}" /etc/hosts
mount --bind "$ml" /opt/ml
"""

# A namespace's own loopback device is down. Few hosts have `ip`; elsewhere the image's Python brings it up in 20 ms.
_LOOPBACK_UP = r"""
if [ "$CONTAINER_NETWORK" = none ]; then
    ip link set lo up 2>/dev/null || python3 -I -S -c '
import fcntl, socket, struct
up = struct.pack("16sh", b"lo", 1)
fcntl.ioctl(socket.socket(), 0x8914, up)'
fi
"""


def _enter(protect: str) -> str:
    """Return the script that starts a container. $1: the folder; then the arguments of `protect`; then the command.

    The umask is that of a container, not the stricter one of this server.
    """
    return rf"""
set -e
ml=$1; shift
{_MAKE_MOUNT_POINT}
{protect}
{{ echo "$CONTAINER_HOST" > /proc/sys/kernel/hostname; }} 2>/dev/null || hostname "$CONTAINER_HOST"
{_LOOPBACK_UP}
unset CONTAINER_NETWORK
umask 022
cd /opt/ml
exec "$@"
"""


def enter_host_namespace(argv: Sequence[str], scratch: Path) -> None:
    """Replace this process by `argv`, in a mount namespace where /opt/ml exists as a mount point.

    A container would create the mount point itself, in 15 ms; done once for the server, its containers find it. Returns
    if the host has the folder already.

    Parameters
    ----------
    argv : sequence of str
        The command line that replaces this process.
    scratch : Path
        An empty folder that is mounted on meanwhile.
    """
    if Path("/opt/ml").is_dir():
        return
    script = f'set -e; ml=$1; shift; {_MAKE_MOUNT_POINT} exec "$@"'
    unshare = ["unshare", *_user_namespace(), "--mount", "--propagation", "slave"]
    os.execvp(unshare[0], [*unshare, "/bin/sh", "-c", script, "host", str(scratch), *argv])


@dataclass(frozen=True)
class Limits:
    """The limits at which a container is ended.

    Attributes
    ----------
    seconds : float
        How long the container may run.
    grace_seconds : float
        How long a process that handles SIGTERM may take to exit; SageMaker gives 120.
    memory_bytes : int or None
        How much memory all its processes may use together; None for no limit.
    """

    seconds: float
    grace_seconds: float = 120.0
    memory_bytes: int | None = None


@dataclass(frozen=True)
class Command:
    """What runs in the container.

    Attributes
    ----------
    argv : sequence of str
    environment : mapping of str to str
        The whole environment except PATH and the variables that the container itself adds.
    interpreter : Path
        The interpreter whose folder PATH begins with.
    protected : sequence of Path
        Folders that are never written to: the container's writes are kept to itself or refused.
    network : bool
        False leaves the process with only its own loopback device.
    cpus : sequence of int
        The CPUs that it runs on; all of the host's if empty.
    host_name : str
    hosts : mapping of str to str
        The addresses of the job's hosts by name, for /etc/hosts.
    escapes_log : bool
        Whether the log has control characters as ``#011``.
    """

    argv: Sequence[str]
    environment: Mapping[str, str]
    interpreter: Path
    protected: Sequence[Path] = field(default_factory=list)
    network: bool = True
    cpus: Sequence[int] = ()
    host_name: str = HOST_NAME
    hosts: Mapping[str, str] = field(default_factory=lambda: {HOST_NAME: "127.0.0.1"})
    escapes_log: bool = False


class Container:
    """A running container.

    Parameters
    ----------
    folder : Path
        The folder that the process sees as /opt/ml.
    command : Command
    log : Path
        The file that its standard output and error go to, within the limits of `localaws.containers.output`.

    Attributes
    ----------
    out_of_memory : bool
        Whether it was ended because it used more memory than its limit.
    """

    def __init__(self, folder: Path, command: Command, log: Path) -> None:
        missing = [tool for tool in _TOOLS if shutil.which(tool) is None]
        if missing:
            raise JobFailure(f"InternalServerError: {', '.join(missing)} not found: install the package util-linux")
        (folder / HOSTS).write_text(_hosts(command))
        (folder / "tmp").mkdir(exist_ok=True)
        script, arguments = _prepare(folder, command)
        self._output = Output(log, escaped=command.escapes_log)
        try:
            self._process = subprocess.Popen(
                [
                    *_cpus(command),
                    *_namespaces(command.network),
                    "/bin/sh",
                    "-c",
                    script,
                    "container",
                    str(folder),
                    *arguments,
                ],
                env=_environment(command),
                stdin=subprocess.DEVNULL,
                stdout=self._output.fd,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        finally:
            self._output.begin()
        self.out_of_memory = False
        self._ends = os.pidfd_open(self._process.pid)

    def __enter__(self) -> "Container":
        return self

    def __exit__(self, *_: object) -> None:
        self.end(grace_seconds=0)
        os.close(self._ends)

    def wait(self, limits: Limits, *stops: threading.Event) -> int | None:
        """Wait for the exit code; return None if the time limit or a stop ended the container.

        Must be called from the thread that created the container.
        """
        deadline = time.monotonic() + limits.seconds
        while not self._ended_within(_POLL_SECONDS):
            if any(stop.is_set() for stop in stops) or time.monotonic() > deadline:
                self.end(limits.grace_seconds)
                return None
            if limits.memory_bytes and uses_more_than(self._process.pid, limits.memory_bytes):
                self.out_of_memory = True
                self.end(grace_seconds=0)
                return 128 + signal.SIGKILL
        exit_code = self._process.wait()
        self._output.join()
        return exit_code

    def _ended_within(self, seconds: float) -> bool:
        """Sleep until the process ends or the time is over; unlike Popen.wait it wakes up immediately."""
        return self._process.returncode is not None or bool(select.select([self._ends], [], [], seconds)[0])

    @property
    def pid(self) -> int:
        """The ID of the process that the container's processes descend from."""
        return self._process.pid

    def poll(self) -> int | None:
        """Return the exit code, or None while it runs."""
        return self._process.poll()

    def end(self, grace_seconds: float) -> None:
        """Send SIGTERM, and SIGKILL after the grace period.

        A namespace's first process gets SIGTERM only if it handles it. One that does not cannot use the grace period,
        so it is killed immediately.
        """
        first = _child_of(self._process.pid)
        if grace_seconds and first is not None and _handles_sigterm(first):
            with suppress(ProcessLookupError):
                os.kill(first, signal.SIGTERM)
            self._ended_within(grace_seconds)
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        if first is not None:
            _wait_until_gone(first)
        self._output.join()


def _wait_until_gone(first: int) -> None:
    """Wait for the end of a namespace's first process, which follows that of all others in it."""
    try:
        ends = os.pidfd_open(first)
    except ProcessLookupError:
        return
    try:
        select.select([ends], [], [], _KILLED_WITHIN_SECONDS)
    finally:
        os.close(ends)


def _cpus(command: Command) -> list[str]:
    return ["taskset", "--cpu-list", ",".join(map(str, command.cpus))] if command.cpus else []


def _namespaces(network: bool) -> list[str]:
    isolated = [] if network else ["--net"]
    kinds = [
        "--mount",
        "--uts",
        "--ipc",
        "--pid",
        "--fork",
        "--kill-child",
        "--mount-proc",
        "--propagation",
        "private",
    ]
    return ["setpriv", "--pdeathsig", "SIGKILL", "unshare", *_user_namespace(), *isolated, *kinds]


def _user_namespace() -> list[str]:
    """Return the options of the user namespace that every user but root needs to mount."""
    return [] if os.geteuid() == 0 else ["--user", "--map-root-user"]


def _prepare(folder: Path, command: Command) -> tuple[str, list[str]]:
    """Return the script that starts the container, and its arguments after the folder."""
    protected = tuple(str(path) for path in command.protected)
    layers = layers_of_host(tuple(_namespaces(network=True)), _MAKE_MOUNT_POINT, protected)
    if layers is None:
        return _enter(_PROTECT), [str(len(protected)), *protected, *command.argv]
    layers.write(folder)
    return _enter(MOUNT), [str(len(layers.covered)), *command.argv]


def _environment(command: Command) -> dict[str, str]:
    return {
        "LANG": "C.UTF-8",
        "HOME": "/opt/ml/tmp",
        "TMPDIR": "/opt/ml/tmp",
        **command.environment,
        "CONTAINER_HOST": command.host_name,
        "CONTAINER_NETWORK": "host" if command.network else "none",
        "PATH": f"{command.interpreter.parent}:{_PATH}",
    }


def _hosts(command: Command) -> str:
    try:
        known = Path("/etc/hosts").read_text()
    except OSError:
        known = "127.0.0.1 localhost"
    return "\n".join([known, *(f"{address} {name}" for name, address in command.hosts.items()), ""])


def _child_of(pid: int) -> int | None:
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return None
    return int(children[0]) if children else None


def _handles_sigterm(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
    caught = next(line.split()[1] for line in status.splitlines() if line.startswith("SigCgt:"))
    return bool(int(caught, 16) >> (signal.SIGTERM - 1) & 1)

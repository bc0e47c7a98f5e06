"""The process that keeps the servers up.

``python -m localaws.supervision.supervisor --state-dir DIR --port N --sagemaker-port M --services-port L`` does this:

1. It takes the lock of the state folder, or leaves (exit code `LOCKED`): there is one supervisor per folder.
2. It starts the servers, each in a process group and with a log file of its own.
3. It sleeps until a signal comes. SIGCHLD: a server ended; what is left of its group is killed, and it is
   started again as `localaws.supervision.restart` decides. SIGTERM, SIGINT or SIGHUP: the servers are stopped, in
   reverse order, and it ends.
4. Every second it looks whether the servers answer (`localaws.supervision.watch`). One that does not for ten seconds is
   killed, and so started again.

After every change it writes ``supervisor.json``, by which `localaws.supervision.lifecycle` and the commands know the
servers. If it is killed itself, the kernel kills the servers with it (`localaws.supervision.process.die_with_parent`),
so that no orphan holds a port.
"""

import argparse
import logging
import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from localaws.settings import TRACE_SIGNAL, Ports
from localaws.supervision import environment, lock
from localaws.supervision.process import die_with_parent, kill_group
from localaws.supervision.record import Record, ServerRecord, write_record
from localaws.supervision.restart import GIVE_UP_AT, WINDOW_SECONDS, restart_delay
from localaws.supervision.servers import Server, servers
from localaws.supervision.state_dir import StateDir
from localaws.supervision.watch import EVERY_SECONDS, Watch

logger = logging.getLogger("supervisor")

# EX_TEMPFAIL of sysexits.h: another supervisor has the folder.
LOCKED = 75
STOP_SECONDS = 10.0
SILENT_SECONDS = 10.0
# What a server that hangs is doing goes to its log before it is killed.
_TRACE_SECONDS = 0.5
_SIGNALS = frozenset({signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP})


@dataclass
class _Child:
    """A server and its process."""

    server: Server
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    deaths: list[float] = field(default_factory=list)
    due: float | None = None
    watch: Watch | None = None

    def record(self) -> ServerRecord:
        return ServerRecord(
            name=self.server.name,
            pid=self.process.pid if self.process else None,
            port=self.server.port,
            health_path=self.server.health_path,
            started_at=self.started_at,
            restarts=len(self.deaths),
        )


class Supervisor:
    """Starts servers and keeps them running.

    Parameters
    ----------
    to_run : sequence of Server
        In the order of their start.
    log_path : callable
        The log file of a server, by its name.
    environ : dict of str to str
        The servers' environment.
    publish : callable
        Takes the servers' records, and why it gave up or None, after every change.
    stop_seconds : float, default=10
        How long a server may take to stop before it is killed.
    silent_seconds : float, default=10
        For how long one may not answer before it is killed, as `localaws.supervision.watch` counts them.
    """

    def __init__(
        self,
        to_run: Sequence[Server],
        log_path: Callable[[str], Path],
        environ: dict[str, str],
        publish: Callable[[tuple[ServerRecord, ...], str | None], None],
        stop_seconds: float = STOP_SECONDS,
        silent_seconds: float = SILENT_SECONDS,
    ) -> None:
        self._children = [_Child(server) for server in to_run]
        self._log_path = log_path
        self._environ = environ
        self._publish = publish
        self._stop_seconds, self._silent_seconds = stop_seconds, silent_seconds
        self._next_look = time.monotonic() + EVERY_SECONDS

    def run(self) -> int:
        """Run until a signal or too many failures.

        Returns
        -------
        int
            The exit code: 0 after a signal, 1 when a server ended too often.
        """
        # The signals wait until they are asked for: none is lost, and nothing is interrupted.
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        for child in self._children:
            self._start(child)
        self._report(None)
        failure = None
        while failure is None:
            received = signal.sigtimedwait(_SIGNALS, self._seconds_until_due())
            if received is not None and received.si_signo != signal.SIGCHLD:
                break
            before = [child.process for child in self._children]
            self._kill_silent()
            failure = self._bury_dead()
            if failure is None:
                self._start_due()
            if [child.process for child in self._children] != before:
                self._report(None)
        self._stop()
        self._report(failure)
        return 0 if failure is None else 1

    def _report(self, failure: str | None) -> None:
        self._publish(tuple(child.record() for child in self._children), failure)

    def _seconds_until_due(self) -> float:
        dues = [child.due for child in self._children if child.due is not None]
        return max(0.0, min([*dues, self._next_look]) - time.monotonic())

    def _start(self, child: _Child) -> None:
        child.due = None
        parent = os.getpid()

        def in_child() -> None:
            die_with_parent(parent)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)

        with self._log_path(child.server.name).open("ab") as log:
            child.process = subprocess.Popen(
                child.server.command,
                env=self._environ,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=in_child,  # noqa: PLW1509 - unsafe beside threads, and this process has none
            )
        child.started_at = time.time()
        child.watch = Watch(child.process.pid, child.server.port, child.server.health_path)
        logger.info("%s started, pid %s, port %s", child.server.name, child.process.pid, child.server.port)

    def _start_due(self) -> None:
        for child in self._children:
            if child.due is not None and child.due <= time.monotonic():
                self._start(child)

    def _kill_silent(self) -> None:
        """Look whether the servers answer; kill those that have not for too long: they are started again."""
        if time.monotonic() < self._next_look:
            return
        for child in self._children:
            if child.watch is None or child.process is None:
                continue
            child.watch.look()
            if child.watch.silent > self._silent_seconds:
                logger.error("%s has not answered for %.0f s: killed", child.server.name, child.watch.silent)
                child.process.send_signal(TRACE_SIGNAL)
                signal.sigtimedwait({signal.SIGCHLD}, _TRACE_SECONDS)
                kill_group(child.process.pid, signal.SIGKILL)
                child.process.wait()
        self._next_look = time.monotonic() + EVERY_SECONDS

    def _bury_dead(self) -> str | None:
        """Note which servers ended and when they are due again; the reason to give up, if there is one."""
        for child in self._children:
            if child.process is None or child.process.poll() is None:
                continue
            now = time.monotonic()
            logger.warning("%s ended, %s", child.server.name, _how(child.process.returncode))
            kill_group(child.process.pid, signal.SIGKILL)
            self._forget(child)
            child.deaths.append(now)
            delay = restart_delay(child.deaths, now)
            if delay is None:
                reason = f"{child.server.name} ended {GIVE_UP_AT} times within {WINDOW_SECONDS:.0f} s"
                logger.error("%s; giving up. Its log: %s", reason, self._log_path(child.server.name))
                return reason
            child.due = now + delay
            logger.info("%s starts again in %.1f s", child.server.name, delay)
        return None

    def _stop(self) -> None:
        for child in reversed(self._children):
            child.due = None
            if child.process is None:
                continue
            child.process.terminate()
            try:
                child.process.wait(self._stop_seconds)
            except subprocess.TimeoutExpired:
                logger.warning("%s did not stop within %.0f s; killed", child.server.name, self._stop_seconds)
            kill_group(child.process.pid, signal.SIGKILL)
            child.process.wait()
            logger.info("%s stopped", child.server.name)
            self._forget(child)

    def _forget(self, child: _Child) -> None:
        child.process = None
        if child.watch is not None:
            child.watch.close()
            child.watch = None


def _how(returncode: int) -> str:
    if returncode < 0:
        return f"killed by {signal.Signals(-returncode).name}"
    return f"exit code {returncode}"


def _set_aside(log: Path) -> None:
    """Keep the log of the run before, and no more of the past."""
    if log.exists():
        log.replace(log.with_suffix(".log.1"))


def supervise(state: StateDir, ports: Ports) -> int:
    """Supervise a state folder; return the exit code, `LOCKED` if another supervisor has the folder."""
    # The servers keep keys and secrets: what they and their children write is for this user alone.
    os.umask(0o077)
    state.close_to_others()
    if not lock.acquire(state.lock_path):
        return LOCKED
    started_at = time.time()

    def publish(records: tuple[ServerRecord, ...], failure: str | None) -> None:
        write_record(state.record_path, Record(os.getpid(), ports, started_at, records, failure))

    to_run = servers(ports, state)
    for server in to_run:
        _set_aside(state.log_path(server.name))
    found = environment.variables(ports, state, os.environ)
    environ = environment.server_environment(found, os.environ)
    supervisor = Supervisor(to_run, state.log_path, environ, publish)
    return supervisor.run()


def main(argv: Sequence[str] | None = None) -> int:
    """Run the supervisor; its log goes to stderr."""
    parser = argparse.ArgumentParser(prog="python -m localaws.supervision.supervisor", description=main.__doc__)
    parser.add_argument("--state-dir", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--sagemaker-port", type=int, required=True)
    parser.add_argument("--services-port", type=int, required=True)
    arguments = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    ports = Ports(arguments.port, arguments.sagemaker_port, arguments.services_port)
    return supervise(StateDir(arguments.state_dir), ports)


if __name__ == "__main__":
    raise SystemExit(main())

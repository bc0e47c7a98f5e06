"""Whether a server that runs still answers.

The supervisor has no threads, so nothing here waits: a question is sent, and looked after at the next turn. How long a
server is silent is counted so that a busy machine is not taken for a server that hangs:

- A server whose threads use the processor, or wait for it or for the disk, is silent for the seconds of processor that
  it has used since its last answer: among fifteen others it may need a minute for what takes it three seconds.
- One that does nothing, because it was stopped or waits for ever, is silent for the time that passes.
- A turn that comes late counts no more than any other, and the clock stands still while the machine sleeps.
"""

import os
import socket
import time
from contextlib import suppress
from pathlib import Path

from localaws.settings import HOST

EVERY_SECONDS = 1.0
_CONNECT_SECONDS = 0.2
_TICKS = os.sysconf("SC_CLK_TCK")
_BUSY_STATES = frozenset("RD")
_IDLE_SHARE = 0.2


def silent_seconds(elapsed: float, used: float, *, is_busy: bool) -> float:
    """Return for how long a server has been silent in a turn in which it did not answer.

    Parameters
    ----------
    elapsed : float
        Seconds since the turn before.
    used : float
        Seconds of processor that it used meanwhile.
    is_busy : bool
        Whether one of its threads uses the processor now, or waits for it or for the disk.
    """
    elapsed = min(elapsed, 2 * EVERY_SECONDS)
    return min(used, elapsed) if is_busy or used > _IDLE_SHARE * elapsed else elapsed


class Watch:
    """Asks one process for its health, again and again.

    Parameters
    ----------
    pid, port : int
    health_path : str

    Attributes
    ----------
    silent : float
        For how long it has not answered, in seconds; 0 before its first answer.
    """

    def __init__(self, pid: int, port: int, health_path: str) -> None:
        self.silent = 0.0
        self._pid, self._port, self._path = pid, port, health_path
        self._asked: socket.socket | None = None
        self._has_answered = False
        self._turn, self._used = time.monotonic(), 0.0

    def look(self) -> None:
        """See whether it has answered, and ask again if so."""
        now, used = time.monotonic(), _used_seconds(self._pid)
        if self._answer():
            self._has_answered, self.silent = True, 0.0
        elif self._has_answered:
            self.silent += silent_seconds(now - self._turn, used - self._used, is_busy=_is_busy(self._pid))
        self._turn, self._used = now, used
        if self._asked is None:
            self._ask()

    def close(self) -> None:
        """Ask no more."""
        if self._asked is not None:
            self._asked.close()
            self._asked = None

    def _ask(self) -> None:
        """Send a question: on loopback neither connecting nor sending waits for the process."""
        with suppress(OSError):
            connection = socket.create_connection((HOST, self._port), timeout=_CONNECT_SECONDS)
            connection.sendall(f"GET {self._path} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n".encode())
            connection.setblocking(False)
            self._asked = connection

    def _answer(self) -> bool:
        """Return whether the answer is there; forget the question if there will be none."""
        if self._asked is None:
            return False
        try:
            data = self._asked.recv(64)
        except BlockingIOError:
            return False
        except OSError:
            data = b""
        self.close()
        return data.split(b" ")[1:2] == [b"200"]


def _used_seconds(pid: int) -> float:
    """Return the seconds of processor that all threads of a process have used."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _is_busy(pid: int) -> bool:
    """Return whether a thread of a process runs or could run, or waits for the disk."""
    for status in Path(f"/proc/{pid}/task").glob("*/stat"):
        with suppress(OSError):
            if status.read_text().rpartition(")")[2].split()[0] in _BUSY_STATES:
                return True
    return False

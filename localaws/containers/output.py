"""What a container prints goes to its log through a pipe, and the log does not grow for ever.

A log takes `_MOST_BYTES`, each line counting a little more than its length, and after that `_BYTES_PER_SECOND`: a
server that prints for months is heard, and a job that prints without end costs a bounded file and no memory. What is
beyond that is left out; a line says how much, and the last words of all are kept. A container that prints faster than
it is read waits, as with any full pipe.
"""

import fcntl
import os
import re
import threading
import time
from pathlib import Path
from typing import BinaryIO

_MOST_BYTES = 64 * 1024 * 1024
_BYTES_PER_SECOND = 16 * 1024
# A line is an event of CloudWatch Logs, which costs something however short it is.
_LINE_BYTES = 64
_TAIL_BYTES = 64 * 1024
_CHUNK_BYTES = 64 * 1024
_PIPE_BYTES = 1024 * 1024
# Between two chunks that are left out, so that printing in vain does not take a processor.
_PAUSE_SECONDS = 0.005
_LAST_WORDS_SECONDS = 5.0
_CONTROL = re.compile(rb"[\x00-\x09\x0b-\x1f\x7f]")


class Budget:
    """How much of an output is kept.

    Parameters
    ----------
    most : float
        Bytes at once.
    per_second : float
        Bytes that are added again.
    now : float
        Seconds of a clock.
    """

    def __init__(self, most: float, per_second: float, now: float) -> None:
        self._most, self._per_second, self._left, self._then = most, per_second, most, now

    def take(self, cost: float, now: float) -> bool:
        """Return whether there is enough left, and take it."""
        self._left = min(self._most, self._left + (now - self._then) * self._per_second)
        self._then = now
        if cost > self._left:
            return False
        self._left -= cost
        return True


class Output:
    """The standard output and error of one container.

    Parameters
    ----------
    log : Path
        The file; what is in it stays.
    budget : Budget or None, default: that of the module's docstring
    escaped : bool, default=False
        Whether control characters are written as ``#011``, which is a tab: in the logs of AWS's training jobs they are.

    Attributes
    ----------
    fd : int
        The end of the pipe for the container; closed by `begin`.
    """

    def __init__(self, log: Path, budget: Budget | None = None, *, escaped: bool = False) -> None:
        self._escaped = escaped
        self._budget = budget or Budget(_MOST_BYTES, _BYTES_PER_SECOND, time.monotonic())
        self._file = log.open("ab", buffering=0)
        self._source, self.fd = os.pipe()
        fcntl.fcntl(self.fd, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        self._left_out_lines, self._left_out_bytes, self._tail = 0, 0, b""
        self._thread = threading.Thread(target=self._copy, name=f"output {log}", daemon=True)

    def begin(self) -> None:
        """Copy until every process that has the other end is gone."""
        os.close(self.fd)
        self._thread.start()

    def join(self) -> None:
        """Wait until the last words of a container that has ended are in the log."""
        self._thread.join(_LAST_WORDS_SECONDS)

    def _copy(self) -> None:
        with os.fdopen(self._source, "rb", buffering=0) as source, self._file as file:
            while data := source.read(_CHUNK_BYTES):
                if self._escaped:
                    data = _CONTROL.sub(lambda found: b"#%03o" % found[0][0], data)
                lines = data.count(b"\n")
                if not self._budget.take(len(data) + _LINE_BYTES * lines, time.monotonic()):
                    self._leave_out(data, lines)
                    continue
                if self._left_out_bytes:
                    self._say_left_out(file)
                _write(file, data)
            if self._left_out_bytes:
                self._say_left_out(file)

    def _leave_out(self, data: bytes, lines: int) -> None:
        self._left_out_lines += lines
        self._left_out_bytes += len(data)
        self._tail = (self._tail + data)[-_TAIL_BYTES:]
        time.sleep(_PAUSE_SECONDS)

    def _say_left_out(self, file: BinaryIO) -> None:
        kept = self._tail.partition(b"\n")[2] if len(self._tail) == _TAIL_BYTES else self._tail
        lines, size = self._left_out_lines - kept.count(b"\n"), self._left_out_bytes - len(kept)
        self._left_out_lines, self._left_out_bytes, self._tail = 0, 0, b""
        if size:
            limit = f"a log takes {_MOST_BYTES // 1024**2} MB, and {_BYTES_PER_SECOND // 1024} kB a second after that"
            _write(file, f"\n[local AWS] {lines:,} lines ({size:,} bytes) are left out here: {limit}\n".encode())
        _write(file, kept)


def _write(file: BinaryIO, data: bytes) -> None:
    """Write it all; on a full disk, what is too much is lost, and the container goes on."""
    try:
        while data:
            data = data[file.write(data) :]
    except OSError:
        return

"""Lambda: what a function prints: an invocation's log has all of it up to a limit, and nothing of another's."""

import importlib
import queue
import threading
import time
from collections import deque
from typing import Any

from localaws.errors import HookMissingError
from localaws.ministack.private import installed_version, private

# An event of CloudWatch Logs has 256 kB, of which 26 bytes are its own.
_LINE_BYTES = 256 * 1024 - 26
_MOST_BYTES, _LINE_COST_BYTES = 16 * 1024 * 1024, 64
_CHUNK_BYTES, _PAUSE_SECONDS = 65_536, 0.005

END = "\0END "
"""Begins what ends an invocation's log; the request's id follows."""
_REQUEST_ID_BYTES = 64
_POLL_SECONDS = 0.001
# A reader that gets no processor for so long is given up; so is one whose function has started what goes on printing.
_MOST_SECONDS, _MOST_SECONDS_WHEN_KILLED = 5.0, 1.0

_PYTHON_ANSWERED = "        _real_stdout.flush()\n\nrun()"
_PYTHON_ENDS = f"""        try:
            print({END!r} + _ms_ctx.get("request_id", ""), file=sys.__stderr__, flush=True)
        except (OSError, ValueError):  # the function has closed it
            pass
"""
_NODE_ANSWERS = "const _realStdoutWrite = process.stdout.write.bind(process.stdout);"
_NODE_ENDS = """let _msRequestId = "";
const _msAnswer = process.stdout.write.bind(process.stdout);
const _realStdoutWrite = answer => { _stderrWrite("\\0END " + _msRequestId + "\\n"); return _msAnswer(answer); };"""
_NODE_ASKED = "    const ctx = msg.ctx || {};"
_NODE_ASKS = f'{_NODE_ASKED}\n    _msRequestId = ctx.request_id || "";'


class Lines:
    """The lines that a function has printed and nobody has taken yet; those over the limit are counted only."""

    def __init__(self) -> None:
        self._lines: deque[str] = deque()
        self._cost, self._left_out = 0, 0
        self._lock = threading.Lock()

    @property
    def is_full(self) -> bool:
        """Return whether another line would be left out."""
        return self._cost > _MOST_BYTES

    def put(self, line: str) -> None:
        """Add a line."""
        with self._lock:
            self._lines.append(line)
            self._cost += len(line) + _LINE_COST_BYTES

    def leave_out(self, count: int) -> None:
        """Count lines that are lost."""
        with self._lock:
            self._left_out += count

    def get_nowait(self) -> str:
        """Take the next line; at the end, one that says what was left out. `queue.Empty` without."""
        with self._lock:
            if self._lines:
                line = self._lines.popleft()
                self._cost -= len(line) + _LINE_COST_BYTES
                return line
            if self._left_out:
                count, self._left_out = self._left_out, 0
                limit = f"an invocation's log takes {_MOST_BYTES // 1024**2} MB"
                return f"[local AWS] {count:,} lines are left out here: {limit}"
        raise queue.Empty


def limit_output() -> None:
    """Keep a bounded part of what a function prints, whatever its bytes and however long its lines.

    MiniStack reads lines without a limit into a queue without one, and stops reading at bytes that are no UTF-8: the
    function then waits for ever.

    Hook ``ministack.core.lambda_runtime.Worker._read_stderr``, which fills ``_stderr_queue`` in a thread.
    """
    worker = private("ministack.core.lambda_runtime", "Worker")
    if not callable(getattr(worker, "_read_stderr", None)):
        raise HookMissingError(f"MiniStack {installed_version()}: Worker has no _read_stderr")

    def read(self: Any) -> None:
        self._stderr_queue = lines = Lines()
        source = self._proc.stderr.buffer
        while data := source.read1(_CHUNK_BYTES) if lines.is_full else source.readline(_LINE_BYTES):
            if lines.is_full:
                lines.leave_out(data.count(b"\n"))
                _, ends, request_id = data.rpartition(END.encode())
                if ends and len(request_id) <= _REQUEST_ID_BYTES:
                    lines.put(END + request_id.decode("utf-8", "replace").rstrip("\n"))
                time.sleep(_PAUSE_SECONDS)
            else:
                lines.put(data.decode("utf-8", "replace").rstrip("\n"))

    worker._read_stderr = read


def end_logs_with_answers() -> None:
    """Have an answer wait for the log that belongs to it, and no longer.

    MiniStack waits some milliseconds for the reader of the log: on a busy machine lines are missing, until the next
    invocation has them, and a function that prints nothing waits in vain. Here an environment writes a line that ends
    the log.

    Hooks ``ministack.core.lambda_runtime``: ``_PYTHON_WORKER_SCRIPT`` and ``_NODEJS_WORKER_SCRIPT`` run the functions,
    ``Worker.invoke`` asks them, ``Worker._drain_stderr_bounded`` takes the log of an answer, and
    ``Worker._drain_stderr`` that of a function that was killed, from ``_stderr_queue``, which ``_stderr_thread`` fills.
    """
    runtime: Any = importlib.import_module("ministack.core.lambda_runtime")
    worker = private(runtime.__name__, "Worker")
    invoke, drain, drain_killed = worker.invoke, worker._drain_stderr_bounded, worker._drain_stderr
    runtime._PYTHON_WORKER_SCRIPT = _replaced(
        private(runtime.__name__, "_PYTHON_WORKER_SCRIPT"), _PYTHON_ANSWERED, _PYTHON_ENDS + _PYTHON_ANSWERED
    )
    node = _replaced(private(runtime.__name__, "_NODEJS_WORKER_SCRIPT"), _NODE_ANSWERS, _NODE_ENDS)
    runtime._NODEJS_WORKER_SCRIPT = _replaced(node, _NODE_ASKED, _NODE_ASKS)

    def invoke_known(self: Any, event: Any, request_id: str, **more: Any) -> Any:
        self.request_id = request_id
        return invoke(self, event, request_id, **more)

    def drain_to_end(self: Any, *arguments: Any, **more: Any) -> str:
        if type(self) is worker:
            return _taken(self, _MOST_SECONDS)
        return str(drain(self, *arguments, **more))  # a runtime that the function brings

    def drain_killed_to_end(self: Any) -> str:
        return _taken(self, _MOST_SECONDS_WHEN_KILLED) if type(self) is worker else str(drain_killed(self))

    worker.invoke, worker._drain_stderr_bounded = invoke_known, drain_to_end
    worker._drain_stderr = drain_killed_to_end


def _replaced(script: str, said: str, instead: str) -> str:
    if script.count(said) != 1:
        raise HookMissingError(f"MiniStack {installed_version()}: a worker's script does not have {said!r} once")
    return script.replace(said, instead)


def _taken(worker: Any, seconds: float) -> str:
    """Take lines to the one that ends the invocation's log, or to the end of all, when the environment is gone."""
    lines, deadline = [], time.monotonic() + seconds
    while time.monotonic() < deadline:
        is_read = not worker._stderr_thread.is_alive()
        try:
            line = worker._stderr_queue.get_nowait()
        except queue.Empty:
            if is_read:
                break
            time.sleep(_POLL_SECONDS)
            continue
        said, ends, request_id = line.rpartition(END)
        if not ends or said:
            lines.append(said if ends else line)
        if ends and request_id == worker.request_id:
            break
    return "\n".join(lines)

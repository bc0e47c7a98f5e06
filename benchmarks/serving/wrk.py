"""The load: wrk, which keeps as many requests in flight as it has connections, and counts the answers."""

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from benchmarks.serving.workloads import Request

_GRACE_SECONDS = 30
_SCRIPT = """\
local file = io.open("{body}", "rb")
wrk.method = "POST"
wrk.body = file:read("*a")
file:close()
wrk.headers["Content-Type"] = "{content_type}"
wrk.headers["Accept"] = "{accept}"

function done(summary, latency, requests)
  local e = summary.errors
  io.write(string.format(
    '\\nRESULT {{"requests": %d, "microseconds": %d, "p50_us": %d, "p99_us": %d, "errors": %d}}\\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    e.connect + e.read + e.write + e.status + e.timeout))
end
"""


class LoadError(Exception):
    """wrk is missing or failed."""


@dataclass(frozen=True)
class Load:
    """The measurements of wrk.

    Attributes
    ----------
    rate : float
        Requests answered with 2xx or 3xx, per second.
    errors : int
        Answers above 399, and connections that failed, broke or timed out.
    """

    rate: float
    p50_us: float
    p99_us: float
    errors: int


def find() -> str:
    """Return the path of wrk.

    Raises
    ------
    LoadError
        If it is not installed.
    """
    program = shutil.which("wrk")
    if program is None:
        raise LoadError("wrk, which generates the load, is not on PATH: apt-get install -y wrk")
    return program


def load(port: int, request: Request, connections: int, seconds: float, folder: Path) -> Load:
    """Keep `connections` busy for `seconds`.

    At most half of the processors generate the load, so that the server has the other half.

    Parameters
    ----------
    port : int
    request : Request
    connections : int
    seconds : float
        The duration.
    folder : Path
        The folder for wrk's script.
    """
    body, script = folder / "request.body", folder / "request.lua"
    body.write_bytes(request.body)
    script.write_text(_SCRIPT.format(body=body, content_type=request.content_type, accept=request.accept))
    threads = max(1, min(connections, (os.cpu_count() or 1) // 2))
    options = ["-t", str(threads), "-c", str(connections), "-d", f"{max(1, round(seconds))}s", "-s", str(script)]
    command = [find(), *options, f"http://127.0.0.1:{port}{request.path}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=seconds + _GRACE_SECONDS)
    _, found, result = done.stdout.partition("RESULT ")
    if not found:
        raise LoadError(f"wrk failed: {(done.stderr or done.stdout).strip()}")
    counted = json.loads(result)
    took = counted["microseconds"] / 1e6
    refused = min(counted["errors"], counted["requests"])
    rate = (counted["requests"] - refused) / took
    return Load(rate, counted["p50_us"], counted["p99_us"], counted["errors"])

"""Run this project's commands as a user does, without waiting for what they import.

A command spends most of its time on importing boto3 and SageMaker's SDK. Here a process that has imported them forks
for each command, which so has a process, an environment, a folder and standard streams of its own, and imports this
project's modules anew. One such process serves the tests of a worker. tests/test_docs.py runs the installed commands.
"""

import atexit
import functools
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

_HERE = Path(__file__)


def run_command(
    module: str, *arguments: str, environ: Mapping[str, str], cwd: Path, timeout: int = 100
) -> subprocess.CompletedProcess[str]:
    """Run a module as `python -P -m` does: with nothing of the current directory on sys.path, and not as tox does."""
    environ = {name: value for name, value in environ.items() if name != "TOX_ENV_DIR"}
    with tempfile.TemporaryFile("w+") as stdout, tempfile.TemporaryFile("w+") as stderr:
        streams = [f"/proc/{os.getpid()}/fd/{file.fileno()}" for file in (stdout, stderr)]
        request = {"module": module, "arguments": arguments, "environ": dict(environ), "cwd": str(cwd)}
        server = _server()
        assert server.stdin and server.stdout
        server.stdin.write(json.dumps({**request, "streams": streams, "timeout": timeout}) + "\n")
        server.stdin.flush()
        status = int(server.stdout.readline())
        outputs = [file.seek(0) or file.read() for file in (stdout, stderr)]
    return subprocess.CompletedProcess([module, *arguments], status, *outputs)


@functools.cache
def _server() -> "subprocess.Popen[str]":
    command = [sys.executable, "-P", str(_HERE.with_name("command_server.py"))]
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    atexit.register(server.kill)
    return server
